#ifndef UNIPRESENCE_SERVER_ACCOUNT_USER_COMMANDS_H_
#define UNIPRESENCE_SERVER_ACCOUNT_USER_COMMANDS_H_

// Users come, change and go: committed by the store, then brought into the engine by the feed of
// changes, then reported.
//
//   users.Create({.user = user, .password_hash = hash},
//                [](absl::StatusOr<StoredUser> stored) { ... });
//
// A change reads and writes within one command of the store, so none is lost when two come at once.
// Passwords arrive as their hashes (server/auth/password_hasher.h).
//
// Thread-safe. `Done` is called once: a success on the pipeline's thread, a failure on any. It is
// destroyed uncalled if the server stops before.

#include <optional>
#include <string>

#include "absl/functional/any_invocable.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "aggregator/model/user.h"
#include "server/account/account_context.h"
#include "server/storage/store.h"

namespace unipresence {

class UserCommands {
 public:
  // `shared` must outlive this.
  explicit UserCommands(const AccountContext& shared) : shared_(shared) {}

  // The user as stored now, once the engine knows him so.
  using Done = absl::AnyInvocable<void(absl::StatusOr<StoredUser>) &&>;

  // kUserExists, kUsernameTaken, kExtensionTaken, kDeviceTaken, kMailboxTaken, kFieldInvalid,
  // kStoreUnavailable.
  void Create(NewUser user, Done done);

  struct Update {
    std::string user;  // id
    // Changes what is given to it, on the store thread; an error is reported and nothing is
    // changed.
    absl::AnyInvocable<absl::Status(const StoredUser& before, User& user) &&> edit;
    std::optional<std::string> password_hash;  // a new one
  };
  // A user whose password or role changes is logged out everywhere. kUserNotFound,
  // kLastAdministrator, those of Create and the errors of `edit`.
  void Change(Update update, Done done);

  // `check` sees the user before, on the store thread; its error is reported and nothing is
  // changed. The user's sessions end. kUserNotFound, kLastAdministrator, kStoreUnavailable.
  void Delete(std::string user, absl::AnyInvocable<absl::Status(const StoredUser&) &&> check,
              absl::AnyInvocable<void(absl::Status) &&> done);

 private:
  static absl::StatusOr<StoredUser> Commit(Transaction& transaction, Update update);

  const AccountContext& shared_;
};

}  // namespace unipresence

#endif  // UNIPRESENCE_SERVER_ACCOUNT_USER_COMMANDS_H_
