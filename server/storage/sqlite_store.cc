#include "server/storage/sqlite_store.h"

#include <fmt/format.h>

#include <utility>

#include "aggregator/base/status_macros.h"
#include "server/storage/sqlite_database.h"
#include "server/storage/sqlite_migrations.h"
#include "server/storage/sqlite_rows.h"
#include "server/storage/store_lock.h"

namespace unipresence {
SqliteStore::SqliteStore(Options options, std::unique_ptr<StoreLock> lock,
                         std::unique_ptr<SqliteDatabase> database)
    : options_(std::move(options)), lock_(std::move(lock)), database_(std::move(database)) {}

SqliteStore::~SqliteStore() = default;

absl::StatusOr<std::unique_ptr<SqliteStore>> SqliteStore::Open(Options options) {
  std::unique_ptr<StoreLock> lock;
  if (options.path != ":memory:") {
    UNIPRESENCE_ASSIGN_OR_RETURN(lock, StoreLock::Take(options.path));
  }
  UNIPRESENCE_ASSIGN_OR_RETURN(std::unique_ptr<SqliteDatabase> database,
                               SqliteDatabase::Open({options.path, options.busy_timeout}));
  UNIPRESENCE_ASSIGN_OR_RETURN(const std::int64_t bytes, database->Bytes());
  if (options.before_check) options.before_check(database->is_new() ? 0 : bytes);
  UNIPRESENCE_RETURN_IF_ERROR(database->CheckIntegrity());
  UNIPRESENCE_RETURN_IF_ERROR(MigrateSqlite(*database, SqliteMigrations(), *options.clock));
  UNIPRESENCE_ASSIGN_OR_RETURN(std::vector<MendedUser> mended,
                               MendTexts(*database, *options.clock));
  auto store = std::unique_ptr<SqliteStore>(
      new SqliteStore(std::move(options), std::move(lock), std::move(database)));
  store->mended_ = std::move(mended);
  return store;
}

// --- Settings ---

absl::Status SqliteStore::SetSelectedDevice(std::string_view user, LineKind device) {
  UNIPRESENCE_ASSIGN_OR_RETURN(const std::int64_t number, UserNumberOf(*database_, user));
  {
    SqliteStatement line =
        database_->Prepare("SELECT 1 FROM lines WHERE user_number = ? AND kind = ?");
    UNIPRESENCE_ASSIGN_OR_RETURN(const bool has,
                                 line.Bind(1, number).Bind(2, ToString(device)).Step());
    if (!has) {
      return absl::FailedPreconditionError(fmt::format(
          "user '{}': no {} line to select; give the user one first", user, ToString(device)));
    }
  }
  return database_
      ->Prepare(
          "INSERT INTO settings (user_number, selected_device, select_time) VALUES (?1, ?2, ?3)"
          " ON CONFLICT (user_number) DO UPDATE SET selected_device = ?2, select_time = ?3"
          " WHERE selected_device IS NOT ?2")
      .Bind(1, number)
      .Bind(2, ToString(device))
      .Bind(3, options_.clock->WallNow())
      .Run();
}

absl::StatusOr<std::int64_t> SqliteStore::SettingsRowOf(std::string_view user) {
  UNIPRESENCE_ASSIGN_OR_RETURN(const std::int64_t number, UserNumberOf(*database_, user));
  UNIPRESENCE_RETURN_IF_ERROR(
      database_->Prepare("INSERT OR IGNORE INTO settings (user_number) VALUES (?)")
          .Bind(1, number)
          .Run());
  return number;
}

absl::Status SqliteStore::SetDoNotDisturb(std::string_view user, bool do_not_disturb) {
  UNIPRESENCE_ASSIGN_OR_RETURN(const std::int64_t number, SettingsRowOf(user));
  return database_
      ->Prepare(
          "UPDATE settings SET do_not_disturb = ?2, forwarding_time = ?3,"
          " forwarding_version = forwarding_version + 1"
          " WHERE user_number = ?1 AND do_not_disturb IS NOT ?2")
      .Bind(1, number)
      .Bind(2, std::int64_t{do_not_disturb})
      .Bind(3, options_.clock->WallNow())
      .Run();
}

absl::Status SqliteStore::SetForwardings(std::string_view user, const Forwardings& forwardings) {
  UNIPRESENCE_RETURN_IF_ERROR(ValidateForwardings(forwardings));
  UNIPRESENCE_ASSIGN_OR_RETURN(const std::int64_t number, SettingsRowOf(user));
  SqliteStatement update = database_->Prepare(
      "UPDATE settings SET unconditional_destination = ?3, unconditional_enabled = ?4,"
      " busy_destination = ?5, busy_enabled = ?6, no_answer_destination = ?7,"
      " no_answer_enabled = ?8, forwarding_time = ?2, forwarding_version = forwarding_version + 1"
      " WHERE user_number = ?1 AND (unconditional_destination, unconditional_enabled,"
      " busy_destination, busy_enabled, no_answer_destination, no_answer_enabled)"
      " IS NOT (?3, ?4, ?5, ?6, ?7, ?8)");
  update.Bind(1, number).Bind(2, options_.clock->WallNow());
  int index = 3;
  for (ForwardingCondition condition : kForwardingConditions) {
    update.Bind(index++, forwardings[condition].destination);
    update.Bind(index++, std::int64_t{forwardings[condition].enabled});
  }
  return update.Run();
}

// --- Sessions ---

absl::Status SqliteStore::SaveSession(const StoredSession& session) {
  UNIPRESENCE_ASSIGN_OR_RETURN(const std::int64_t number, UserNumberOf(*database_, session.user));
  absl::Status status =
      database_
          ->Prepare(
              "INSERT INTO sessions (key, id, user_number, kind, role, create_time,"
              " client_name, peer) VALUES (?, ?, ?, ?, ?, ?, ?, ?)")
          .BindBlob(1, session.key)
          .Bind(2, session.id)
          .Bind(3, number)
          .Bind(4, SessionKindWord(session.kind))
          .Bind(5, ToString(session.role))
          .Bind(6, session.create_time)
          .Bind(7, session.client_name)
          .Bind(8, session.peer)
          .Run();
  if (absl::IsAlreadyExists(status)) {
    return absl::AlreadyExistsError(
        fmt::format("session '{}': its key or id is in use; make new ones", session.id));
  }
  return status;
}

absl::Status SqliteStore::DeleteSession(std::string_view id) {
  UNIPRESENCE_RETURN_IF_ERROR(
      database_->Prepare("DELETE FROM sessions WHERE id = ?").Bind(1, id).Run());
  if (database_->Changes() == 0) {
    return absl::NotFoundError(fmt::format("session '{}': there is none of that id", id));
  }
  return absl::OkStatus();
}

absl::StatusOr<std::size_t> SqliteStore::DeleteSessions(std::span<const std::string> ids) {
  std::size_t deleted = 0;
  UNIPRESENCE_RETURN_IF_ERROR(InTransaction([&]() -> absl::Status {
    for (const std::string& id : ids) {
      const absl::Status status = DeleteSession(id);
      if (status.ok()) ++deleted;
      if (!status.ok() && !absl::IsNotFound(status)) return status;
    }
    return absl::OkStatus();
  }));
  return deleted;
}

absl::StatusOr<std::size_t> SqliteStore::DeleteSessionsOfUser(std::string_view user) {
  UNIPRESENCE_RETURN_IF_ERROR(
      database_
          ->Prepare(
              "DELETE FROM sessions WHERE user_number = (SELECT number FROM users WHERE id = ?)")
          .Bind(1, user)
          .Run());
  return static_cast<std::size_t>(database_->Changes());
}

absl::StatusOr<std::vector<StoredSession>> SqliteStore::ListSessions() {
  SqliteStatement statement = database_->Prepare(
      "SELECT e.key, e.id, u.id, e.kind, e.role, e.create_time, e.client_name, e.peer"
      " FROM sessions e JOIN users u ON u.number = e.user_number ORDER BY e.create_time, e.id");
  std::vector<StoredSession> sessions;
  while (true) {
    UNIPRESENCE_ASSIGN_OR_RETURN(const bool row, statement.Step());
    if (!row) return sessions;
    UNIPRESENCE_ASSIGN_OR_RETURN(StoredSession session, ReadSession(statement));
    sessions.push_back(std::move(session));
  }
}

// --- The store itself ---

absl::Status SqliteStore::CheckWritable() {
  return InTransaction([&] {
    return database_->Prepare("UPDATE write_check SET time = ?")
        .Bind(1, options_.clock->WallNow())
        .Run();
  });
}

absl::Status SqliteStore::InTransaction(absl::FunctionRef<absl::Status()> body) {
  return database_->InTransaction(body);
}

}  // namespace unipresence
