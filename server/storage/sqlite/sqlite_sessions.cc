#include "server/storage/sqlite/sqlite_sessions.h"

#include <utility>

#include "aggregator/base/status_macros.h"
#include "server/storage/refusals.h"
#include "server/storage/sqlite/sqlite_rows.h"

namespace unipresence {

absl::Status SqliteSessions::Save(const StoredSession& session) {
  UNIPRESENCE_ASSIGN_OR_RETURN(const std::int64_t number, UserNumberOf(database_, session.user));
  absl::Status status =
      database_
          .Prepare(
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
    return SessionInUse(session.id);
  }
  return status;
}

absl::Status SqliteSessions::Delete(std::string_view id) {
  UNIPRESENCE_RETURN_IF_ERROR(
      database_.Prepare("DELETE FROM sessions WHERE id = ?").Bind(1, id).Run());
  if (database_.Changes() == 0) return NoSuchSession(id);
  return absl::OkStatus();
}

absl::StatusOr<std::size_t> SqliteSessions::DeleteEach(std::span<const std::string> ids) {
  std::size_t deleted = 0;
  UNIPRESENCE_RETURN_IF_ERROR(database_.InTransaction([&]() -> absl::Status {
    for (const std::string& id : ids) {
      const absl::Status status = Delete(id);
      if (status.ok()) ++deleted;
      if (!status.ok() && !absl::IsNotFound(status)) return status;
    }
    return absl::OkStatus();
  }));
  return deleted;
}

absl::StatusOr<std::size_t> SqliteSessions::DeleteOfUser(std::string_view user) {
  UNIPRESENCE_RETURN_IF_ERROR(
      database_
          .Prepare(
              "DELETE FROM sessions WHERE user_number = (SELECT number FROM users WHERE id = ?)")
          .Bind(1, user)
          .Run());
  return static_cast<std::size_t>(database_.Changes());
}

absl::StatusOr<std::vector<StoredSession>> SqliteSessions::List() const {
  SqliteStatement statement = database_.Prepare(
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

}  // namespace unipresence
