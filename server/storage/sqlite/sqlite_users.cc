#include "server/storage/sqlite/sqlite_users.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "aggregator/base/status_macros.h"
#include "aggregator/base/strings.h"
#include "server/storage/conflict.h"
#include "server/storage/refusals.h"
#include "server/storage/sqlite/sqlite_rows.h"

namespace unipresence {
namespace {

absl::Status InsertLines(SqliteDatabase& database, std::int64_t number,
                         const std::vector<Line>& lines) {
  for (std::size_t i = 0; i < lines.size(); ++i) {
    UNIPRESENCE_RETURN_IF_ERROR(database
                                    .Prepare("INSERT INTO lines (user_number, position, kind, pbx,"
                                             " device, sip_username, sip_secret)"
                                             " VALUES (?, ?, ?, ?, ?, ?, ?)")
                                    .Bind(1, number)
                                    .Bind(2, static_cast<std::int64_t>(i))
                                    .Bind(3, ToString(lines[i].kind))
                                    .Bind(4, lines[i].pbx)
                                    .Bind(5, CanonicalDevice(lines[i].device))
                                    .Bind(6, lines[i].sip_username)
                                    .Bind(7, lines[i].sip_secret)
                                    .Run());
  }
  return absl::OkStatus();
}

absl::Status InsertVoicemail(SqliteDatabase& database, std::int64_t number,
                             const std::optional<Voicemail>& box) {
  if (!box.has_value()) return absl::OkStatus();
  return database
      .Prepare(
          "INSERT INTO voicemails (user_number, name, number, context, password, email)"
          " VALUES (?, ?, ?, ?, ?, ?)")
      .Bind(1, number)
      .Bind(2, box->name)
      .Bind(3, box->number)
      .Bind(4, box->context)
      .Bind(5, box->password)
      .Bind(6, box->email)
      .Run();
}

absl::Status InsertUser(SqliteDatabase& database, const NewUser& added, UserOrigin origin,
                        WallTimeMicros now) {
  const User& user = added.user;
  UNIPRESENCE_RETURN_IF_ERROR(
      database
          .Prepare("INSERT INTO users (id, display_name, exten, context, line_type, username, role,"
                   " password_hash, origin, create_time, update_time, version, ring_seconds)"
                   " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 1, ?)")
          .Bind(1, user.id)
          .Bind(2, user.display_name)
          .Bind(3, user.exten)
          .Bind(4, user.context)
          .Bind(5, ToString(user.line_type))
          .Bind(6, user.username)
          .Bind(7, ToString(user.role))
          .Bind(8, added.password_hash)
          .Bind(9, ToString(origin))
          .Bind(10, now)
          .Bind(11, now)
          .Bind(12, std::int64_t{user.ring_seconds})
          .Run());
  const std::int64_t number = database.LastInsertRowId();
  UNIPRESENCE_RETURN_IF_ERROR(InsertLines(database, number, user.lines));
  return InsertVoicemail(database, number, user.voicemail);
}

// The conflict that made an insert or update of `user` fail.
absl::Status DescribeConflict(SqliteDatabase& database, const User& user, bool is_new,
                              const absl::Status& cause) {
  const auto owner = [&](std::string_view sql, std::string_view a,
                         std::string_view b) -> absl::StatusOr<std::string> {
    SqliteStatement statement = database.Prepare(sql);
    statement.Bind(1, a);
    if (!b.empty()) statement.Bind(2, b);
    UNIPRESENCE_ASSIGN_OR_RETURN(const bool row, statement.Step());
    if (!row || (!is_new && statement.Text(0) == user.id)) return std::string();
    return std::string(statement.Text(0));
  };
  using Field = Conflict::Field;
  UNIPRESENCE_ASSIGN_OR_RETURN(std::string id,
                               owner("SELECT id FROM users WHERE id = ?", user.id, ""));
  if (!id.empty()) return ConflictError({Field::kId, user.id, "", id});
  UNIPRESENCE_ASSIGN_OR_RETURN(id,
                               owner("SELECT id FROM users WHERE username = ?", user.username, ""));
  if (!id.empty()) return ConflictError({Field::kUsername, user.username, "", id});
  UNIPRESENCE_ASSIGN_OR_RETURN(
      id, owner("SELECT id FROM users WHERE context = ? AND exten = ?", user.context, user.exten));
  if (!id.empty()) return ConflictError({Field::kExten, user.exten, user.context, id});
  for (const Line& line : user.lines) {
    UNIPRESENCE_ASSIGN_OR_RETURN(
        id, owner("SELECT u.id FROM lines l JOIN users u ON u.number = l.user_number"
                  " WHERE l.pbx = ? AND l.device = ?",
                  line.pbx, CanonicalDevice(line.device)));
    if (!id.empty()) return ConflictError({Field::kDevice, line.device, line.pbx, id});
  }
  if (user.voicemail.has_value()) {
    const Voicemail& box = *user.voicemail;
    UNIPRESENCE_ASSIGN_OR_RETURN(
        id, owner("SELECT u.id FROM voicemails v JOIN users u ON u.number = v.user_number"
                  " WHERE v.context = ? AND v.number = ?",
                  box.context, box.number));
    if (!id.empty()) return ConflictError({Field::kMailbox, box.number, box.context, id});
  }
  // The user names one device in both lines.
  for (const Line& line : user.lines) {
    if (std::count_if(user.lines.begin(), user.lines.end(), [&](const Line& other) {
          return other.pbx == line.pbx &&
                 CanonicalDevice(other.device) == CanonicalDevice(line.device);
        }) > 1) {
      return ConflictError({Field::kDevice, line.device, line.pbx, user.id});
    }
  }
  return absl::InternalError(fmt::format("user '{}': {}", user.id, FromAbsl(cause.message())));
}

}  // namespace

absl::Status SqliteUsers::Create(const NewUser& added) {
  UNIPRESENCE_RETURN_IF_ERROR(ValidateUser(added.user));
  return database_.InTransaction([&]() -> absl::Status {
    UNIPRESENCE_RETURN_IF_ERROR(InsertOrExplain(added, UserOrigin::kProvisioned));
    return database_.Prepare("DELETE FROM deleted_users WHERE id = ?").Bind(1, added.user.id).Run();
  });
}

absl::Status SqliteUsers::InsertOrExplain(const NewUser& added, UserOrigin origin) {
  absl::Status status = database_.InTransaction(
      [&] { return InsertUser(database_, added, origin, clock_.WallNow()); });
  if (absl::IsAlreadyExists(status)) {
    return DescribeConflict(database_, added.user, /*is_new=*/true, status);
  }
  return status;
}

absl::Status SqliteUsers::Update(const User& user) {
  UNIPRESENCE_RETURN_IF_ERROR(ValidateUser(user));
  UNIPRESENCE_ASSIGN_OR_RETURN(const StoredUser before, Get(user.id));
  if (before.user == user) return absl::OkStatus();
  absl::Status status = database_.InTransaction([&] { return ReplaceUser(user); });
  if (absl::IsAlreadyExists(status)) {
    return DescribeConflict(database_, user, /*is_new=*/false, status);
  }
  return status;
}

absl::Status SqliteUsers::ReplaceUser(const User& user) {
  UNIPRESENCE_ASSIGN_OR_RETURN(const std::int64_t number, UserNumberOf(database_, user.id));
  UNIPRESENCE_RETURN_IF_ERROR(
      database_
          .Prepare("UPDATE users SET display_name = ?, exten = ?, context = ?, line_type = ?,"
                   " username = ?, role = ?, update_time = ?, version = version + 1,"
                   " ring_seconds = ? WHERE number = ?")
          .Bind(1, user.display_name)
          .Bind(2, user.exten)
          .Bind(3, user.context)
          .Bind(4, ToString(user.line_type))
          .Bind(5, user.username)
          .Bind(6, ToString(user.role))
          .Bind(7, clock_.WallNow())
          .Bind(8, std::int64_t{user.ring_seconds})
          .Bind(9, number)
          .Run());
  UNIPRESENCE_RETURN_IF_ERROR(
      database_.Prepare("DELETE FROM lines WHERE user_number = ?").Bind(1, number).Run());
  UNIPRESENCE_RETURN_IF_ERROR(InsertLines(database_, number, user.lines));
  UNIPRESENCE_RETURN_IF_ERROR(
      database_.Prepare("DELETE FROM voicemails WHERE user_number = ?").Bind(1, number).Run());
  UNIPRESENCE_RETURN_IF_ERROR(InsertVoicemail(database_, number, user.voicemail));
  return database_
      .Prepare(
          "UPDATE settings SET selected_device = NULL, select_time = 0"
          " WHERE user_number = ?1 AND selected_device NOT IN"
          " (SELECT kind FROM lines WHERE user_number = ?1)")
      .Bind(1, number)
      .Run();
}

absl::Status SqliteUsers::SetPasswordHash(std::string_view id, std::string_view password_hash) {
  UNIPRESENCE_RETURN_IF_ERROR(
      database_
          .Prepare("UPDATE users SET password_hash = ?, update_time = ?, version = version + 1"
                   " WHERE id = ?")
          .Bind(1, password_hash)
          .Bind(2, clock_.WallNow())
          .Bind(3, id)
          .Run());
  return database_.Changes() == 0 ? NoSuchUser(id) : absl::OkStatus();
}

absl::Status SqliteUsers::Delete(std::string_view id) {
  return database_.InTransaction([&]() -> absl::Status {
    UNIPRESENCE_RETURN_IF_ERROR(
        database_.Prepare("DELETE FROM users WHERE id = ?").Bind(1, id).Run());
    if (database_.Changes() == 0) return NoSuchUser(id);
    return database_.Prepare("INSERT OR REPLACE INTO deleted_users (id, delete_time) VALUES (?, ?)")
        .Bind(1, id)
        .Bind(2, clock_.WallNow())
        .Run();
  });
}

// --- Users of a file ---

absl::StatusOr<bool> SqliteUsers::IsKnown(std::string_view id) const {
  SqliteStatement statement = database_.Prepare(
      "SELECT 1 FROM users WHERE id = ?1 UNION ALL SELECT 1 FROM deleted_users WHERE id = ?1");
  return statement.Bind(1, id).Step();
}

absl::StatusOr<std::vector<std::string>> SqliteUsers::Unseeded(
    std::span<const std::string> ids) const {
  std::vector<std::string> unseeded;
  for (const std::string& id : ids) {
    UNIPRESENCE_ASSIGN_OR_RETURN(const bool known, IsKnown(id));
    if (!known) unseeded.push_back(id);
  }
  return unseeded;
}

absl::StatusOr<SeedReport> SqliteUsers::Seed(std::span<const NewUser> users) {
  for (const NewUser& seed : users) UNIPRESENCE_RETURN_IF_ERROR(ValidateUser(seed.user));
  SeedReport report;
  UNIPRESENCE_RETURN_IF_ERROR(database_.InTransaction([&]() -> absl::Status {
    for (const NewUser& seed : users) {
      UNIPRESENCE_ASSIGN_OR_RETURN(const bool known, IsKnown(seed.user.id));
      if (known) {
        ++report.left_alone;
        continue;
      }
      absl::Status status = InsertOrExplain(seed, UserOrigin::kSeed);
      if (status.ok()) {
        ++report.added;
      } else if (absl::IsAlreadyExists(status)) {
        report.refused.push_back(std::move(status));
      } else {
        return status;
      }
    }
    return absl::OkStatus();
  }));
  return report;
}

}  // namespace unipresence
