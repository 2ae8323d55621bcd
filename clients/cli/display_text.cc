#include "clients/cli/display_text.h"

#include <locale.h>
#include <wchar.h>

#include <algorithm>
#include <optional>
#include <utility>

namespace unipresence::cli {
namespace {

constexpr std::string_view kReplacement = "\xEF\xBF\xBD";  // U+FFFD
constexpr std::string_view kEllipsis = "…";

struct CodePoint {
  std::string_view bytes;
  std::optional<char32_t> value;  // nullopt: the byte is no part of UTF-8
};

// The code point at the front of `text`, which is removed.
CodePoint Take(std::string_view& text) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char lead = byte(0);
  const std::size_t size = lead < 0x80                   ? 1
                           : lead >= 0xC2 && lead < 0xE0 ? 2
                           : lead >= 0xE0 && lead < 0xF0 ? 3
                           : lead >= 0xF0 && lead < 0xF5 ? 4
                                                         : 0;
  char32_t value = size == 1 ? lead : lead & (0x7FU >> size);
  bool valid = size > 0 && size <= text.size();
  for (std::size_t i = 1; valid && i < size; ++i) {
    valid = (byte(i) & 0xC0) == 0x80;
    value = (value << 6) | (byte(i) & 0x3FU);
  }
  const bool overlong = (size == 3 && value < 0x800) || (size == 4 && value < 0x10000);
  const bool surrogate = value >= 0xD800 && value < 0xE000;
  valid = valid && !overlong && !surrogate && value <= 0x10FFFF;
  const std::size_t length = valid ? size : 1;
  CodePoint taken{text.substr(0, length), std::nullopt};
  if (valid) taken.value = value;
  text.remove_prefix(length);
  return taken;
}

// C0, DEL and C1, among them the beginnings of terminal escapes; line separators; embeddings,
// overrides and isolates of the writing direction, which reach beyond their own text.
bool IsHarmful(char32_t value) {
  return value < 0x20 || (value >= 0x7F && value < 0xA0) || (value >= 0x2028 && value <= 0x202E) ||
         (value >= 0x2066 && value <= 0x2069);
}

// What the C library knows of Unicode, whatever the locale of the process.
std::size_t WidthOf(const CodePoint& point) {
  if (!point.value || *point.value < 0x7F) return 1;
  static const locale_t unicode = newlocale(LC_CTYPE_MASK, "C.UTF-8", nullptr);
  if (unicode == nullptr) return 1;
  const locale_t before = uselocale(unicode);
  const int width = wcwidth(static_cast<wchar_t>(*point.value));
  uselocale(before);
  // Code points that it does not know are drawn as one box.
  return width < 0 ? 1 : static_cast<std::size_t>(width);
}

// The longest front of `text` that takes at most `width` columns.
std::string_view Front(std::string_view text, std::size_t width) {
  std::string_view rest = text;
  std::size_t taken = 0;
  std::size_t used = 0;
  while (!rest.empty()) {
    const CodePoint point = Take(rest);
    used += WidthOf(point);
    if (used > width) break;
    taken += point.bytes.size();
  }
  return text.substr(0, taken);
}

}  // namespace

std::string Shown(std::string_view text) {
  if (text.empty()) return "-";
  std::string shown;
  while (!text.empty()) {
    const CodePoint point = Take(text);
    if (!point.value) {
      shown += kReplacement;
    } else {
      shown += IsHarmful(*point.value) ? std::string_view("?") : point.bytes;
    }
  }
  return shown;
}

std::size_t DisplayWidth(std::string_view text) {
  std::size_t width = 0;
  while (!text.empty()) width += WidthOf(Take(text));
  return width;
}

std::string Cut(std::string_view text, std::size_t width) {
  if (DisplayWidth(text) <= width) return std::string(text);
  if (width == 0) return {};
  return std::string(Front(text, width - 1)).append(kEllipsis);
}

std::vector<std::string> Wrapped(std::string_view text, std::size_t width) {
  std::vector<std::string> lines;
  if (width == 0) return {std::string(text)};
  std::string line;
  while (!text.empty()) {
    const std::size_t blank = std::min(text.find(' '), text.size());
    std::string_view word = text.substr(0, blank);
    text.remove_prefix(std::min(blank + 1, text.size()));
    if (word.empty()) continue;
    if (!line.empty() && DisplayWidth(line) + 1 + DisplayWidth(word) > width) {
      lines.push_back(std::exchange(line, {}));
    }
    while (DisplayWidth(word) > width) {
      const std::string_view front = Front(word, width);
      if (front.empty()) break;  // one wide character in one column
      lines.emplace_back(front);
      word.remove_prefix(front.size());
    }
    if (!line.empty()) line += ' ';
    line += word;
  }
  if (!line.empty() || lines.empty()) lines.push_back(std::move(line));
  return lines;
}

}  // namespace unipresence::cli
