#ifndef UNIPRESENCE_SERVER_STORAGE_SQLITE_SQLITE_USERS_FILE_H_
#define UNIPRESENCE_SERVER_STORAGE_SQLITE_SQLITE_USERS_FILE_H_

// How far the users file has been taken, in an SQLite file. Triggers note a change of the users,
// their lines and boxes, so that none is missed, whoever makes it. Thread: that of the connection.

#include "server/storage/sqlite/sqlite_database.h"
#include "server/storage/users_file_store.h"

namespace unipresence {

class SqliteUsersFile final : public UsersFileStore {
 public:
  // It must outlive this.
  explicit SqliteUsersFile(SqliteDatabase& database) : database_(database) {}

  absl::StatusOr<std::optional<TakenUsersFile>> Get() const override;
  absl::Status Put(const TakenUsersFile& file) override;

 private:
  SqliteDatabase& database_;
};

}  // namespace unipresence

#endif  // UNIPRESENCE_SERVER_STORAGE_SQLITE_SQLITE_USERS_FILE_H_
