#ifndef UNIPRESENCE_AGGREGATOR_BASE_EDIT_DISTANCE_H_
#define UNIPRESENCE_AGGREGATOR_BASE_EDIT_DISTANCE_H_

#include <cstddef>
#include <string_view>

namespace unipresence {

// How many letters have to be changed, added, left out or exchanged with the next one to make one
// word of the other, without regard to case and with `_` for `-`. Takes as long as the product of
// their lengths. Pure.
std::size_t EditDistance(std::string_view a, std::string_view b);

}  // namespace unipresence

#endif  // UNIPRESENCE_AGGREGATOR_BASE_EDIT_DISTANCE_H_
