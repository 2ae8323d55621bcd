#ifndef UNIPRESENCE_SERVER_STORAGE_SQLITE_SQLITE_MIGRATIONS_H_
#define UNIPRESENCE_SERVER_STORAGE_SQLITE_SQLITE_MIGRATIONS_H_

// The schema of the SQLite store, as the steps that lead to it.
//
// Append only: a step that was released is never edited, because files exist that have taken it. A
// test holds the texts.

#include <span>
#include <string_view>

#include "absl/status/status.h"
#include "aggregator/base/clock.h"
#include "server/storage/sqlite/sqlite_database.h"

namespace unipresence {

struct SqliteMigration {
  std::string_view name;
  std::string_view sql;
};

// Step i leads to schema version i + 1.
std::span<const SqliteMigration> SqliteMigrations();

// Brings the database to the version of the newest of `migrations`, all steps or none.
// FAILED_PRECONDITION: it is at a newer one, or it is a database of another program.
absl::Status MigrateSqlite(SqliteDatabase& database, std::span<const SqliteMigration> migrations,
                           const Clock& clock);

// Are the tables, indexes and triggers those that all the steps make? Others beside them do not
// matter. DATA_LOSS: a definition was changed or is gone, which no page of the file shows as
// damaged.
absl::Status CheckSqliteSchema(SqliteDatabase& database);

}  // namespace unipresence

#endif  // UNIPRESENCE_SERVER_STORAGE_SQLITE_SQLITE_MIGRATIONS_H_
