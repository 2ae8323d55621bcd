#ifndef UNIPRESENCE_CLIENTS_CLI_TABLE_H_
#define UNIPRESENCE_CLIENTS_CLI_TABLE_H_

// A table with aligned columns and a header, for results of any length: rows are held back until
// the columns' widths are known from the first ones, then go out as they come.

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "clients/cli/output.h"

namespace unipresence::cli {

// Terminal colours, for cells that should stand out.
enum class Colour { kNone, kBold, kDim, kRed, kGreen, kYellow, kBlue };

struct Cell {
  std::string text;
  Colour colour = Colour::kNone;

  Cell(std::string cell_text, Colour cell_colour = Colour::kNone)
      : text(std::move(cell_text)), colour(cell_colour) {}
  Cell(std::string_view cell_text, Colour cell_colour = Colour::kNone)
      : text(cell_text), colour(cell_colour) {}
  Cell(const char* cell_text, Colour cell_colour = Colour::kNone)
      : text(cell_text), colour(cell_colour) {}
};

// The text as it may be shown: control characters, which could steer the terminal, become `?`, and
// an empty one becomes `-`.
std::string Shown(std::string_view text);

// How many columns a UTF-8 text takes: code points without combining marks and joiners. East Asian
// wide characters count as two.
std::size_t DisplayWidth(std::string_view text);

// "\x1b[32mtext\x1b[0m" if `colours`, else the text.
std::string Painted(std::string_view text, Colour colour, bool colours);

class Table {
 public:
  // Writes to `output`, which must outlive it. `min_widths`: columns are at least this wide, for
  // tables whose later rows are wider than the first ones. `hold_back`: so many rows are waited
  // for.
  Table(Output& output, std::vector<std::string> header, std::vector<std::size_t> min_widths = {},
        std::size_t hold_back = 1'000);
  // Writes the rows held back. Of a table that never had one nothing is written.
  ~Table();
  Table(const Table&) = delete;
  Table& operator=(const Table&) = delete;

  // As many cells as the header has; fewer leave the rest empty.
  void Row(std::vector<Cell> cells);
  // Writes the header, if it was not yet, even without rows, and the rows held back. Rows that come
  // later are written at once.
  void Flush();

 private:
  void Write(const std::vector<Cell>& cells);

  Output& output_;
  std::vector<Cell> header_;
  std::vector<std::size_t> widths_;
  const std::size_t hold_back_;
  bool started_ = false;
  std::vector<std::vector<Cell>> waiting_;
};

}  // namespace unipresence::cli

#endif  // UNIPRESENCE_CLIENTS_CLI_TABLE_H_
