// What SqliteUsers reads.

#include <fmt/format.h>

#include <utility>

#include "absl/strings/ascii.h"
#include "aggregator/base/status_macros.h"
#include "aggregator/base/strings.h"
#include "server/storage/refusals.h"
#include "server/storage/sqlite/sqlite_rows.h"
#include "server/storage/sqlite/sqlite_users.h"

namespace unipresence {
namespace {

// UserFilter as SQL, of kUserTables. lower() knows ASCII letters only, as the filter does.
constexpr std::string_view kMatches =
    "(?1 = '' OR instr(lower(u.id), ?1) OR instr(lower(u.display_name), ?1)"
    " OR instr(lower(u.exten), ?1))"
    " AND (?2 = '' OR EXISTS (SELECT 1 FROM lines l WHERE l.user_number = u.number AND l.pbx = ?2))"
    " AND (?3 = '' OR u.role = ?3)";

// `text` is that of the filter in lower case; both must outlive the statement's run.
void BindFilter(SqliteStatement& statement, const UserFilter& filter, std::string_view text) {
  statement.Bind(1, text)
      .Bind(2, filter.pbx)
      .Bind(3, filter.role.has_value() ? ToString(*filter.role) : std::string_view());
}

}  // namespace

absl::StatusOr<StoredUser> SqliteUsers::ReadOneUser(std::string_view where, std::string_view value,
                                                    std::string_view what) const {
  StoredUser user;
  std::int64_t number = 0;
  {
    SqliteStatement statement = database_.Prepare(
        fmt::format("SELECT {} FROM {} WHERE {} = ?", kUserColumns, kUserTables, where));
    UNIPRESENCE_ASSIGN_OR_RETURN(const bool row, statement.Bind(1, value).Step());
    if (!row) return NoSuchUser(value, what);
    UNIPRESENCE_RETURN_IF_ERROR(ReadUserRow(statement, user));
    number = UserNumber(statement);
  }
  UNIPRESENCE_RETURN_IF_ERROR(ReadLines(number, user));
  return user;
}

absl::Status SqliteUsers::ReadLines(std::int64_t number, StoredUser& user) const {
  SqliteStatement statement = database_.Prepare(
      fmt::format("SELECT {} FROM lines WHERE user_number = ? ORDER BY position", kLineColumns));
  statement.Bind(1, number);
  while (true) {
    UNIPRESENCE_ASSIGN_OR_RETURN(const bool row, statement.Step());
    if (!row) return absl::OkStatus();
    UNIPRESENCE_ASSIGN_OR_RETURN(Line line, ReadLine(statement, 0));
    user.user.lines.push_back(std::move(line));
  }
}

absl::StatusOr<StoredUser> SqliteUsers::Get(std::string_view id) const {
  return ReadOneUser("u.id", id, "id");
}

absl::StatusOr<StoredUser> SqliteUsers::GetByUsername(std::string_view username) const {
  return ReadOneUser("u.username", username, "username");
}

absl::StatusOr<std::string> SqliteUsers::EndOfScan(const UserPageRequest& page) const {
  SqliteStatement statement =
      database_.Prepare("SELECT id FROM users WHERE id > ? ORDER BY id LIMIT 1 OFFSET ?");
  statement.Bind(1, page.after).Bind(2, static_cast<std::int64_t>(page.scan_limit) - 1);
  UNIPRESENCE_ASSIGN_OR_RETURN(const bool row, statement.Step());
  return row ? std::string(statement.Text(0)) : std::string();
}

absl::StatusOr<bool> SqliteUsers::AnyBehind(std::string_view id) const {
  return database_.Prepare("SELECT 1 FROM users WHERE id > ? LIMIT 1").Bind(1, id).Step();
}

std::string SqliteUsers::PageSql(bool bounded) {
  return fmt::format("SELECT {} FROM {} WHERE u.id > ?4{} AND {} ORDER BY u.id LIMIT ?6",
                     kUserColumns, kUserTables, bounded ? " AND u.id <= ?5" : "", kMatches);
}

absl::StatusOr<UserPage> SqliteUsers::List(const UserFilter& filter,
                                           const UserPageRequest& page) const {
  UNIPRESENCE_ASSIGN_OR_RETURN(const std::string end, EndOfScan(page));
  UserPage listed;
  {
    SqliteStatement statement = database_.Prepare(PageSql(/*bounded=*/!end.empty()));
    const std::string text = absl::AsciiStrToLower(ToAbsl(filter.text));
    BindFilter(statement, filter, text);
    statement.Bind(4, page.after).Bind(5, end).Bind(6, static_cast<std::int64_t>(page.limit));
    while (true) {
      UNIPRESENCE_ASSIGN_OR_RETURN(const bool row, statement.Step());
      if (!row) break;
      StoredUser& user = listed.users.emplace_back();
      UNIPRESENCE_RETURN_IF_ERROR(ReadUserRow(statement, user));
      UNIPRESENCE_RETURN_IF_ERROR(ReadLines(UserNumber(statement), user));
    }
  }
  if (listed.users.size() < page.limit) {
    listed.next = end;
    return listed;
  }
  const std::string& last = listed.users.back().user.id;
  UNIPRESENCE_ASSIGN_OR_RETURN(const bool more, AnyBehind(last));
  if (more) listed.next = last;
  return listed;
}

absl::Status SqliteUsers::ForEach(const UserFilter& filter,
                                  absl::FunctionRef<void(const StoredUser&)> visit) const {
  // Two walks side by side, both by number: one pass over each table, whatever its size.
  SqliteStatement users = database_.Prepare(fmt::format(
      "SELECT {} FROM {} WHERE {} ORDER BY u.number", kUserColumns, kUserTables, kMatches));
  const std::string text = absl::AsciiStrToLower(ToAbsl(filter.text));
  BindFilter(users, filter, text);
  SqliteStatement lines = database_.Prepare(fmt::format(
      "SELECT user_number, {} FROM lines ORDER BY user_number, position", kLineColumns));
  UNIPRESENCE_ASSIGN_OR_RETURN(bool more_lines, lines.Step());
  StoredUser user;
  while (true) {
    UNIPRESENCE_ASSIGN_OR_RETURN(const bool row, users.Step());
    if (!row) return absl::OkStatus();
    UNIPRESENCE_RETURN_IF_ERROR(ReadUserRow(users, user));
    while (more_lines && lines.Int(0) <= UserNumber(users)) {
      if (lines.Int(0) == UserNumber(users)) {
        UNIPRESENCE_ASSIGN_OR_RETURN(Line line, ReadLine(lines, 1));
        user.user.lines.push_back(std::move(line));
      }
      UNIPRESENCE_ASSIGN_OR_RETURN(more_lines, lines.Step());
    }
    visit(user);
  }
}

absl::StatusOr<std::uint64_t> SqliteUsers::Count(std::optional<Role> role) const {
  SqliteStatement statement = role.has_value()
                                  ? database_.Prepare("SELECT count(*) FROM users WHERE role = ?")
                                  : database_.Prepare("SELECT count(*) FROM users");
  if (role.has_value()) statement.Bind(1, ToString(*role));
  UNIPRESENCE_ASSIGN_OR_RETURN(const bool row, statement.Step());
  return row ? static_cast<std::uint64_t>(statement.Int(0)) : 0;
}

absl::StatusOr<std::uint64_t> SqliteUsers::CountLogins(Role role) const {
  SqliteStatement statement = database_.Prepare(
      "SELECT count(*) FROM users WHERE role = ? AND password_hash NOT IN ('', ?)");
  UNIPRESENCE_ASSIGN_OR_RETURN(const bool row,
                               statement.Bind(1, ToString(role)).Bind(2, kPasswordPending).Step());
  return row ? static_cast<std::uint64_t>(statement.Int(0)) : 0;
}

}  // namespace unipresence
