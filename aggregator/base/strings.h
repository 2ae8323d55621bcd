#ifndef UNIPRESENCE_AGGREGATOR_BASE_STRINGS_H_
#define UNIPRESENCE_AGGREGATOR_BASE_STRINGS_H_

// The one crossing between `absl::string_view` and `std::string_view`.
//
// Debian builds Abseil with its own string_view type, without conversions. Own code uses
// std::string_view everywhere; use these two only where an Abseil function takes or returns one.

#include <string_view>

#include "absl/strings/string_view.h"

namespace unipresence {

inline absl::string_view ToAbsl(std::string_view text) { return {text.data(), text.size()}; }
inline std::string_view FromAbsl(absl::string_view text) { return {text.data(), text.size()}; }

}  // namespace unipresence

#endif  // UNIPRESENCE_AGGREGATOR_BASE_STRINGS_H_
