#ifndef UNIPRESENCE_SERVER_AUTH_PASSWORD_H_
#define UNIPRESENCE_SERVER_AUTH_PASSWORD_H_

// Passwords as argon2id hashes, by libsodium.
//
// One hash takes about 64 ms and 64 MiB on purpose: never on a gRPC or pipeline thread, and never
// without a bound on how many run at once. password_hasher.h has both; use it in the server.

#include <cstddef>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace unipresence::auth {

// The cost of a new hash: RFC 9106 calls for at least this much for interactive log-in; libsodium's
// crypto_pwhash_*_INTERACTIVE.
inline constexpr unsigned long long kPasswordOperations = 2;
inline constexpr std::size_t kPasswordMemoryBytes = std::size_t{64} << 20;
// A hash made elsewhere may ask for at most this much: one that asks for more would be a way to
// exhaust the server by a users file.
inline constexpr unsigned long long kMaxPasswordOperations = 16;
inline constexpr std::size_t kMaxPasswordMemoryBytes = std::size_t{256} << 20;
// Longer ones are refused instead of hashed, shorter ones never accepted as a new password.
inline constexpr std::size_t kMinPasswordBytes = 8;
inline constexpr std::size_t kMaxPasswordBytes = 128;

// Prepares libsodium; safe to call often and from any thread. INTERNAL: it cannot work here. The
// other functions of this room call it themselves.
absl::Status InitializeSodium();

// Can somebody log in with it? 8 to 128 bytes of valid text, which every client can send
// (aggregator/base/valid_text.h). INVALID_ARGUMENT does not repeat the password.
absl::Status ValidatePassword(std::string_view password);

// A hash in libsodium's format "$argon2id$v=19$m=...". RESOURCE_EXHAUSTED: not enough memory.
// INVALID_ARGUMENT: longer than kMaxPasswordBytes. Any thread; takes about 64 ms.
absl::StatusOr<std::string> HashPassword(std::string_view password);

// Is this the password of that hash? False for a malformed or too costly hash and for an over-long
// password. Any thread; takes about 64 ms.
bool VerifyPassword(std::string_view password_hash, std::string_view password);

// Is it a hash that VerifyPassword takes? INVALID_ARGUMENT says what is wrong with it.
absl::Status ValidatePasswordHash(std::string_view password_hash);

}  // namespace unipresence::auth

#endif  // UNIPRESENCE_SERVER_AUTH_PASSWORD_H_
