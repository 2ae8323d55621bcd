#include "server/storage/sqlite/sqlite_mend.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <map>
#include <string_view>
#include <utility>

#include "aggregator/base/status_macros.h"

namespace unipresence {
namespace {

struct Table {
  std::string_view name;
  std::string_view user_number;
  std::vector<std::string_view> columns;  // texts that are given to clients or told to a PBX
};

const std::vector<Table>& Tables() {
  static const auto* const kTables = new std::vector<Table>{
      {"users", "number", {"id", "display_name", "exten", "context", "username"}},
      {"lines", "user_number", {"pbx", "device", "sip_username", "sip_secret"}},
      {"voicemails", "user_number", {"name", "number", "context", "password", "email"}},
      {"settings",
       "user_number",
       {"unconditional_destination", "busy_destination", "no_answer_destination"}},
      {"sessions", "user_number", {"id", "client_name", "peer"}},
  };
  return *kTables;
}

using Fields = std::map<std::int64_t, std::vector<std::string>>;  // by user number

// The users of rows in which one of these columns is not valid.
absl::StatusOr<std::vector<std::int64_t>> FindBroken(SqliteDatabase& database, const Table& table,
                                                     const std::vector<std::string_view>& columns) {
  SqliteStatement rows =
      database.Prepare(fmt::format("SELECT DISTINCT {} FROM {} WHERE NOT is_valid_text({})",
                                   table.user_number, table.name, fmt::join(columns, ", ")));
  std::vector<std::int64_t> users;
  while (true) {
    UNIPRESENCE_ASSIGN_OR_RETURN(const bool row, rows.Step());
    if (!row) return users;
    users.push_back(rows.Int(0));
  }
}

absl::Status MendTable(SqliteDatabase& database, const Table& table, Fields& fields) {
  UNIPRESENCE_ASSIGN_OR_RETURN(const auto broken, FindBroken(database, table, table.columns));
  if (broken.empty()) return absl::OkStatus();
  for (const std::string_view column : table.columns) {
    UNIPRESENCE_ASSIGN_OR_RETURN(const auto users, FindBroken(database, table, {column}));
    for (const std::int64_t user : users) {
      fields[user].push_back(fmt::format("{}.{}", table.name, column));
    }
    // Rows that would conflict with another are left over by the first.
    for (const std::string& value :
         {fmt::format("valid_text({})", column),
          fmt::format("valid_text({}) || '-' || {}", column, table.user_number)}) {
      UNIPRESENCE_RETURN_IF_ERROR(
          database
              .Prepare(fmt::format("UPDATE OR IGNORE {} SET {} = {} WHERE NOT is_valid_text({})",
                                   table.name, column, value, column))
              .Run());
    }
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<std::vector<MendedUser>> MendTexts(SqliteDatabase& database, const Clock& clock) {
  bool any = false;
  for (const Table& table : Tables()) {
    UNIPRESENCE_ASSIGN_OR_RETURN(const auto broken, FindBroken(database, table, table.columns));
    any = any || !broken.empty();
  }
  std::vector<MendedUser> mended;
  // A store without them is opened without a write.
  if (!any) return mended;
  UNIPRESENCE_RETURN_IF_ERROR(database.InTransaction([&]() -> absl::Status {
    Fields fields;
    for (const Table& table : Tables()) {
      UNIPRESENCE_RETURN_IF_ERROR(MendTable(database, table, fields));
    }
    for (auto& [number, names] : fields) {
      UNIPRESENCE_RETURN_IF_ERROR(
          database
              .Prepare("UPDATE users SET version = version + 1, update_time = ? WHERE number = ?")
              .Bind(1, clock.WallNow())
              .Bind(2, number)
              .Run());
      SqliteStatement user = database.Prepare("SELECT id FROM users WHERE number = ?");
      UNIPRESENCE_ASSIGN_OR_RETURN(const bool row, user.Bind(1, number).Step());
      if (row) mended.push_back({std::string(user.Text(0)), std::move(names)});
    }
    return absl::OkStatus();
  }));
  return mended;
}

}  // namespace unipresence
