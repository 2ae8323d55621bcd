#ifndef UNIPRESENCE_AGGREGATOR_BASE_EDIT_DISTANCE_H_
#define UNIPRESENCE_AGGREGATOR_BASE_EDIT_DISTANCE_H_

#include <cstddef>
#include <string>
#include <string_view>

namespace unipresence {

// A word as it is compared: in small letters, `-` for `_`. Pure.
std::string FoldWord(std::string_view word);

// How many letters have to be changed, added, left out or exchanged with the next one to make one
// word of the other, both folded. Takes as long as the product of their lengths. Pure.
std::size_t EditDistance(std::string_view a, std::string_view b);

}  // namespace unipresence

#endif  // UNIPRESENCE_AGGREGATOR_BASE_EDIT_DISTANCE_H_
