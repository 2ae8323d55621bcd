#include "server/storage/user_store.h"

namespace unipresence {

std::string_view ToString(UserOrigin origin) {
  switch (origin) {
    case UserOrigin::kProvisioned:
      return "provisioned";
    case UserOrigin::kSeed:
      return "seed";
  }
  __builtin_unreachable();
}

}  // namespace unipresence
