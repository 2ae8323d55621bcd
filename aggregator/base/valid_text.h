#ifndef UNIPRESENCE_AGGREGATOR_BASE_VALID_TEXT_H_
#define UNIPRESENCE_AGGREGATOR_BASE_VALID_TEXT_H_

// The one rule for texts that come from outside: a PBX, a phone, a file, a row, a client. A
// Protobuf string that is not UTF-8 makes a client lose the whole response it is in, and a control
// character reaches terminals and logs.
//
// Valid is well-formed UTF-8 (Unicode Standard, table 3-7: no overlong forms, no surrogates,
// nothing above U+10FFFF) without
//   - control characters: U+0000 to U+001F, U+007F to U+009F
//   - line and paragraph separators, and what reorders the text around it: U+2028 to U+202E,
//     U+2066 to U+2069
//   - U+xFFFE and U+xFFFF, which stand for no character
// TextLines::kMany allows line feeds and tabs besides.
//
//   details.name = ValidText(message.Get("ConnectedLineName"), 80);     // mended
//   if (!IsValidText(user.display_name)) return InvalidArgument(...);   // refused
//
// Pure; thread-safe.

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace unipresence {

enum class TextLines : std::uint8_t { kOne, kMany };

bool IsValidText(std::string_view text, TextLines lines = TextLines::kOne);

// The text with U+FFFD for each character that is not valid, and for each longest piece of the
// bytes that could begin one. At most `max_bytes` long: what does not fit is cut off between
// characters. A valid text that fits is returned as it is.
std::string ValidText(std::string_view text, std::size_t max_bytes = std::string_view::npos,
                      TextLines lines = TextLines::kOne);

// value = ValidText(text, max_bytes). True if that changed it. Costs no memory if it did not and
// the text is valid.
bool AssignValidText(std::string& value, std::string_view text, std::size_t max_bytes);

// Whether the text is well-formed UTF-8, whatever its characters are.
bool IsUtf8(std::string_view text);

// Where a text is not valid, for its author.
struct TextFault {
  int line = 0;      // from 1
  int column = 0;    // from 1, in characters
  std::string what;  // "the byte 0xE9 is not UTF-8; save the file as UTF-8"
};

// The first fault of each line, `limit` of them at most; of a text in UTF-16 or UTF-32 one alone.
// Line feeds, CR before them, tabs and a byte order mark at the beginning are none.
std::vector<TextFault> FindTextFaults(std::string_view text, std::size_t limit);

}  // namespace unipresence

#endif  // UNIPRESENCE_AGGREGATOR_BASE_VALID_TEXT_H_
