#ifndef UNIPRESENCE_SERVER_STORAGE_REFUSALS_H_
#define UNIPRESENCE_SERVER_STORAGE_REFUSALS_H_

// What every store says when it refuses (conflicts: conflict.h).

#include <string_view>

#include "absl/status/status.h"
#include "aggregator/model/line.h"

namespace unipresence {

// NOT_FOUND: no user of that `what` ("id", "username").
absl::Status NoSuchUser(std::string_view value, std::string_view what = "id");
// FAILED_PRECONDITION.
absl::Status NoLineToSelect(std::string_view user, LineKind device);
// NOT_FOUND.
absl::Status NoSuchSession(std::string_view id);
// ALREADY_EXISTS.
absl::Status SessionInUse(std::string_view id);

}  // namespace unipresence

#endif  // UNIPRESENCE_SERVER_STORAGE_REFUSALS_H_
