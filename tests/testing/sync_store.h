#ifndef UNIPRESENCE_TESTS_TESTING_SYNC_STORE_H_
#define UNIPRESENCE_TESTS_TESTING_SYNC_STORE_H_

// A store for a test that wants the outcome at once: each call is a command, or a read beside the
// commands, and waits for its end.
//
//   SyncStore store(*opened);
//   EXPECT_TRUE(store.CreateUser({UniqueAccount("alice", "1001"), ""}).ok());
//   store.InTransaction([&] { return store.DeleteUser("alice"); });  // one command
//
// Thread: the test's; within InTransaction that which runs its body.

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "server/storage/store.h"

namespace unipresence::testing {

class SyncStore {
 public:
  // The store must outlive this.
  explicit SyncStore(Store& store) : store_(store) {}

  // --- Users ---
  absl::Status CreateUser(const NewUser& user) {
    return Do([&](Transaction& t) { return t.users.Create(user); });
  }
  absl::Status UpdateUser(const User& user) {
    return Do([&](Transaction& t) { return t.users.Update(user); });
  }
  absl::Status SetPasswordHash(std::string_view id, std::string_view hash) {
    return Do([&](Transaction& t) { return t.users.SetPasswordHash(id, hash); });
  }
  absl::Status DeleteUser(std::string_view id) {
    return Do([&](Transaction& t) { return t.users.Delete(id); });
  }
  absl::StatusOr<SeedReport> SeedUsers(std::span<const NewUser> users) {
    return Get<SeedReport>([&](Transaction& t) { return t.users.Seed(users); });
  }
  absl::StatusOr<StoredUser> GetUser(std::string_view id) {
    return ReadUsers<StoredUser>([&](const UserReader& users) { return users.Get(id); });
  }
  absl::StatusOr<StoredUser> GetUserByUsername(std::string_view username) {
    return ReadUsers<StoredUser>(
        [&](const UserReader& users) { return users.GetByUsername(username); });
  }
  absl::StatusOr<UserPage> ListPage(const UserFilter& filter, const UserPageRequest& page) {
    return ReadUsers<UserPage>([&](const UserReader& users) { return users.List(filter, page); });
  }
  absl::StatusOr<std::vector<StoredUser>> ListUsers(std::string_view after, std::size_t limit) {
    absl::StatusOr<UserPage> page = ListPage({}, {.after = after, .limit = limit});
    if (!page.ok()) return page.status();
    return std::move(page->users);
  }
  absl::Status ForEachUser(absl::FunctionRef<void(const StoredUser&)> visit) {
    return ForEachUser({}, visit);
  }
  absl::Status ForEachUser(const UserFilter& filter,
                           absl::FunctionRef<void(const StoredUser&)> visit) {
    if (current_ != nullptr) return current_->users.ForEach(filter, visit);
    return store_.ReadHere(
        [&](const Snapshot& snapshot) { return snapshot.users.ForEach(filter, visit); });
  }
  absl::StatusOr<std::uint64_t> CountUsers(std::optional<Role> role) {
    return ReadUsers<std::uint64_t>([&](const UserReader& users) { return users.Count(role); });
  }
  absl::StatusOr<std::uint64_t> CountLogins(Role role) {
    return ReadUsers<std::uint64_t>(
        [&](const UserReader& users) { return users.CountLogins(role); });
  }
  absl::StatusOr<std::vector<std::string>> UnseededIds(std::span<const std::string> ids) {
    return ReadUsers<std::vector<std::string>>(
        [&](const UserReader& users) { return users.Unseeded(ids); });
  }

  // --- Settings ---
  absl::Status SetSelectedDevice(std::string_view user, LineKind device) {
    return Do([&](Transaction& t) { return t.settings.SetSelectedDevice(user, device); });
  }
  absl::Status SetDoNotDisturb(std::string_view user, bool on) {
    return Do([&](Transaction& t) { return t.settings.SetDoNotDisturb(user, on); });
  }
  absl::Status SetForwardings(std::string_view user, const Forwardings& forwardings) {
    return Do([&](Transaction& t) { return t.settings.SetForwardings(user, forwardings); });
  }

  // --- Sessions ---
  absl::Status SaveSession(const StoredSession& session) {
    return Do([&](Transaction& t) { return t.sessions.Save(session); });
  }
  absl::Status DeleteSession(std::string_view id) {
    return Do([&](Transaction& t) { return t.sessions.Delete(id); });
  }
  absl::StatusOr<std::size_t> DeleteSessions(std::span<const std::string> ids) {
    return Get<std::size_t>([&](Transaction& t) { return t.sessions.DeleteEach(ids); });
  }
  absl::StatusOr<std::size_t> DeleteSessionsOfUser(std::string_view user) {
    return Get<std::size_t>([&](Transaction& t) { return t.sessions.DeleteOfUser(user); });
  }
  absl::StatusOr<std::vector<StoredSession>> ListSessions() {
    return Read<std::vector<StoredSession>>(
        [](const UserReader&, const SessionReader& sessions) { return sessions.List(); });
  }

  // --- The users file ---
  absl::StatusOr<std::optional<TakenUsersFile>> GetUsersFile() {
    return Get<std::optional<TakenUsersFile>>([](Transaction& t) { return t.users_file.Get(); });
  }
  absl::Status PutUsersFile(const TakenUsersFile& file) {
    return Do([&](Transaction& t) { return t.users_file.Put(file); });
  }

  // --- The store itself ---
  absl::Status CheckWritable() {
    return Do([](Transaction& t) { return t.CheckWritable(); });
  }
  // One command; within another a part of it.
  absl::Status InTransaction(absl::FunctionRef<absl::Status()> body) {
    if (current_ != nullptr) return current_->InPart(body);
    return store_.SubmitAndWait([&](Transaction& transaction) {
      current_ = &transaction;
      absl::Status status = body();
      current_ = nullptr;
      return status;
    });
  }

 private:
  absl::Status Do(absl::FunctionRef<absl::Status(Transaction&)> work) {
    return current_ != nullptr ? work(*current_) : store_.SubmitAndWait(work);
  }
  template <typename T>
  absl::StatusOr<T> Get(absl::FunctionRef<absl::StatusOr<T>(Transaction&)> work) {
    absl::StatusOr<T> result;
    absl::Status status = Do([&](Transaction& transaction) {
      result = work(transaction);
      return result.status();
    });
    if (!status.ok()) return status;
    return result;
  }
  template <typename T>
  absl::StatusOr<T> Read(
      absl::FunctionRef<absl::StatusOr<T>(const UserReader&, const SessionReader&)> work) {
    if (current_ != nullptr) return work(current_->users, current_->sessions);
    absl::StatusOr<T> result;
    absl::Status status = store_.ReadHere([&](const Snapshot& snapshot) {
      result = work(snapshot.users, snapshot.sessions);
      return result.status();
    });
    if (!status.ok()) return status;
    return result;
  }
  template <typename T>
  absl::StatusOr<T> ReadUsers(absl::FunctionRef<absl::StatusOr<T>(const UserReader&)> work) {
    return Read<T>([&](const UserReader& users, const SessionReader&) { return work(users); });
  }

  Store& store_;
  Transaction* current_ = nullptr;  // within InTransaction
};

}  // namespace unipresence::testing

#endif  // UNIPRESENCE_TESTS_TESTING_SYNC_STORE_H_
