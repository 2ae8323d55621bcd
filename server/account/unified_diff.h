#ifndef UNIPRESENCE_SERVER_ACCOUNT_UNIFIED_DIFF_H_
#define UNIPRESENCE_SERVER_ACCOUNT_UNIFIED_DIFF_H_

// The difference of two texts as a unified diff, for people. Pure.

#include <cstddef>
#include <functional>
#include <string>
#include <string_view>

namespace unipresence {

struct UnifiedDiff {
  std::string text;  // empty if the texts are equal
  bool truncated = false;
};

// Lines are compared as they are and shown as `show` gives them (secrets masked). Ends within
// `max_bytes`, at the end of a line. The shortest edit up to some thousand changed lines; beyond
// that, what lies between the first and the last difference is shown as replaced.
UnifiedDiff DiffLines(std::string_view path, std::string_view before, std::string_view after,
                      const std::function<std::string(std::string_view)>& show,
                      std::size_t max_bytes);

}  // namespace unipresence

#endif  // UNIPRESENCE_SERVER_ACCOUNT_UNIFIED_DIFF_H_
