#include "server/auth/token.h"

#include <sodium.h>

#include <array>
#include <span>

#include "aggregator/base/status_macros.h"
#include "server/auth/password.h"

namespace unipresence::auth {
namespace {

std::string Base64Url(std::span<const unsigned char> bytes) {
  constexpr int kVariant = sodium_base64_VARIANT_URLSAFE_NO_PADDING;
  std::string text(sodium_base64_encoded_len(bytes.size(), kVariant), '\0');
  sodium_bin2base64(text.data(), text.size(), bytes.data(), bytes.size(), kVariant);
  text.pop_back();  // the closing zero
  return text;
}

SessionKey Digest(std::string_view text) {
  SessionKey key;
  static_assert(key.size() >= crypto_generichash_BYTES_MIN &&
                key.size() <= crypto_generichash_BYTES_MAX);
  crypto_generichash(key.data(), key.size(), reinterpret_cast<const unsigned char*>(text.data()),
                     text.size(), nullptr, 0);
  return key;
}

}  // namespace

absl::StatusOr<SessionToken> NewSessionToken() {
  UNIPRESENCE_RETURN_IF_ERROR(InitializeSodium());
  std::array<unsigned char, 32> bytes{};
  randombytes_buf(bytes.data(), bytes.size());
  SessionToken token;
  token.text = Base64Url(bytes);
  token.key = Digest(token.text);
  sodium_memzero(bytes.data(), bytes.size());
  return token;
}

absl::StatusOr<std::string> NewSessionId() {
  UNIPRESENCE_RETURN_IF_ERROR(InitializeSodium());
  std::array<unsigned char, 16> bytes{};
  randombytes_buf(bytes.data(), bytes.size());
  return Base64Url(bytes);
}

absl::StatusOr<std::string> NewSipSecret() {
  UNIPRESENCE_RETURN_IF_ERROR(InitializeSodium());
  std::array<unsigned char, 18> bytes{};
  randombytes_buf(bytes.data(), bytes.size());
  return Base64Url(bytes);
}

std::optional<SessionKey> KeyOfToken(std::string_view token) {
  if (token.size() != kTokenLength) return std::nullopt;
  for (const char c : token) {
    const bool valid = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                       c == '-' || c == '_';
    if (!valid) return std::nullopt;
  }
  return Digest(token);
}

}  // namespace unipresence::auth
