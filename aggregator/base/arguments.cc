#include "aggregator/base/arguments.h"

namespace unipresence {

std::vector<std::string> SeparateEmptyValues(std::span<const std::string> arguments) {
  std::vector<std::string> separated;
  bool are_options = true;
  for (const std::string& argument : arguments) {
    if (argument == "--") are_options = false;
    const bool is_empty =
        are_options && argument.starts_with("--") && argument.find('=') == argument.size() - 1;
    separated.push_back(is_empty ? argument.substr(0, argument.size() - 1) : argument);
    if (is_empty) separated.emplace_back();
  }
  return separated;
}

}  // namespace unipresence
