#ifndef UNIPRESENCE_SERVER_STORAGE_MEMORY_MEMORY_PORTS_H_
#define UNIPRESENCE_SERVER_STORAGE_MEMORY_MEMORY_PORTS_H_

// The ports of MemoryStore, over one set of tables. Thread: that of the tables.

#include "aggregator/base/clock.h"
#include "server/storage/memory/memory_tables.h"
#include "server/storage/session_store.h"
#include "server/storage/settings_store.h"
#include "server/storage/user_store.h"
#include "server/storage/users_file_store.h"

namespace unipresence {

// What they are made of must outlive them.
class MemoryUsers final : public UserStore {
 public:
  MemoryUsers(MemoryLog& log, const Clock& clock) : log_(log), clock_(clock) {}

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

 private:
  absl::Status Insert(const NewUser& added, UserOrigin origin);
  // ALREADY_EXISTS: something of the user belongs to another one, or twice to itself. `number` is
  // that of the user; 0 = it is new.
  absl::Status CheckUnique(const User& user, std::uint64_t number) const;
  // `user` is not as it was when a users file was taken.
  void Replace(std::uint64_t number, std::shared_ptr<const StoredUser> user);

  MemoryLog& log_;
  const Clock& clock_;
};

class MemorySettings final : public SettingsStore {
 public:
  MemorySettings(MemoryLog& log, const Clock& clock) : log_(log), clock_(clock) {}

  absl::Status SetSelectedDevice(std::string_view user, LineKind device) override;
  absl::Status SetDoNotDisturb(std::string_view user, bool do_not_disturb) override;
  absl::Status SetForwardings(std::string_view user, const Forwardings& forwardings) override;

 private:
  // NOT_FOUND. `edit` changes the settings of a copy of `StoredUser`.
  absl::Status Edit(std::string_view user, absl::FunctionRef<absl::Status(StoredUser&)> edit);

  MemoryLog& log_;
  const Clock& clock_;
};

class MemorySessions final : public SessionStore {
 public:
  explicit MemorySessions(MemoryLog& log) : log_(log) {}

  absl::Status Save(const StoredSession& session) override;
  absl::Status Delete(std::string_view id) override;
  absl::StatusOr<std::size_t> DeleteEach(std::span<const std::string> ids) override;
  absl::StatusOr<std::size_t> DeleteOfUser(std::string_view user) override;
  absl::StatusOr<std::vector<StoredSession>> List() const override;

 private:
  MemoryLog& log_;
};

class MemoryUsersFile final : public UsersFileStore {
 public:
  explicit MemoryUsersFile(MemoryLog& log) : log_(log) {}

  absl::StatusOr<std::optional<TakenUsersFile>> Get() const override;
  absl::Status Put(const TakenUsersFile& file) override;

 private:
  MemoryLog& log_;
};

}  // namespace unipresence

#endif  // UNIPRESENCE_SERVER_STORAGE_MEMORY_MEMORY_PORTS_H_
