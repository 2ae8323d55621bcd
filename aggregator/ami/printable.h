#ifndef UNIPRESENCE_AGGREGATOR_AMI_PRINTABLE_H_
#define UNIPRESENCE_AGGREGATOR_AMI_PRINTABLE_H_

#include <cstddef>
#include <string>
#include <string_view>

namespace unipresence::ami {

// What a peer sent, fit for a log or an error text: one line, short, no control characters.
inline std::string Printable(std::string_view text) {
  constexpr std::size_t kMost = 80;
  std::string out(text.substr(0, kMost));
  for (char& c : out) {
    if (c < ' ' || c > '~') c = '?';
  }
  return text.size() > kMost ? out + "..." : out;
}

}  // namespace unipresence::ami

#endif  // UNIPRESENCE_AGGREGATOR_AMI_PRINTABLE_H_
