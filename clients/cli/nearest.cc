#include "clients/cli/nearest.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cctype>
#include <utility>

namespace unipresence::cli {
namespace {

constexpr std::size_t kMost = 3;
// Nobody misspells a longer word; it bounds the work.
constexpr std::size_t kLongest = 80;

// As it is compared: any case, `-` for `_`.
std::string Plain(std::string_view word) {
  std::string plain;
  for (const char c : word) {
    plain += c == '_' ? '-' : static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  }
  return plain;
}

}  // namespace

std::size_t EditDistance(std::string_view first, std::string_view second) {
  const std::string a = Plain(first);
  const std::string b = Plain(second);
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

std::vector<std::string> Nearest(std::string_view typed, std::span<const std::string> words) {
  if (typed.empty() || typed.size() > kLongest) return {};
  // A third of the letters may be wrong.
  const std::size_t allowed = std::max<std::size_t>(1, typed.size() / 3);
  std::vector<std::pair<std::size_t, std::string>> near;
  for (const std::string& word : words) {
    if (word.size() > kLongest) continue;
    std::size_t distance = EditDistance(typed, word);
    if (typed.size() >= 2 && Plain(word).starts_with(Plain(typed)))
      distance = std::min(distance, allowed);
    if (distance <= allowed && distance < word.size()) near.emplace_back(distance, word);
  }
  std::sort(near.begin(), near.end());
  near.erase(std::unique(near.begin(), near.end()), near.end());
  std::vector<std::string> found;
  for (auto& [distance, word] : near) {
    if (found.size() < kMost) found.push_back(std::move(word));
  }
  return found;
}

std::string DidYouMean(std::string_view typed, std::span<const std::string> words) {
  const std::vector<std::string> near = Nearest(typed, words);
  if (near.empty()) return {};
  return fmt::format("; did you mean '{}'?", fmt::join(near, "' or '"));
}

}  // namespace unipresence::cli
