#ifndef UNIPRESENCE_CLIENTS_CLI_TABLE_H_
#define UNIPRESENCE_CLIENTS_CLI_TABLE_H_

// A table with aligned columns and a header, for results of any length: rows are held back until
// the columns' widths are known from the first ones, then go out as they come.
//
// No row is wider than its output (Output::width): columns without a text and less important ones
// are left out, and texts end with `…`. An output without a width gets everything.

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "clients/cli/display_text.h"
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

// A column whose texts are not cut: what somebody copies, or nothing would be left of it.
inline constexpr std::size_t kWhole = static_cast<std::size_t>(-1);

struct Column {
  std::string name;
  // Where not all columns fit, those of the highest rank go first; rank 0 always stays.
  int rank = 0;
  // How far its texts may be cut, before columns are left out; in columns of the terminal.
  std::size_t least = kWhole;
  // It is at least this wide, for tables whose later rows are wider than the first ones. Such a
  // column counts as one with texts, even if those rows have none.
  std::size_t usual = 0;
  // If it is left out its texts go behind those of this column: "AVAILABLE (stale)".
  std::size_t joins = kWhole;

  Column(const char* column_name) : name(column_name) {}
  Column(std::string column_name, int column_rank = 0, std::size_t column_least = kWhole,
         std::size_t column_usual = 0, std::size_t column_joins = kWhole)
      : name(std::move(column_name)),
        rank(column_rank),
        least(column_least),
        usual(column_usual),
        joins(column_joins) {}
};

// The widths with which `columns`, whose texts take `widths`, fit into `available` columns of the
// terminal, with the gaps between them. 0 = left out, as it stays if it was. Those of `empty`,
// which have no text, go first; by default none is. `available` 0: all have what they take.
std::vector<std::size_t> FitColumns(const std::vector<Column>& columns,
                                    std::vector<std::size_t> widths, std::size_t available,
                                    const std::vector<bool>& empty = {});

// "\x1b[32mtext\x1b[0m" if `colours`, else the text.
std::string Painted(std::string_view text, Colour colour, bool colours);

class Table {
 public:
  // Writes to `output`, which must outlive it. `hold_back`: so many rows are waited for.
  Table(Output& output, std::vector<Column> columns, std::size_t hold_back = 1'000);
  // Writes the rows held back. Of a table that never had one nothing is written.
  ~Table();
  Table(const Table&) = delete;
  Table& operator=(const Table&) = delete;

  // As many cells as there are columns; fewer leave the rest empty.
  void Row(std::vector<Cell> cells);
  // Writes the header, if it was not yet, even without rows, and the rows held back. Rows that come
  // later are written at once.
  void Flush();
  // Are the texts of this column there? All are until the widths are known.
  bool Shows(std::size_t column) const {
    return fitted_.empty() || fitted_[column] > 0 || columns_[column].joins != kWhole;
  }

 private:
  void Measure();
  void Fit();
  // The text of a column, with those of the columns that joined it.
  std::string WithJoined(const std::vector<Cell>& cells, std::size_t column) const;
  void WriteHeader();
  void Write(const std::vector<Cell>& cells);

  Output& output_;
  const std::vector<Column> columns_;
  std::vector<std::size_t> widths_;  // that all texts would take
  std::vector<std::size_t> joined_;  // the same, with those of the column that joins it
  std::vector<bool> empty_;          // no row has a text there
  std::vector<std::size_t> fitted_;  // those in use; empty before the header is written
  std::size_t fitted_to_ = 0;        // the width of the output then
  const std::size_t hold_back_;
  std::vector<std::vector<Cell>> waiting_;
};

}  // namespace unipresence::cli

#endif  // UNIPRESENCE_CLIENTS_CLI_TABLE_H_
