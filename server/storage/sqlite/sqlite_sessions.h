#ifndef UNIPRESENCE_SERVER_STORAGE_SQLITE_SQLITE_SESSIONS_H_
#define UNIPRESENCE_SERVER_STORAGE_SQLITE_SQLITE_SESSIONS_H_

// The sessions in an SQLite file. Thread: that of the connection.

#include "server/storage/session_store.h"
#include "server/storage/sqlite/sqlite_database.h"

namespace unipresence {

class SqliteSessions final : public SessionStore {
 public:
  // It must outlive this.
  explicit SqliteSessions(SqliteDatabase& database) : database_(database) {}

  absl::Status Save(const StoredSession& session) override;
  absl::Status Delete(std::string_view id) override;
  absl::StatusOr<std::size_t> DeleteEach(std::span<const std::string> ids) override;
  absl::StatusOr<std::size_t> DeleteOfUser(std::string_view user) override;
  absl::StatusOr<std::vector<StoredSession>> List() const override;

 private:
  SqliteDatabase& database_;
};

}  // namespace unipresence

#endif  // UNIPRESENCE_SERVER_STORAGE_SQLITE_SQLITE_SESSIONS_H_
