#ifndef UNIPRESENCE_SERVER_STORAGE_SQLITE_SQLITE_STORE_H_
#define UNIPRESENCE_SERVER_STORAGE_SQLITE_SQLITE_STORE_H_

// The embedded default: a Store in one SQLite file.
//
// Write-ahead log with synchronous = FULL: what was committed survives a crash of the process and
// of the machine. Back it up with `sqlite3 FILE ".backup COPY"` while the server runs.

#include <memory>

#include "absl/status/statusor.h"
#include "server/storage/sqlite/sqlite_database.h"
#include "server/storage/sqlite/sqlite_readers.h"
#include "server/storage/sqlite/sqlite_sessions.h"
#include "server/storage/sqlite/sqlite_settings.h"
#include "server/storage/sqlite/sqlite_users.h"
#include "server/storage/sqlite/sqlite_users_file.h"
#include "server/storage/store.h"
#include "server/storage/store_lock.h"
#include "server/storage/store_options.h"
#include "server/storage/store_threads.h"

namespace unipresence {

class SqliteStore final : public Store {
 public:
  // Opens the file, looks at all of it for damage (SqliteDatabase::CheckIntegrity; about 1 s for
  // 100 MB), brings its schema up to date, all migrations or none, and mends texts in it that are
  // not valid.
  //   UNAVAILABLE          it cannot be opened or written, or another unipresenced has it open
  //   DATA_LOSS            it is damaged
  //   FAILED_PRECONDITION  its schema is newer than this program, or it is another program's
  //                        database
  static absl::StatusOr<std::unique_ptr<SqliteStore>> Open(StoreOptions options);

  ~SqliteStore() override;

  absl::Status SubmitChange(Work work, ChangeDone done) override;
  absl::Status SubmitRead(ReadWork work, Done done) override;
  absl::Status ReadHere(absl::FunctionRef<absl::Status(const Snapshot&)> work) override;
  void Follow(ChangeSink& sink) override { threads_.Follow(sink); }
  void Stop() override;
  const StoreProbe& probe() const override { return threads_.probe(); }

  // For tests and maintenance: the connection that writes. From within a command, or while none
  // runs.
  SqliteDatabase& database() { return *database_; }

 private:
  class Ports;

  SqliteStore(StoreOptions options, std::unique_ptr<StoreLock> lock,
              std::unique_ptr<SqliteDatabase> database);

  const StoreOptions options_;
  std::unique_ptr<StoreLock> lock_;  // outlives the connections
  std::unique_ptr<SqliteDatabase> database_;
  SqliteReaders readers_;
  SqliteUsers users_;
  SqliteSettings settings_;
  SqliteSessions sessions_;
  SqliteUsersFile users_file_;
  StoreThreads threads_;  // last: they use the others
};

}  // namespace unipresence

#endif  // UNIPRESENCE_SERVER_STORAGE_SQLITE_SQLITE_STORE_H_
