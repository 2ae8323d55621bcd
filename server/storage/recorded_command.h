#ifndef UNIPRESENCE_SERVER_STORAGE_RECORDED_COMMAND_H_
#define UNIPRESENCE_SERVER_STORAGE_RECORDED_COMMAND_H_

#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "server/storage/committed_change.h"
#include "server/storage/store.h"

namespace unipresence {

// Runs a command on ports that note what it changes of users, for every kind of store. After an OK
// `changed` has them as they are now; what a failed part has undone is not among them.
absl::Status RunRecorded(Transaction& transaction,
                         absl::FunctionRef<absl::Status(Transaction&)> command,
                         std::vector<ChangedUser>& changed);

}  // namespace unipresence

#endif  // UNIPRESENCE_SERVER_STORAGE_RECORDED_COMMAND_H_
