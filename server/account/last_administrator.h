#ifndef UNIPRESENCE_SERVER_ACCOUNT_LAST_ADMINISTRATOR_H_
#define UNIPRESENCE_SERVER_ACCOUNT_LAST_ADMINISTRATOR_H_

#include "absl/status/status.h"
#include "server/storage/user_store.h"

namespace unipresence {

// Whether somebody can still administer after a change of the user who was `before`: an
// administrator without a password cannot. Ask within the transaction of the change, after it, so
// that the error undoes it. kLastAdministrator.
absl::Status CheckSomebodyAdministers(const UserReader& users, const StoredUser& before);

}  // namespace unipresence

#endif  // UNIPRESENCE_SERVER_ACCOUNT_LAST_ADMINISTRATOR_H_
