#include "server/account/user_commands.h"

#include <spdlog/spdlog.h>

#include <memory>
#include <utility>

#include "aggregator/base/status_macros.h"
#include "aggregator/base/strings.h"
#include "aggregator/engine/engine_writer.h"
#include "server/account/apply_user.h"
#include "server/account/failure.h"
#include "server/account/last_administrator.h"

namespace unipresence {

void UserCommands::Create(NewUser user, Done done) {
  const std::string id = user.user.id;
  CallOrRefuse<StoredUser>(
      shared_.store,
      [user = std::move(user)](Transaction& transaction) -> absl::StatusOr<StoredUser> {
        UNIPRESENCE_RETURN_IF_ERROR(transaction.users.Create(user));
        return transaction.users.Get(user.user.id);
      },
      [this, id, done = std::move(done)](absl::StatusOr<StoredUser> stored) mutable {
        if (!stored.ok()) return std::move(done)(FromStore(stored.status(), id));
        shared_.executor.Post(
            [stored = *std::move(stored), done = std::move(done)](Core& core) mutable {
              if (absl::Status added = core.writer.AddUser(stored.user, {}); !added.ok()) {
                return std::move(done)(absl::InternalError(added.message()));
              }
              std::move(done)(std::move(stored));
            });
      });
}

struct UserCommands::Pending {
  Update update;
  Done done;
  bool ends_sessions = false;
};

void UserCommands::Change(Update update, Done done) {
  auto pending =
      std::make_unique<Pending>(Pending{.update = std::move(update), .done = std::move(done)});
  Pending& kept = *pending;  // lives until the answer, which comes after the work
  CallOrRefuse<StoredUser>(
      shared_.store, [this, &kept](Transaction& transaction) { return Commit(transaction, kept); },
      [this, pending = std::move(pending)](absl::StatusOr<StoredUser> stored) mutable {
        if (!stored.ok()) {
          return std::move(pending->done)(FromStore(stored.status(), pending->update.user));
        }
        shared_.executor.Post(
            [this, pending = std::move(pending), stored = *std::move(stored)](Core& core) mutable {
              if (absl::Status updated = core.writer.UpdateUser(stored.user); !updated.ok()) {
                return std::move(pending->done)(UserNotFound(stored.user.id));
              }
              SelectStored(core, stored);
              if (pending->ends_sessions) {
                shared_.sessions.EndOfUser(core, stored.user.id, CauseKind::kLogout);
              }
              std::move(pending->done)(std::move(stored));
            });
      });
}

absl::StatusOr<StoredUser> UserCommands::Commit(Transaction& transaction, Pending& pending) {
  const std::string& id = pending.update.user;
  UNIPRESENCE_ASSIGN_OR_RETURN(const StoredUser before, transaction.users.Get(id));
  User user = before.user;
  UNIPRESENCE_RETURN_IF_ERROR(std::move(pending.update.edit)(before, user));
  const std::optional<std::string>& password_hash = pending.update.password_hash;
  pending.ends_sessions = password_hash.has_value() || user.role != before.user.role;
  UNIPRESENCE_RETURN_IF_ERROR(transaction.users.Update(user));
  if (password_hash) {
    UNIPRESENCE_RETURN_IF_ERROR(transaction.users.SetPasswordHash(id, *password_hash));
  }
  UNIPRESENCE_RETURN_IF_ERROR(CheckSomebodyAdministers(transaction.users, before));
  if (pending.ends_sessions) {
    UNIPRESENCE_RETURN_IF_ERROR(transaction.sessions.DeleteOfUser(id).status());
  }
  return transaction.users.Get(id);
}

void UserCommands::Delete(std::string user,
                          absl::AnyInvocable<absl::Status(const StoredUser&) &&> check,
                          absl::AnyInvocable<void(absl::Status) &&> done) {
  SubmitOrRefuse(
      shared_.store,
      [user, check = std::move(check)](Transaction& transaction) mutable -> absl::Status {
        UNIPRESENCE_ASSIGN_OR_RETURN(const StoredUser before, transaction.users.Get(user));
        UNIPRESENCE_RETURN_IF_ERROR(std::move(check)(before));
        UNIPRESENCE_RETURN_IF_ERROR(transaction.users.Delete(user));
        return CheckSomebodyAdministers(transaction.users, before);
      },
      [this, user, done = std::move(done)](const absl::Status& deleted) mutable {
        if (!deleted.ok()) return std::move(done)(FromStore(deleted, user));
        shared_.executor.Post(
            [this, user = std::move(user), done = std::move(done)](Core& core) mutable {
              // NOT_FOUND: deleted twice at once; it is gone.
              core.writer.RemoveUser(user).IgnoreError();
              shared_.sessions.EndOfUser(core, user, CauseKind::kUserDeleted);
              std::move(done)(absl::OkStatus());
            });
      });
}

void UserCommands::ApplyStored(std::vector<Stored> users) {
  shared_.executor.Post([this, users = std::move(users)](Core& core) {
    for (const auto& [user, ends_sessions] : users) {
      const absl::Status status = ApplyUser(core, shared_.sessions, user, ends_sessions);
      if (!status.ok()) spdlog::error("user {}: {}", user.user.id, FromAbsl(status.message()));
    }
  });
}

}  // namespace unipresence
