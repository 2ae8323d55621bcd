#include "server/storage/sqlite/sqlite_readers.h"

#include <utility>

#include "aggregator/base/status_macros.h"
#include "server/storage/sqlite/sqlite_sessions.h"
#include "server/storage/sqlite/sqlite_users.h"
#include "server/storage/sqlite/sqlite_users_file.h"

namespace unipresence {

absl::Status SqliteReaders::Read(absl::FunctionRef<absl::Status(const Snapshot&)> work) {
  UNIPRESENCE_ASSIGN_OR_RETURN(std::unique_ptr<SqliteDatabase> database, Take());
  const SqliteUsers users(*database, *options_.clock);
  const SqliteSessions sessions(*database);
  const SqliteUsersFile users_file(*database);
  const Snapshot snapshot{.users = users, .sessions = sessions, .users_file = users_file};
  absl::Status status = database->InTransaction([&] { return work(snapshot); });
  MutexLock lock(mutex_);
  idle_.push_back(std::move(database));
  return status;
}

absl::StatusOr<std::unique_ptr<SqliteDatabase>> SqliteReaders::Take() {
  // Of each read, for what is answered from a file that is gone is acted upon as if it were so; and
  // before another connection touches what may lie at the path instead.
  UNIPRESENCE_RETURN_IF_ERROR(writer_.CheckFiles());
  {
    MutexLock lock(mutex_);
    if (!idle_.empty()) {
      std::unique_ptr<SqliteDatabase> database = std::move(idle_.back());
      idle_.pop_back();
      return database;
    }
  }
  UNIPRESENCE_ASSIGN_OR_RETURN(
      std::unique_ptr<SqliteDatabase> database,
      SqliteDatabase::Open({options_.path, options_.busy_timeout, /*read_only=*/true}));
  // It may have been opened after that.
  UNIPRESENCE_RETURN_IF_ERROR(writer_.CheckFiles());
  return database;
}

}  // namespace unipresence
