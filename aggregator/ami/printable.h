#ifndef UNIPRESENCE_AGGREGATOR_AMI_PRINTABLE_H_
#define UNIPRESENCE_AGGREGATOR_AMI_PRINTABLE_H_

#include <cstddef>
#include <string>
#include <string_view>

#include "aggregator/base/valid_text.h"

namespace unipresence::ami {

// What a peer sent, fit for a log or an error text: a valid text of one line, short.
inline std::string Printable(std::string_view text) {
  constexpr std::size_t kMost = 80;
  return ValidText(text, kMost) + (text.size() > kMost ? "..." : "");
}

}  // namespace unipresence::ami

#endif  // UNIPRESENCE_AGGREGATOR_AMI_PRINTABLE_H_
