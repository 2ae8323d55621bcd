#ifndef UNIPRESENCE_SERVER_SERVICE_CALL_CONVERT_H_
#define UNIPRESENCE_SERVER_SERVICE_CALL_CONVERT_H_

// Live calls and the errors of CallControl, as clients see them. Thread: the pipeline's where a
// Core is taken; else any.

#include <string_view>

#include "absl/status/status.h"
#include "aggregator/model/call.h"
#include "aggregator/pipeline/executor.h"
#include "unipresence/v1/call_control.pb.h"

namespace unipresence {

// UNAVAILABLE (PBX_UNAVAILABLE) where there is nothing to command.
absl::Status HasCallControl(const Core& core);

// An error of CallControl about a call or a destination of `user`: which reason it is. OK stays OK.
absl::Status FromCalls(const absl::Status& status, std::string_view user);

void FillCall(const Core& core, std::string_view user, const LiveCall& call, v1::Call& out);

}  // namespace unipresence

#endif  // UNIPRESENCE_SERVER_SERVICE_CALL_CONVERT_H_
