#ifndef UNIPRESENCE_CLIENTS_CLI_NEAREST_H_
#define UNIPRESENCE_CLIENTS_CLI_NEAREST_H_

// "Did you mean ...?": which of the words that there are somebody may have meant. Pure.

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace unipresence::cli {

// Those of `words` that `typed` may stand for, the nearest first, at most three: few letters
// differ, or it is the beginning of the word. Empty if none is near.
std::vector<std::string> Nearest(std::string_view typed, std::span<const std::string> words);

// "; did you mean 'list'?", "; did you mean 'list' or 'dnd'?", or nothing.
std::string DidYouMean(std::string_view typed, std::span<const std::string> words);

}  // namespace unipresence::cli

#endif  // UNIPRESENCE_CLIENTS_CLI_NEAREST_H_
