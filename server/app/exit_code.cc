#include "server/app/exit_code.h"

namespace unipresence {

int ExitCodeOf(const absl::Status& status) {
  switch (status.code()) {
    case absl::StatusCode::kOk:
      return kExitOk;
    case absl::StatusCode::kDataLoss:
    case absl::StatusCode::kFailedPrecondition:
    case absl::StatusCode::kNotFound:
      return kExitStore;
    case absl::StatusCode::kInvalidArgument:
      return kExitConfiguration;
    case absl::StatusCode::kInternal:
    case absl::StatusCode::kUnknown:
      return kExitInternal;
    default:
      return kExitStart;
  }
}

}  // namespace unipresence
