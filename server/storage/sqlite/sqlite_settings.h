#ifndef UNIPRESENCE_SERVER_STORAGE_SQLITE_SQLITE_SETTINGS_H_
#define UNIPRESENCE_SERVER_STORAGE_SQLITE_SQLITE_SETTINGS_H_

// What users chose, in an SQLite file. Thread: that of the connection.

#include <cstdint>

#include "absl/status/statusor.h"
#include "aggregator/base/clock.h"
#include "server/storage/settings_store.h"
#include "server/storage/sqlite/sqlite_database.h"

namespace unipresence {

class SqliteSettings final : public SettingsStore {
 public:
  // Both must outlive it.
  SqliteSettings(SqliteDatabase& database, const Clock& clock)
      : database_(database), clock_(clock) {}

  absl::Status SetSelectedDevice(std::string_view user, LineKind device) override;
  absl::Status SetDoNotDisturb(std::string_view user, bool do_not_disturb) override;
  absl::Status SetForwardings(std::string_view user, const Forwardings& forwardings) override;

 private:
  // The number of the user, whose row of settings exists from now on. NOT_FOUND.
  absl::StatusOr<std::int64_t> SettingsRowOf(std::string_view user);

  SqliteDatabase& database_;
  const Clock& clock_;
};

}  // namespace unipresence

#endif  // UNIPRESENCE_SERVER_STORAGE_SQLITE_SQLITE_SETTINGS_H_
