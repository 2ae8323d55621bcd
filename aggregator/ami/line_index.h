#ifndef UNIPRESENCE_AGGREGATOR_AMI_LINE_INDEX_H_
#define UNIPRESENCE_AGGREGATOR_AMI_LINE_INDEX_H_

// Finds the ends of lines, 64 bytes at a time: the one pass over the bytes of a stream that the
// framer makes. Everything after it jumps from line to line.

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace unipresence::ami {

// Entries of `out` that may be written beyond those that count.
inline constexpr std::size_t kLineIndexSlack = 8;

// Writes `base` + the offset of every LF in data[0, size) that follows a CR, ascending, and returns
// how many. `data[-1]` must be readable: the CR of the first LF may be there. `out` has room for
// `size / 2 + 1 + kLineIndexSlack` entries.
using LineIndexer = std::size_t (*)(const char* data, std::size_t size, std::uint32_t base,
                                    std::uint32_t* out);

struct NamedLineIndexer {
  std::string_view name;
  LineIndexer function;
  bool supported;  // by this machine
};

// The fastest one that this machine supports.
LineIndexer BestLineIndexer();

// All of this build, the fastest first, for tests and benchmarks.
inline constexpr std::size_t kMaxLineIndexers = 3;
std::size_t ListLineIndexers(NamedLineIndexer (&out)[kMaxLineIndexers]);

}  // namespace unipresence::ami

#endif  // UNIPRESENCE_AGGREGATOR_AMI_LINE_INDEX_H_
