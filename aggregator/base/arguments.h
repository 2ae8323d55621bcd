#ifndef UNIPRESENCE_AGGREGATOR_BASE_ARGUMENTS_H_
#define UNIPRESENCE_AGGREGATOR_BASE_ARGUMENTS_H_

#include <span>
#include <string>
#include <vector>

namespace unipresence {

// The arguments of a program with "--user=" as the two words "--user" and "", up to a "--": for
// CLI11, which would take the word that follows for the value. Pure.
std::vector<std::string> SeparateEmptyValues(std::span<const std::string> arguments);

}  // namespace unipresence

#endif  // UNIPRESENCE_AGGREGATOR_BASE_ARGUMENTS_H_
