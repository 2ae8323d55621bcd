#include "server/auth/digest.h"

#include <array>

namespace unipresence::auth {
namespace {

constexpr std::size_t kBytes = crypto_generichash_BYTES;

}  // namespace

Digest::Digest() { crypto_generichash_init(&state_, nullptr, 0, kBytes); }

void Digest::Add(std::string_view piece) {
  crypto_generichash_update(&state_, reinterpret_cast<const unsigned char*>(piece.data()),
                            piece.size());
}

std::string Digest::Finish() {
  std::array<unsigned char, kBytes> digest{};
  crypto_generichash_final(&state_, digest.data(), digest.size());
  std::string text(2 * kBytes + 1, '\0');
  sodium_bin2hex(text.data(), text.size(), digest.data(), digest.size());
  text.pop_back();
  return text;
}

}  // namespace unipresence::auth
