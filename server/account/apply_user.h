#ifndef UNIPRESENCE_SERVER_ACCOUNT_APPLY_USER_H_
#define UNIPRESENCE_SERVER_ACCOUNT_APPLY_USER_H_

#include "absl/status/status.h"
#include "aggregator/pipeline/executor.h"
#include "server/account/session_keeper.h"
#include "server/storage/store.h"

namespace unipresence {

// Has the engine go by the choice that the store has for the user. One whose line is gone is
// forgotten; for a user with one line there is nothing to choose. Thread: the pipeline's.
void SelectStored(Core& core, const StoredUser& stored);

// Brings a user into the engine as the store has it now, whether the engine knows the user or not,
// and ends the user's sessions if asked to. Thread: the pipeline's. INTERNAL: the store let through
// what the engine refuses.
absl::Status ApplyUser(Core& core, SessionKeeper& sessions, const StoredUser& stored,
                       bool ends_sessions);

}  // namespace unipresence

#endif  // UNIPRESENCE_SERVER_ACCOUNT_APPLY_USER_H_
