#include "server/account/unified_diff.h"

#include <fmt/format.h>

#include <algorithm>
#include <vector>

#include "aggregator/base/valid_text.h"

namespace unipresence {
namespace {

using Lines = std::vector<std::string_view>;

constexpr int kMaxEdits = 1000;      // of the search: 2 MB of memory
constexpr std::size_t kContext = 3;  // unchanged lines around a change

Lines Split(std::string_view text) {
  Lines lines;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    lines.push_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return lines;
}

// Lines before[old_begin, old_end) become after[new_begin, new_end).
struct Change {
  std::size_t old_begin;
  std::size_t old_end;
  std::size_t new_begin;
  std::size_t new_end;
};

// Myers, "An O(ND) difference algorithm": which lines of both stay. Ascending changes; one that
// replaces all if there are more than kMaxEdits edits.
std::vector<Change> Compare(const Lines& before, const Lines& after, std::size_t prefix,
                            std::size_t suffix) {
  const int n = static_cast<int>(before.size() - prefix - suffix);
  const int m = static_cast<int>(after.size() - prefix - suffix);
  if (n == 0 && m == 0) return {};
  const auto same = [&](int x, int y) {
    return before[prefix + static_cast<std::size_t>(x)] ==
           after[prefix + static_cast<std::size_t>(y)];
  };
  const int limit = std::min(n + m, kMaxEdits);
  // By diagonal k = x - y, at k + limit + 1: the furthest x that d edits reach; one row for each d.
  std::vector<std::vector<int>> rows;
  std::vector<int> reach(static_cast<std::size_t>(2 * limit + 3), 0);
  const auto at = [&](int k) { return static_cast<std::size_t>(k + limit + 1); };
  bool found = false;
  for (int d = 0; d <= limit && !found; ++d) {
    rows.push_back(reach);
    for (int k = -d; k <= d && !found; k += 2) {
      const bool down = k == -d || (k != d && reach[at(k - 1)] < reach[at(k + 1)]);
      int x = down ? reach[at(k + 1)] : reach[at(k - 1)] + 1;
      while (x < n && x - k < m && x - k >= 0 && same(x, x - k)) ++x;
      reach[at(k)] = x;
      found = x >= n && x - k >= m;
    }
  }
  const auto place = [&](int offset) { return prefix + static_cast<std::size_t>(offset); };
  if (!found) return {{prefix, place(n), prefix, place(m)}};
  std::vector<Change> changes;
  int x = n;
  int y = m;
  for (int d = static_cast<int>(rows.size()) - 1; d > 0; --d) {
    const std::vector<int>& row = rows[static_cast<std::size_t>(d)];
    const int k = x - y;
    const bool down = k == -d || (k != d && row[at(k - 1)] < row[at(k + 1)]);
    const int from = down ? k + 1 : k - 1;
    x = row[at(from)];
    y = x - from;
    const Change step{place(x), place(down ? x : x + 1), place(y), place(down ? y + 1 : y)};
    if (!changes.empty() && changes.back().old_begin == step.old_end &&
        changes.back().new_begin == step.new_end) {
      changes.back().old_begin = step.old_begin;
      changes.back().new_begin = step.new_begin;
    } else {
      changes.push_back(step);
    }
  }
  std::reverse(changes.begin(), changes.end());
  return changes;
}

// "3,4": the first line, from 1 on, and how many; an empty range names the line before it.
std::string Range(std::size_t begin, std::size_t end) {
  return fmt::format("{},{}", end == begin ? begin : begin + 1, end - begin);
}

class Writer {
 public:
  Writer(const Lines& before, const Lines& after,
         const std::function<std::string(std::string_view)>& show, std::size_t max_bytes)
      : before_(before), after_(after), show_(show), max_bytes_(max_bytes) {}

  void Line(std::string_view mark, std::string_view line) {
    if (diff_.truncated) return;
    // Files of others are in any encoding.
    const std::string text =
        fmt::format("{}{}\n", mark, ValidText(line, std::string_view::npos, TextLines::kMany));
    if (diff_.text.size() + text.size() > max_bytes_) {
      diff_.truncated = true;
      return;
    }
    diff_.text += text;
  }

  // Changes [first, last), which lie so near to each other that they share their context.
  void Hunk(const Change* first, const Change* last) {
    const std::size_t old_begin = first->old_begin - std::min(kContext, first->old_begin);
    const std::size_t new_begin = first->new_begin - std::min(kContext, first->new_begin);
    const std::size_t old_end = std::min(last[-1].old_end + kContext, before_.size());
    const std::size_t new_end = std::min(last[-1].new_end + kContext, after_.size());
    Line("", fmt::format("@@ -{} +{} @@", Range(old_begin, old_end), Range(new_begin, new_end)));
    std::size_t next = old_begin;
    for (; first != last; ++first) {
      for (; next < first->old_begin; ++next) Line(" ", show_(before_[next]));
      for (; next < first->old_end; ++next) Line("-", show_(before_[next]));
      for (std::size_t i = first->new_begin; i < first->new_end; ++i) Line("+", show_(after_[i]));
    }
    for (; next < old_end; ++next) Line(" ", show_(before_[next]));
  }

  UnifiedDiff Take() && { return std::move(diff_); }

 private:
  const Lines& before_;
  const Lines& after_;
  const std::function<std::string(std::string_view)>& show_;
  const std::size_t max_bytes_;
  UnifiedDiff diff_;
};

}  // namespace

UnifiedDiff DiffLines(std::string_view path, std::string_view before, std::string_view after,
                      const std::function<std::string(std::string_view)>& show,
                      std::size_t max_bytes) {
  const Lines old_lines = Split(before);
  const Lines new_lines = Split(after);
  const std::size_t shorter = std::min(old_lines.size(), new_lines.size());
  std::size_t prefix = 0;
  while (prefix < shorter && old_lines[prefix] == new_lines[prefix]) ++prefix;
  std::size_t suffix = 0;
  while (suffix < shorter - prefix &&
         old_lines[old_lines.size() - 1 - suffix] == new_lines[new_lines.size() - 1 - suffix]) {
    ++suffix;
  }
  const std::vector<Change> changes = Compare(old_lines, new_lines, prefix, suffix);
  if (changes.empty()) return {};
  Writer writer(old_lines, new_lines, show, max_bytes);
  writer.Line("--- ", path);
  writer.Line("+++ ", path);
  for (std::size_t first = 0; first < changes.size();) {
    std::size_t last = first + 1;
    while (last < changes.size() &&
           changes[last].old_begin - changes[last - 1].old_end <= 2 * kContext) {
      ++last;
    }
    writer.Hunk(changes.data() + first, changes.data() + last);
    first = last;
  }
  return std::move(writer).Take();
}

}  // namespace unipresence
