#include "server/auth/password.h"

#include <fmt/format.h>
#include <sodium.h>

#include <array>
#include <charconv>
#include <optional>

#include "aggregator/base/status_macros.h"
#include "aggregator/base/valid_text.h"

namespace unipresence::auth {
namespace {

static_assert(kPasswordOperations == crypto_pwhash_argon2id_OPSLIMIT_INTERACTIVE);
static_assert(kPasswordMemoryBytes == crypto_pwhash_argon2id_MEMLIMIT_INTERACTIVE);

// The number behind `key` at the front of `text`, which is cut off with it; nullopt if it is not
// there.
std::optional<std::uint64_t> TakeNumber(std::string_view& text, std::string_view key) {
  if (text.substr(0, key.size()) != key) return std::nullopt;
  std::uint64_t number = 0;
  const char* begin = text.data() + key.size();
  const auto [end, error] = std::from_chars(begin, text.data() + text.size(), number);
  if (error != std::errc()) return std::nullopt;
  text.remove_prefix(static_cast<std::size_t>(end - text.data()));
  return number;
}

bool IsBase64(std::string_view text) {
  for (const char c : text) {
    const bool valid = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                       c == '+' || c == '/';
    if (!valid) return false;
  }
  return !text.empty();
}

}  // namespace

absl::Status InitializeSodium() {
  static const int result = sodium_init();  // 0 or 1 = it works
  if (result < 0) {
    return absl::InternalError(
        "libsodium cannot work here (no source of random numbers?); check /dev/urandom");
  }
  return absl::OkStatus();
}

absl::Status ValidatePassword(std::string_view password) {
  if (password.size() < kMinPasswordBytes || password.size() > kMaxPasswordBytes) {
    return absl::InvalidArgumentError(
        fmt::format("the password has {} bytes; choose one of {} to {}", password.size(),
                    kMinPasswordBytes, kMaxPasswordBytes));
  }
  if (!IsUtf8(password)) {
    return absl::InvalidArgumentError(
        "the password is not UTF-8, so no client could send it; write it in UTF-8");
  }
  if (!IsValidText(password)) {
    return absl::InvalidArgumentError(
        "the password has control characters, which nobody can type; choose one without");
  }
  return absl::OkStatus();
}

absl::StatusOr<std::string> HashPassword(std::string_view password) {
  UNIPRESENCE_RETURN_IF_ERROR(InitializeSodium());
  if (password.size() > kMaxPasswordBytes) {
    return absl::InvalidArgumentError(fmt::format(
        "the password has {} bytes; at most {} are hashed", password.size(), kMaxPasswordBytes));
  }
  std::array<char, crypto_pwhash_STRBYTES> hash{};
  if (crypto_pwhash_str_alg(hash.data(), password.data(), password.size(), kPasswordOperations,
                            kPasswordMemoryBytes, crypto_pwhash_ALG_ARGON2ID13) != 0) {
    return absl::ResourceExhaustedError(
        fmt::format("no {} MiB of memory to hash a password; retry, or give the server more",
                    kPasswordMemoryBytes >> 20));
  }
  return std::string(hash.data());
}

absl::Status ValidatePasswordHash(std::string_view password_hash) {
  const auto malformed = [] {
    return absl::InvalidArgumentError(
        "not a hash as libsodium writes it: give $argon2id$v=19$m=65536,t=2,p=1$SALT$HASH, or the "
        "password itself");
  };
  if (password_hash.size() >= crypto_pwhash_STRBYTES) return malformed();
  std::string_view rest = password_hash;
  if (TakeNumber(rest, "$argon2id$v=") != 19) return malformed();
  const auto memory_kib = TakeNumber(rest, "$m=");
  const auto operations = TakeNumber(rest, ",t=");
  const auto lanes = TakeNumber(rest, ",p=");
  if (!memory_kib || !operations || !lanes || rest.empty() || rest[0] != '$') return malformed();
  rest.remove_prefix(1);
  const std::size_t dollar = rest.find('$');
  if (dollar == std::string_view::npos || !IsBase64(rest.substr(0, dollar)) ||
      !IsBase64(rest.substr(dollar + 1))) {
    return malformed();
  }
  if (*memory_kib > kMaxPasswordMemoryBytes / 1024 || *operations > kMaxPasswordOperations ||
      *lanes != 1) {
    return absl::InvalidArgumentError(fmt::format(
        "the hash costs m={},t={},p={}: at most m={},t={},p=1 is accepted; hash the "
        "password anew",
        *memory_kib, *operations, *lanes, kMaxPasswordMemoryBytes / 1024, kMaxPasswordOperations));
  }
  return absl::OkStatus();
}

bool VerifyPassword(std::string_view password_hash, std::string_view password) {
  if (!InitializeSodium().ok() || password.size() > kMaxPasswordBytes ||
      !ValidatePasswordHash(password_hash).ok()) {
    return false;
  }
  // libsodium reads a fixed-size array, with zeros behind the text.
  std::array<char, crypto_pwhash_STRBYTES> hash{};
  password_hash.copy(hash.data(), hash.size() - 1);
  return crypto_pwhash_str_verify(hash.data(), password.data(), password.size()) == 0;
}

}  // namespace unipresence::auth
