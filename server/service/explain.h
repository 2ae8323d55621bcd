#ifndef UNIPRESENCE_SERVER_SERVICE_EXPLAIN_H_
#define UNIPRESENCE_SERVER_SERVICE_EXPLAIN_H_

// Why a presence is what it is, for ExplainPresence: the engine's explanation as a message, and as
// a sentence for people. Thread: the pipeline's.

#include <cstdint>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "aggregator/pipeline/executor.h"
#include "unipresence/v1/presence.pb.h"

namespace unipresence {

// Fills everything but the counts of sessions. `cause_limit` 0 = all that are remembered.
// NOT_FOUND: USER_NOT_FOUND.
absl::Status FillExplanation(const Core& core, std::string_view user, std::int32_t cause_limit,
                             v1::ExplainPresenceResponse& out);

// "alice is IN_USE: WebRTC is selected and reachable, so the presence is the state of PJSIP/alice_w
// (INUSE). Calls ring on the WebRTC line." and so on.
std::string SentenceOf(const Explanation& explanation);

}  // namespace unipresence

#endif  // UNIPRESENCE_SERVER_SERVICE_EXPLAIN_H_
