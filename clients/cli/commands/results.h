#ifndef UNIPRESENCE_CLIENTS_CLI_COMMANDS_RESULTS_H_
#define UNIPRESENCE_CLIENTS_CLI_COMMANDS_RESULTS_H_

// Results of one kind, many of them: rows of a table, or one JSON object per line.
//
//   Results<v1::User> results(context, UserColumns(), &UserRow, &UserJson);
//   results.Write(user);
//   results.Finish();

#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "clients/cli/command_context.h"
#include "clients/cli/table.h"

namespace unipresence::cli {

template <typename Message>
class Results {
 public:
  using RowOf = std::function<std::vector<Cell>(const Message&)>;
  using JsonOf = std::string (*)(const Message&);

  Results(CommandContext& context, std::vector<Column> columns, RowOf row_of, JsonOf json_of)
      : output_(context.out()), row_of_(std::move(row_of)), json_of_(json_of) {
    if (!context.json()) table_ = std::make_unique<Table>(output_, std::move(columns));
  }

  void Write(const Message& message) {
    if (table_ != nullptr) {
      table_->Row(row_of_(message));
    } else {
      output_.Line(json_of_(message));
    }
  }

  // After success: a table without rows has its header too.
  void Finish() {
    if (table_ != nullptr) table_->Flush();
  }

 private:
  Output& output_;
  const RowOf row_of_;
  const JsonOf json_of_;
  std::unique_ptr<Table> table_;
};

}  // namespace unipresence::cli

#endif  // UNIPRESENCE_CLIENTS_CLI_COMMANDS_RESULTS_H_
