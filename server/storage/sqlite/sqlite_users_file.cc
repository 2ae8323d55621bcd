#include "server/storage/sqlite/sqlite_users_file.h"

#include "aggregator/base/status_macros.h"

namespace unipresence {

absl::StatusOr<std::optional<TakenUsersFile>> SqliteUsersFile::Get() const {
  SqliteStatement row = database_.Prepare(
      "SELECT digest, reading, complete, refused, notes, users_changed FROM users_file");
  UNIPRESENCE_ASSIGN_OR_RETURN(const bool any, row.Step());
  if (!any) return std::nullopt;
  return TakenUsersFile{.digest = std::string(row.Text(0)),
                        .reading = static_cast<std::uint64_t>(row.Int(1)),
                        .complete = row.Int(2) != 0,
                        .refused = row.Int(3) != 0,
                        .notes = std::string(row.Text(4)),
                        .users_changed = row.Int(5) != 0};
}

absl::Status SqliteUsersFile::Put(const TakenUsersFile& file) {
  return database_
      .Prepare(
          "INSERT OR REPLACE INTO users_file"
          " (number, digest, reading, complete, refused, notes, users_changed)"
          " VALUES (1, ?, ?, ?, ?, ?, ?)")
      .Bind(1, file.digest)
      .Bind(2, static_cast<std::int64_t>(file.reading))
      .Bind(3, std::int64_t{file.complete})
      .Bind(4, std::int64_t{file.refused})
      .Bind(5, file.notes)
      .Bind(6, std::int64_t{file.users_changed})
      .Run();
}

}  // namespace unipresence
