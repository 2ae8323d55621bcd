#include "server/account/user_commands.h"

#include <utility>

#include "aggregator/base/status_macros.h"
#include "server/account/failure.h"
#include "server/account/last_administrator.h"

namespace unipresence {

void UserCommands::Create(NewUser user, Done done) {
  const std::string id = user.user.id;
  shared_.feed.Call<StoredUser>(
      [user = std::move(user)](Transaction& transaction) -> absl::StatusOr<StoredUser> {
        UNIPRESENCE_RETURN_IF_ERROR(transaction.users.Create(user));
        return transaction.users.Get(user.user.id);
      },
      [id, done = std::move(done)](Core*, absl::StatusOr<StoredUser> stored) mutable {
        if (!stored.ok()) stored = FromStore(stored.status(), id);
        std::move(done)(std::move(stored));
      });
}

void UserCommands::Change(Update update, Done done) {
  const std::string id = update.user;
  shared_.feed.Call<StoredUser>(
      [update = std::move(update)](Transaction& transaction) mutable {
        return Commit(transaction, std::move(update));
      },
      [id, done = std::move(done)](Core*, absl::StatusOr<StoredUser> stored) mutable {
        if (!stored.ok()) stored = FromStore(stored.status(), id);
        std::move(done)(std::move(stored));
      });
}

absl::StatusOr<StoredUser> UserCommands::Commit(Transaction& transaction, Update update) {
  const std::string& id = update.user;
  UNIPRESENCE_ASSIGN_OR_RETURN(const StoredUser before, transaction.users.Get(id));
  User user = before.user;
  UNIPRESENCE_RETURN_IF_ERROR(std::move(update.edit)(before, user));
  UNIPRESENCE_RETURN_IF_ERROR(transaction.users.Update(user));
  if (update.password_hash) {
    UNIPRESENCE_RETURN_IF_ERROR(transaction.users.SetPasswordHash(id, *update.password_hash));
  }
  UNIPRESENCE_RETURN_IF_ERROR(CheckSomebodyAdministers(transaction.users, before));
  if (update.password_hash || user.role != before.user.role) {
    UNIPRESENCE_RETURN_IF_ERROR(transaction.sessions.DeleteOfUser(id).status());
  }
  return transaction.users.Get(id);
}

void UserCommands::Delete(std::string user,
                          absl::AnyInvocable<absl::Status(const StoredUser&) &&> check,
                          absl::AnyInvocable<void(absl::Status) &&> done) {
  shared_.feed.Call<StoredUser>(
      [user,
       check = std::move(check)](Transaction& transaction) mutable -> absl::StatusOr<StoredUser> {
        UNIPRESENCE_ASSIGN_OR_RETURN(StoredUser before, transaction.users.Get(user));
        UNIPRESENCE_RETURN_IF_ERROR(std::move(check)(before));
        UNIPRESENCE_RETURN_IF_ERROR(transaction.users.Delete(user));
        UNIPRESENCE_RETURN_IF_ERROR(CheckSomebodyAdministers(transaction.users, before));
        return before;
      },
      [user, done = std::move(done)](Core*, const absl::StatusOr<StoredUser>& deleted) mutable {
        std::move(done)(deleted.ok() ? absl::OkStatus() : FromStore(deleted.status(), user));
      });
}

}  // namespace unipresence
