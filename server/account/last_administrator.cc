#include "server/account/last_administrator.h"

#include <fmt/format.h>

#include "aggregator/base/status_macros.h"
#include "server/account/failure.h"

namespace unipresence {

absl::Status CheckSomebodyAdministers(const UserReader& users, const StoredUser& before) {
  // Who could not administer takes nothing away.
  if (before.user.role != Role::kAdministrator || !HasPassword(before.password_hash)) {
    return absl::OkStatus();
  }
  UNIPRESENCE_ASSIGN_OR_RETURN(const std::uint64_t count, users.CountLogins(Role::kAdministrator));
  if (count > 0) return absl::OkStatus();
  return Failure(AccountProblem::kLastAdministrator,
                 fmt::format("'{}' is the last administrator who can log in; make somebody else "
                             "administrator first, with a password",
                             before.user.id),
                 {{"user", before.user.id}});
}

}  // namespace unipresence
