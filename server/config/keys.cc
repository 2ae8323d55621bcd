#include "server/config/keys.h"

namespace unipresence::config {

std::string NamesOf(std::span<const Key> keys) {
  std::string names;
  for (const Key& key : keys) {
    if (!names.empty()) names += ", ";
    names += key.name;
  }
  return names;
}

}  // namespace unipresence::config
