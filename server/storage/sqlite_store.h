#ifndef UNIPRESENCE_SERVER_STORAGE_SQLITE_STORE_H_
#define UNIPRESENCE_SERVER_STORAGE_SQLITE_STORE_H_

// The embedded default: a Store in one SQLite file.
//
// Write-ahead log with synchronous = FULL: what was committed survives a crash of the process and
// of the machine. Back it up with `sqlite3 FILE ".backup COPY"` while the server runs.

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "aggregator/base/clock.h"
#include "server/storage/sqlite_mend.h"
#include "server/storage/store.h"

namespace unipresence {

class StoreLock;

class SqliteStore final : public Store {
 public:
  struct Options {
    // Created if it does not exist, readable by its owner only: it holds password hashes.
    // ":memory:" is a private store that ends with the object.
    std::string path;
    // How long a statement waits for a lock of another process (a backup, sqlite3) before
    // UNAVAILABLE.
    std::chrono::milliseconds busy_timeout{5000};
    const Clock* clock = &Clock::System();
    // Called before the file is checked, with its size; 0 = it is new. May be empty.
    std::function<void(std::int64_t bytes)> before_check = nullptr;
  };

  // Opens the file, looks at all of it for damage (SqliteDatabase::CheckIntegrity; about 1 s for
  // 100 MB), brings its schema up to date, all migrations or none, and mends texts in it that are
  // not valid.
  //   UNAVAILABLE          it cannot be opened or written, or another unipresenced has it open
  //   DATA_LOSS            it is damaged
  //   FAILED_PRECONDITION  its schema is newer than this program, or it is another program's
  //                        database
  static absl::StatusOr<std::unique_ptr<SqliteStore>> Open(Options options);

  ~SqliteStore() override;

  absl::Status CreateUser(const NewUser& user) override;
  absl::Status UpdateUser(const User& user) override;
  absl::Status SetPasswordHash(std::string_view id, std::string_view password_hash) override;
  absl::Status DeleteUser(std::string_view id) override;
  absl::StatusOr<StoredUser> GetUser(std::string_view id) override;
  absl::StatusOr<StoredUser> GetUserByUsername(std::string_view username) override;
  absl::StatusOr<std::vector<StoredUser>> ListUsers(std::string_view after,
                                                    std::size_t limit) override;
  absl::Status ForEachUser(absl::FunctionRef<void(const StoredUser&)> visit) override;
  absl::StatusOr<std::uint64_t> CountUsers(std::optional<Role> role) override;
  absl::StatusOr<std::uint64_t> CountLogins(Role role) override;
  absl::StatusOr<std::vector<std::string>> UnseededIds(std::span<const std::string> ids) override;
  absl::StatusOr<SeedReport> SeedUsers(std::span<const NewUser> users) override;
  absl::Status SetSelectedDevice(std::string_view user, LineKind device) override;
  absl::Status SetDoNotDisturb(std::string_view user, bool do_not_disturb) override;
  absl::Status SetForwardings(std::string_view user, const Forwardings& forwardings) override;
  absl::Status SaveSession(const StoredSession& session) override;
  absl::Status DeleteSession(std::string_view id) override;
  absl::StatusOr<std::size_t> DeleteSessions(std::span<const std::string> ids) override;
  absl::StatusOr<std::size_t> DeleteSessionsOfUser(std::string_view user) override;
  absl::StatusOr<std::vector<StoredSession>> ListSessions() override;
  absl::Status CheckWritable() override;
  absl::Status InTransaction(absl::FunctionRef<absl::Status()> body) override;

  // Users that Open mended.
  const std::vector<MendedUser>& mended() const { return mended_; }

  // For tests and maintenance: the connection below.
  SqliteDatabase& database() { return *database_; }

 private:
  SqliteStore(Options options, std::unique_ptr<StoreLock> lock,
              std::unique_ptr<SqliteDatabase> database);

  // The insert alone; ALREADY_EXISTS as CreateUser.
  absl::Status InsertOrExplain(const NewUser& added, UserOrigin origin);
  absl::Status ReplaceUser(const User& user);
  // NOT_FOUND. `where` is a column, `what` its name for people.
  absl::StatusOr<StoredUser> ReadOneUser(std::string_view where, std::string_view value,
                                         std::string_view what);
  absl::Status ReadLines(std::int64_t number, StoredUser& user);
  // The number of the user, whose row of settings exists from now on. NOT_FOUND.
  absl::StatusOr<std::int64_t> SettingsRowOf(std::string_view user);
  // In the store, or deleted from it.
  absl::StatusOr<bool> IsKnown(std::string_view id);

  Options options_;
  std::unique_ptr<StoreLock> lock_;  // outlives the connection
  std::unique_ptr<SqliteDatabase> database_;
  std::vector<MendedUser> mended_;
};

}  // namespace unipresence

#endif  // UNIPRESENCE_SERVER_STORAGE_SQLITE_STORE_H_
