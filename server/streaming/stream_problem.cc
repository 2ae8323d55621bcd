#include "server/streaming/stream_problem.h"

#include <fmt/format.h>

namespace unipresence {

absl::Status TooManyStreams(std::size_t limit) {
  return ProblemError(absl::StatusCode::kResourceExhausted, IdOf(StreamProblem::kTooMany),
                      fmt::format("{} streams are open, the most this server serves; wait", limit),
                      {{"limit", fmt::to_string(limit)}});
}

absl::Status StreamSessionEnded(std::string_view remedy) {
  return ProblemError(absl::StatusCode::kUnauthenticated, IdOf(StreamProblem::kSessionEnded),
                      fmt::format("the session has ended; {}", remedy));
}

absl::Status StreamsStopping() {
  return ProblemError(absl::StatusCode::kUnavailable, IdOf(StreamProblem::kStopping),
                      "the server is shutting down; connect again with growing delays");
}

}  // namespace unipresence
