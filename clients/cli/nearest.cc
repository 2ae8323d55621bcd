#include "clients/cli/nearest.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <utility>

#include "aggregator/base/edit_distance.h"

namespace unipresence::cli {
namespace {

constexpr std::size_t kMost = 3;
// Nobody misspells a longer word; it bounds the work.
constexpr std::size_t kLongest = 80;

}  // namespace

std::vector<std::string> Nearest(std::string_view typed, std::span<const std::string> words) {
  if (typed.empty() || typed.size() > kLongest) return {};
  // A third of the letters may be wrong.
  const std::size_t allowed = std::max<std::size_t>(1, typed.size() / 3);
  std::vector<std::pair<std::size_t, std::string>> near;
  for (const std::string& word : words) {
    if (word.size() > kLongest) continue;
    std::size_t distance = EditDistance(typed, word);
    if (typed.size() >= 2 && FoldWord(word).starts_with(FoldWord(typed)))
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
