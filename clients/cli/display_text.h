#ifndef UNIPRESENCE_CLIENTS_CLI_DISPLAY_TEXT_H_
#define UNIPRESENCE_CLIENTS_CLI_DISPLAY_TEXT_H_

// Text of any language on a terminal: what may be shown, how wide it is, and how it is made to fit.
// Pure.

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace unipresence::cli {

// The text as it may be shown: control characters, which could steer the terminal, and those that
// turn the direction of a whole line become `?`, bytes that are no UTF-8 U+FFFD, and an empty text
// becomes `-`.
std::string Shown(std::string_view text);

// How many columns a UTF-8 text takes: none for marks that join the character before, two for wide
// characters such as Chinese ones, one for all others.
std::size_t DisplayWidth(std::string_view text);

// The text if it takes at most `width` columns, else as much of it as fits before a `…`. Cuts
// between characters, and never parts a character from its marks.
std::string Cut(std::string_view text, std::size_t width);

// The text in lines of at most `width` columns, parted at blanks; a longer word is parted where it
// must. 0 = one line.
std::vector<std::string> Wrapped(std::string_view text, std::size_t width);

}  // namespace unipresence::cli

#endif  // UNIPRESENCE_CLIENTS_CLI_DISPLAY_TEXT_H_
