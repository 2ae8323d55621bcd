#ifndef UNIPRESENCE_SERVER_SERVICE_CALL_CONVERT_H_
#define UNIPRESENCE_SERVER_SERVICE_CALL_CONVERT_H_

// Live calls as clients see them. Thread: the pipeline's.

#include <string_view>

#include "absl/status/status.h"
#include "aggregator/model/call.h"
#include "aggregator/pipeline/executor.h"
#include "unipresence/v1/call_control.pb.h"

namespace unipresence {

// UNAVAILABLE (PBX_UNAVAILABLE) where there is nothing to command.
absl::Status HasCallControl(const Core& core);

void FillCall(const Core& core, std::string_view user, const LiveCall& call, v1::Call& out);

}  // namespace unipresence

#endif  // UNIPRESENCE_SERVER_SERVICE_CALL_CONVERT_H_
