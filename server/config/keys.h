#ifndef UNIPRESENCE_SERVER_CONFIG_KEYS_H_
#define UNIPRESENCE_SERVER_CONFIG_KEYS_H_

// The keys of a map in a file: what errors name and the example shows. Pure; thread-safe.

#include <span>
#include <string>
#include <string_view>

namespace unipresence::config {

struct Key {
  std::string_view name;
  std::string_view example;  // as YAML: the default, if there is one
  std::string_view help;     // what it is, which values it may have
  enum class Use { kNeeded, kOptional, kInstead } use = Use::kOptional;  // kInstead: of another one
};

// "name, host, port".
std::string NamesOf(std::span<const Key> keys);

}  // namespace unipresence::config

#endif  // UNIPRESENCE_SERVER_CONFIG_KEYS_H_
