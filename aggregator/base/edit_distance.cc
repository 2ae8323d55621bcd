#include "aggregator/base/edit_distance.h"

#include <algorithm>
#include <cctype>
#include <string>
#include <utility>
#include <vector>

namespace unipresence {

std::string FoldWord(std::string_view word) {
  std::string plain;
  for (const char c : word) {
    plain += c == '_' ? '-' : static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  }
  return plain;
}

std::size_t EditDistance(std::string_view first, std::string_view second) {
  const std::string a = FoldWord(first);
  const std::string b = FoldWord(second);
  // The rows of the optimal string alignment: before the last, the last, this one.
  std::vector<std::size_t> two_ago;
  std::vector<std::size_t> ago(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j) ago[j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    std::vector<std::size_t> row(b.size() + 1, i);
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t change = ago[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
      row[j] = std::min({change, ago[j] + 1, row[j - 1] + 1});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) {
        row[j] = std::min(row[j], two_ago[j - 2] + 1);
      }
    }
    two_ago = std::exchange(ago, std::move(row));
  }
  return ago[b.size()];
}

}  // namespace unipresence
