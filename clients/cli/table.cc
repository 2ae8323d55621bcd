#include "clients/cli/table.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <span>

namespace unipresence::cli {
namespace {

constexpr std::string_view kColumnGap = "  ";

std::string_view EscapeOf(Colour colour) {
  switch (colour) {
    case Colour::kNone:
      return "";
    case Colour::kBold:
      return "\x1b[1m";
    case Colour::kDim:
      return "\x1b[2m";
    case Colour::kRed:
      return "\x1b[31m";
    case Colour::kGreen:
      return "\x1b[32m";
    case Colour::kYellow:
      return "\x1b[33m";
    case Colour::kBlue:
      return "\x1b[34m";
  }
  return "";
}

struct Range {
  std::uint32_t first;
  std::uint32_t last;
};

// Marks that join the character before (Unicode categories Mn, Me, Cf), the frequent blocks.
constexpr std::array<Range, 8> kZeroWidth = {{{0x0300, 0x036F},
                                              {0x0483, 0x0489},
                                              {0x0591, 0x05BD},
                                              {0x064B, 0x065F},
                                              {0x200B, 0x200F},
                                              {0x20D0, 0x20FF},
                                              {0xFE00, 0xFE0F},
                                              {0xFE20, 0xFE2F}}};

// East Asian Width W and F (Unicode Standard Annex 11), by blocks.
constexpr std::array<Range, 8> kWide = {{{0x1100, 0x115F},
                                         {0x2E80, 0xA4CF},
                                         {0xAC00, 0xD7A3},
                                         {0xF900, 0xFAFF},
                                         {0xFE30, 0xFE6F},
                                         {0xFF00, 0xFF60},
                                         {0x1F300, 0x1FAFF},
                                         {0x20000, 0x3FFFD}}};

bool IsIn(std::uint32_t code_point, std::span<const Range> ranges) {
  return std::any_of(ranges.begin(), ranges.end(), [code_point](const Range& range) {
    return code_point >= range.first && code_point <= range.last;
  });
}

bool IsContinuation(char c) { return (static_cast<unsigned char>(c) & 0xC0) == 0x80; }

// The code point at the front of `text`, which is removed. A broken sequence counts as one.
std::uint32_t TakeCodePoint(std::string_view& text) {
  const auto lead = static_cast<unsigned char>(text.front());
  text.remove_prefix(1);
  std::uint32_t code_point = lead < 0x80   ? lead
                             : lead < 0xE0 ? lead & 0x1FU
                             : lead < 0xF0 ? lead & 0x0FU
                                           : lead & 0x07U;
  while (!text.empty() && IsContinuation(text.front())) {
    code_point = (code_point << 6) | (static_cast<unsigned char>(text.front()) & 0x3FU);
    text.remove_prefix(1);
  }
  return code_point;
}

}  // namespace

std::string Shown(std::string_view text) {
  if (text.empty()) return "-";
  std::string shown;
  while (!text.empty()) {
    const std::string_view before = text;
    const std::uint32_t code_point = TakeCodePoint(text);
    // C0, DEL and C1: among them the beginnings of terminal escapes.
    const bool control = code_point < 0x20 || (code_point >= 0x7F && code_point < 0xA0);
    shown += control ? std::string_view("?") : before.substr(0, before.size() - text.size());
  }
  return shown;
}

std::size_t DisplayWidth(std::string_view text) {
  std::size_t width = 0;
  while (!text.empty()) {
    const std::uint32_t code_point = TakeCodePoint(text);
    if (IsIn(code_point, kZeroWidth)) continue;
    width += IsIn(code_point, kWide) ? 2 : 1;
  }
  return width;
}

std::string Painted(std::string_view text, Colour colour, bool colours) {
  if (!colours || colour == Colour::kNone) return std::string(text);
  return fmt::format("{}{}\x1b[0m", EscapeOf(colour), text);
}

Table::Table(Output& output, std::vector<std::string> header, std::vector<std::size_t> min_widths,
             std::size_t hold_back)
    : output_(output), widths_(std::move(min_widths)), hold_back_(hold_back) {
  widths_.resize(header.size());
  for (std::size_t i = 0; i < header.size(); ++i) {
    widths_[i] = std::max(widths_[i], DisplayWidth(header[i]));
    header_.emplace_back(std::move(header[i]), Colour::kBold);
  }
}

Table::~Table() {
  if (!waiting_.empty()) Flush();
}

void Table::Row(std::vector<Cell> cells) {
  cells.resize(header_.size(), Cell(""));
  for (Cell& cell : cells) {
    // What is missing shows as `-` between columns; at the end of a line nothing is needed.
    if (!cell.text.empty() || &cell != &cells.back()) cell.text = Shown(cell.text);
  }
  if (started_) {
    Write(cells);
    return;
  }
  waiting_.push_back(std::move(cells));
  if (waiting_.size() >= hold_back_) Flush();
}

void Table::Flush() {
  for (const std::vector<Cell>& cells : waiting_) {
    for (std::size_t i = 0; i < cells.size(); ++i) {
      widths_[i] = std::max(widths_[i], DisplayWidth(cells[i].text));
    }
  }
  if (!started_) Write(header_);
  started_ = true;
  for (const std::vector<Cell>& cells : waiting_) Write(cells);
  waiting_.clear();
}

void Table::Write(const std::vector<Cell>& cells) {
  std::string line;
  for (std::size_t i = 0; i < cells.size(); ++i) {
    const std::size_t width = DisplayWidth(cells[i].text);
    line += Painted(cells[i].text, cells[i].colour, output_.colours());
    if (i + 1 == cells.size()) break;
    if (width < widths_[i]) line.append(widths_[i] - width, ' ');
    line += kColumnGap;
  }
  line.erase(line.find_last_not_of(' ') + 1);
  output_.Line(line);
}

}  // namespace unipresence::cli
