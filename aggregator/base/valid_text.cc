#include "aggregator/base/valid_text.h"

#include <fmt/format.h>

#include <algorithm>

namespace unipresence {
namespace {

constexpr std::string_view kReplacement = "\xEF\xBF\xBD";  // U+FFFD
constexpr std::uint32_t kIllFormed = 0xFFFFFFFF;
constexpr std::uint32_t kByteOrderMark = 0xFEFF;

struct Character {
  std::size_t size = 1;
  std::uint32_t code_point = kIllFormed;
};

// The second byte of a sequence is the one whose range depends on the first (table 3-7).
struct Lead {
  std::size_t size = 0;  // of the sequence; 0: no lead
  unsigned char second_min = 0x80;
  unsigned char second_max = 0xBF;
};

Lead LeadOf(unsigned char byte) {
  if (byte < 0xC2) return {};
  if (byte < 0xE0) return {.size = 2};
  if (byte == 0xE0) return {.size = 3, .second_min = 0xA0};
  if (byte == 0xED) return {.size = 3, .second_max = 0x9F};
  if (byte < 0xF0) return {.size = 3};
  if (byte == 0xF0) return {.size = 4, .second_min = 0x90};
  if (byte < 0xF4) return {.size = 4};
  if (byte == 0xF4) return {.size = 4, .second_max = 0x8F};
  return {};
}

// What is at the front of `text`, which is not empty. Of an ill-formed sequence the longest piece
// that could begin a character.
Character Front(std::string_view text) {
  const auto byte = [text](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  if (byte(0) < 0x80) return {.size = 1, .code_point = byte(0)};
  const Lead lead = LeadOf(byte(0));
  if (lead.size == 0) return {};
  std::uint32_t code_point = byte(0) & (0x7FU >> lead.size);
  for (std::size_t i = 1; i < lead.size; ++i) {
    const unsigned char min = i == 1 ? lead.second_min : 0x80;
    const unsigned char max = i == 1 ? lead.second_max : 0xBF;
    if (i == text.size() || byte(i) < min || byte(i) > max) return {.size = i};
    code_point = code_point << 6 | (byte(i) & 0x3FU);
  }
  return {.size = lead.size, .code_point = code_point};
}

bool IsControl(std::uint32_t code_point) {
  return code_point < 0x20 || (code_point >= 0x7F && code_point < 0xA0);
}

bool IsValid(std::uint32_t code_point, TextLines lines) {
  if (code_point == '\n' || code_point == '\t') return lines == TextLines::kMany;
  return code_point != kIllFormed && !IsControl(code_point) &&
         (code_point < 0x2028 || code_point > 0x202E) &&
         (code_point < 0x2066 || code_point > 0x2069) && (code_point & 0xFFFE) != 0xFFFE;
}

// How many bytes at the front are printable ASCII, as nearly all are.
std::size_t PlainSize(std::string_view text) {
  const auto* const end = std::find_if(text.data(), text.data() + text.size(),
                                       [](char c) { return c < 0x20 || c >= 0x7F; });
  return static_cast<std::size_t>(end - text.data());
}

std::size_t ValidSize(std::string_view text, TextLines lines) {
  std::size_t size = PlainSize(text);
  while (size < text.size()) {
    const Character next = Front(text.substr(size));
    if (!IsValid(next.code_point, lines)) return size;
    size += next.size;
  }
  return size;
}

std::string Describe(std::string_view text, const Character& character) {
  if (character.code_point == kIllFormed) {
    return fmt::format("the byte 0x{:02X} is not UTF-8; save the file as UTF-8",
                       static_cast<unsigned char>(text.front()));
  }
  return fmt::format("the {} U+{:04X} is not allowed; remove it",
                     IsControl(character.code_point) ? "control character" : "character",
                     character.code_point);
}

bool IsLineEnd(std::string_view text) { return text.starts_with("\r\n") || text == "\r"; }

}  // namespace

bool IsValidText(std::string_view text, TextLines lines) {
  return ValidSize(text, lines) == text.size();
}

std::string ValidText(std::string_view text, std::size_t max_bytes, TextLines lines) {
  std::size_t valid = ValidSize(text, lines);
  if (valid == text.size() && valid <= max_bytes) return std::string(text);
  std::string result;
  while (!text.empty()) {
    const Character next = Front(text);
    const std::string_view kept =
        IsValid(next.code_point, lines) ? text.substr(0, next.size) : kReplacement;
    if (kept.size() > max_bytes - result.size()) break;
    result += kept;
    text.remove_prefix(next.size);
  }
  return result;
}

bool AssignValidText(std::string& value, std::string_view text, std::size_t max_bytes) {
  if (text.size() <= max_bytes && IsValidText(text)) {
    if (value == text) return false;
    value = text;
    return true;
  }
  std::string mended = ValidText(text, max_bytes);
  if (value == mended) return false;
  value = std::move(mended);
  return true;
}

bool IsUtf8(std::string_view text) {
  for (text.remove_prefix(PlainSize(text)); !text.empty();) {
    const Character next = Front(text);
    if (next.code_point == kIllFormed) return false;
    text.remove_prefix(next.size);
  }
  return true;
}

std::vector<TextFault> FindTextFaults(std::string_view text, std::size_t limit) {
  for (const std::string_view mark : {"\xFF\xFE", "\xFE\xFF"}) {
    if (text.starts_with(mark)) return {{1, 1, "this is UTF-16 or UTF-32; save the file as UTF-8"}};
  }
  if (text.size() >= 2 && (text[0] == '\0' || text[1] == '\0')) {
    return {{1, 1, "this is UTF-16 or UTF-32, or no text at all; save the file as UTF-8"}};
  }
  std::vector<TextFault> faults;
  int line = 1;
  int column = 1;
  if (!text.empty() && Front(text).code_point == kByteOrderMark) text.remove_prefix(3);
  while (!text.empty() && faults.size() < limit) {
    const Character next = Front(text);
    const bool known = !faults.empty() && faults.back().line == line;
    if (!known && !IsValid(next.code_point, TextLines::kMany) && !IsLineEnd(text)) {
      faults.push_back({line, column, Describe(text, next)});
    }
    ++column;
    if (next.code_point == '\n') {
      ++line;
      column = 1;
    }
    text.remove_prefix(next.size);
  }
  return faults;
}

}  // namespace unipresence
