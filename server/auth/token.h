#ifndef UNIPRESENCE_SERVER_AUTH_TOKEN_H_
#define UNIPRESENCE_SERVER_AUTH_TOKEN_H_

// Session tokens: 32 random bytes in base64url. The server keeps only their digest, so that a
// stolen database opens no session.

#include <optional>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "aggregator/model/session.h"

namespace unipresence::auth {

inline constexpr std::size_t kTokenLength = 43;  // 32 bytes in base64url without padding

struct SessionToken {
  std::string text;  // for the client; worth the password while the session lives: never log it
  SessionKey key;    // for the server
};

// INTERNAL: libsodium cannot work here.
absl::StatusOr<SessionToken> NewSessionToken();

// The public name of a new session: 128 random bits in base64url, 22 characters.
absl::StatusOr<std::string> NewSessionId();

// The password of a new SIP account: 144 random bits in base64url, 24 characters. INTERNAL as
// above.
absl::StatusOr<std::string> NewSipSecret();

// The key of a token that a client sent; nullopt if it cannot be a token. The digest is
// BLAKE2b-256: the token is random, so no slow hash is needed. Any thread; below a microsecond.
std::optional<SessionKey> KeyOfToken(std::string_view token);

}  // namespace unipresence::auth

#endif  // UNIPRESENCE_SERVER_AUTH_TOKEN_H_
