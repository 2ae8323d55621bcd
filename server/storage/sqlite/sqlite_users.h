#ifndef UNIPRESENCE_SERVER_STORAGE_SQLITE_SQLITE_USERS_H_
#define UNIPRESENCE_SERVER_STORAGE_SQLITE_SQLITE_USERS_H_

// The users in an SQLite file. Thread: that of the connection.

#include <cstdint>
#include <string>

#include "aggregator/base/clock.h"
#include "server/storage/sqlite/sqlite_database.h"
#include "server/storage/user_store.h"

namespace unipresence {

class SqliteUsers final : public UserStore {
 public:
  // Both must outlive it.
  SqliteUsers(SqliteDatabase& database, const Clock& clock) : database_(database), clock_(clock) {}

  absl::Status Create(const NewUser& user) override;
  absl::Status Update(const User& user) override;
  absl::Status SetPasswordHash(std::string_view id, std::string_view password_hash) override;
  absl::Status Delete(std::string_view id) override;
  absl::StatusOr<SeedReport> Seed(std::span<const NewUser> users) override;

  absl::StatusOr<StoredUser> Get(std::string_view id) const override;
  absl::StatusOr<StoredUser> GetByUsername(std::string_view username) const override;
  absl::StatusOr<UserPage> List(const UserFilter& filter,
                                const UserPageRequest& page) const override;
  absl::Status ForEach(const UserFilter& filter,
                       absl::FunctionRef<void(const StoredUser&)> visit) const override;
  absl::StatusOr<std::uint64_t> Count(std::optional<Role> role) const override;
  absl::StatusOr<std::uint64_t> CountLogins(Role role) const override;
  absl::StatusOr<std::vector<std::string>> Unseeded(
      std::span<const std::string> ids) const override;

  // The statement of a page. Two texts, because only a bound that is always one is a bound of the
  // walk along the index: one that may be absent lets each page walk to the last user.
  static std::string PageSql(bool bounded);

 private:
  // The insert alone; ALREADY_EXISTS as Create.
  absl::Status InsertOrExplain(const NewUser& added, UserOrigin origin);
  absl::Status ReplaceUser(const User& user);
  // NOT_FOUND. `where` is a column, `what` its name for people.
  absl::StatusOr<StoredUser> ReadOneUser(std::string_view where, std::string_view value,
                                         std::string_view what) const;
  absl::Status ReadLines(std::int64_t number, StoredUser& user) const;
  // The last id that a page may look at; empty: it reaches to the last user.
  absl::StatusOr<std::string> EndOfScan(const UserPageRequest& page) const;
  absl::StatusOr<bool> AnyBehind(std::string_view id) const;
  // In the store, or deleted from it.
  absl::StatusOr<bool> IsKnown(std::string_view id) const;

  SqliteDatabase& database_;
  const Clock& clock_;
};

}  // namespace unipresence

#endif  // UNIPRESENCE_SERVER_STORAGE_SQLITE_SQLITE_USERS_H_
