#ifndef UNIPRESENCE_SERVER_AUTH_DIGEST_H_
#define UNIPRESENCE_SERVER_AUTH_DIGEST_H_

// BLAKE2b-256 of something that comes in pieces: two texts of one digest are one text.

#include <sodium.h>

#include <string>
#include <string_view>

namespace unipresence::auth {

class Digest {
 public:
  Digest();

  void Add(std::string_view piece);
  // 64 hexadecimal digits. Once.
  std::string Finish();

 private:
  crypto_generichash_state state_;
};

}  // namespace unipresence::auth

#endif  // UNIPRESENCE_SERVER_AUTH_DIGEST_H_
