#include "clients/cli/table.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

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

// How wide a line of these columns is.
std::size_t LineWidth(const std::vector<std::size_t>& widths) {
  std::size_t sum = 0;
  for (const std::size_t width : widths) {
    if (width > 0) sum += width + kColumnGap.size();
  }
  return sum == 0 ? 0 : sum - kColumnGap.size();
}

// Nothing, or what stands for nothing.
bool IsEmpty(std::string_view text) { return text.empty() || text == Shown(""); }

std::string Joined(std::string_view text, std::string_view more) {
  return fmt::format("{} ({})", text, more);
}

// The last one of those of the highest rank that can still give way.
template <typename CanGive>
std::size_t NextToGive(const std::vector<Column>& columns, CanGive can_give) {
  std::size_t found = columns.size();
  for (std::size_t i = 0; i < columns.size(); ++i) {
    if (!can_give(i)) continue;
    if (found == columns.size() || columns[i].rank >= columns[found].rank) found = i;
  }
  return found;
}

}  // namespace

std::vector<std::size_t> FitColumns(const std::vector<Column>& columns,
                                    std::vector<std::size_t> widths, std::size_t available,
                                    const std::vector<bool>& empty) {
  if (available == 0) return widths;
  while (LineWidth(widths) > available) {
    const std::size_t out = NextToGive(columns, [&](std::size_t i) {
      return i < empty.size() && empty[i] && columns[i].rank > 0 && widths[i] > 0;
    });
    if (out == columns.size()) break;
    widths[out] = 0;
  }
  if (LineWidth(widths) <= available) return widths;
  // A column is never narrower than its name: that is what tells what its texts are.
  std::vector<std::size_t> least(widths.size());
  for (std::size_t i = 0; i < widths.size(); ++i) {
    least[i] = std::min(widths[i], std::max(columns[i].least, DisplayWidth(columns[i].name)));
  }
  while (LineWidth(least) > available) {
    const std::size_t out =
        NextToGive(columns, [&](std::size_t i) { return columns[i].rank > 0 && least[i] > 0; });
    if (out == columns.size()) break;
    least[out] = widths[out] = 0;
  }
  // Then what is left is cut, the less important first, and in the end below what is legible.
  for (const bool in_need : {false, true}) {
    while (LineWidth(widths) > available) {
      const auto floor = [&](std::size_t i) { return in_need ? std::size_t{1} : least[i]; };
      const std::size_t cut =
          NextToGive(columns, [&](std::size_t i) { return widths[i] > floor(i); });
      if (cut == columns.size()) break;
      const std::size_t excess = LineWidth(widths) - available;
      widths[cut] -= std::min(excess, widths[cut] - floor(cut));
    }
  }
  return widths;
}

std::string Painted(std::string_view text, Colour colour, bool colours) {
  if (!colours || colour == Colour::kNone) return std::string(text);
  return fmt::format("{}{}\x1b[0m", EscapeOf(colour), text);
}

Table::Table(Output& output, std::vector<Column> columns, std::size_t hold_back)
    : output_(output), columns_(std::move(columns)), hold_back_(hold_back) {
  for (const Column& column : columns_) {
    widths_.push_back(std::max(column.usual, DisplayWidth(column.name)));
  }
  joined_.resize(columns_.size());
  empty_.resize(columns_.size());
}

Table::~Table() {
  if (!waiting_.empty()) Flush();
}

void Table::Row(std::vector<Cell> cells) {
  cells.resize(columns_.size(), Cell(""));
  for (Cell& cell : cells) {
    // What is missing shows as `-` between columns; at the end of a line nothing is needed.
    if (!cell.text.empty() || &cell != &cells.back()) cell.text = Shown(cell.text);
  }
  if (!fitted_.empty()) {
    // Somebody made the window wider or narrower.
    if (output_.width() != fitted_to_) WriteHeader();
    Write(cells);
    return;
  }
  waiting_.push_back(std::move(cells));
  if (waiting_.size() >= hold_back_) Flush();
}

void Table::Flush() {
  if (fitted_.empty()) Measure();
  if (fitted_.empty()) WriteHeader();
  for (const std::vector<Cell>& cells : waiting_) Write(cells);
  waiting_.clear();
}

void Table::Measure() {
  for (std::size_t i = 0; i < columns_.size(); ++i) {
    // Without any row nothing is known of the texts to come; and where a later one had to join
    // another column, that has to have room for it.
    const bool may_come = waiting_.empty() || columns_[i].usual > 0 ||
                          (columns_[i].joins != kWhole && waiting_.size() >= hold_back_);
    empty_[i] = !may_come;
    if (const std::size_t target = columns_[i].joins; target != kWhole && columns_[i].usual > 0) {
      joined_[target] =
          widths_[target] + DisplayWidth(Joined("", std::string(columns_[i].usual, ' ')));
    }
  }
  for (const std::vector<Cell>& cells : waiting_) {
    for (std::size_t i = 0; i < cells.size(); ++i) {
      const std::string& text = cells[i].text;
      widths_[i] = std::max(widths_[i], DisplayWidth(text));
      if (IsEmpty(text)) continue;
      empty_[i] = false;
      const std::size_t target = columns_[i].joins;
      if (target == kWhole) continue;
      joined_[target] = std::max(joined_[target], DisplayWidth(Joined(cells[target].text, text)));
    }
  }
}

void Table::Fit() {
  fitted_to_ = output_.width();
  std::vector<std::size_t> widths = widths_;
  fitted_ = FitColumns(columns_, widths, fitted_to_, empty_);
  for (std::size_t i = 0; i < columns_.size(); ++i) {
    const std::size_t target = columns_[i].joins;
    if (target == kWhole || fitted_[i] > 0) continue;
    widths[i] = 0;
    widths[target] = std::max(widths[target], joined_[target]);
    fitted_ = FitColumns(columns_, widths, fitted_to_, empty_);
  }
  const std::size_t used = LineWidth(fitted_);
  if (used >= fitted_to_) return;
  // The rest of the line is for the last column.
  const auto last = std::find_if(fitted_.rbegin(), fitted_.rend(), [](auto w) { return w > 0; });
  if (last != fitted_.rend()) *last += fitted_to_ - used;
}

void Table::WriteHeader() {
  Fit();
  std::vector<Cell> header;
  for (std::size_t i = 0; i < columns_.size(); ++i) {
    // The name of a column that joins another one is not needed there.
    header.emplace_back(fitted_[i] > 0 ? columns_[i].name : std::string(), Colour::kBold);
  }
  Write(header);
}

std::string Table::WithJoined(const std::vector<Cell>& cells, std::size_t column) const {
  std::string text = cells[column].text;
  for (std::size_t i = 0; i < columns_.size(); ++i) {
    const bool joins = columns_[i].joins == column && fitted_[i] == 0;
    if (joins && !IsEmpty(cells[i].text)) text = Joined(text, cells[i].text);
  }
  return text;
}

void Table::Write(const std::vector<Cell>& cells) {
  std::string line;
  std::size_t pending = 0;  // blanks before the next text
  for (std::size_t i = 0; i < cells.size(); ++i) {
    if (fitted_[i] == 0) continue;
    const std::string whole = WithJoined(cells, i);
    const std::string text = fitted_to_ == 0 ? whole : Cut(whole, fitted_[i]);
    if (!text.empty()) {
      line.append(pending, ' ');
      line += Painted(text, cells[i].colour, output_.colours());
      pending = 0;
    }
    const std::size_t width = DisplayWidth(text);
    pending += std::max(fitted_[i], width) - width + kColumnGap.size();
  }
  output_.Line(line);
}

}  // namespace unipresence::cli
