#ifndef UNIPRESENCE_SERVER_STORAGE_SQLITE_SQLITE_READERS_H_
#define UNIPRESENCE_SERVER_STORAGE_SQLITE_SQLITE_READERS_H_

// Connections that only read, beside the one that writes. With a write-ahead log neither waits for
// the other; while a read lasts the log cannot be cut back and grows with what is committed.

#include <memory>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "aggregator/base/mutex.h"
#include "server/storage/sqlite/sqlite_database.h"
#include "server/storage/store.h"
#include "server/storage/store_options.h"

namespace unipresence {

// Thread-safe.
class SqliteReaders {
 public:
  // `writer` is the connection of the same file that writes. Both must outlive the readers.
  SqliteReaders(const StoreOptions& options, const SqliteDatabase& writer)
      : options_(options), writer_(writer) {}

  // Runs `work` on what is committed now, on a connection that nobody else uses meanwhile.
  // UNAVAILABLE, as of a command, if the file was deleted or replaced (SqliteDatabase::CheckFiles).
  // That it was cut only the writer can tell, between its transactions: SQLite cuts its log itself.
  absl::Status Read(absl::FunctionRef<absl::Status(const Snapshot&)> work)
      ABSL_LOCKS_EXCLUDED(mutex_);

 private:
  absl::StatusOr<std::unique_ptr<SqliteDatabase>> Take() ABSL_LOCKS_EXCLUDED(mutex_);

  const StoreOptions& options_;
  const SqliteDatabase& writer_;
  Mutex mutex_;
  std::vector<std::unique_ptr<SqliteDatabase>> idle_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace unipresence

#endif  // UNIPRESENCE_SERVER_STORAGE_SQLITE_SQLITE_READERS_H_
