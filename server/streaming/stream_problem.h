#ifndef UNIPRESENCE_SERVER_STREAMING_STREAM_PROBLEM_H_
#define UNIPRESENCE_SERVER_STREAMING_STREAM_PROBLEM_H_

// Why a stream ends, for programs (problem.h): what this room says by itself. Errors of those who
// admit a stream pass through as they are.

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "absl/status/status.h"
#include "aggregator/base/problem.h"

namespace unipresence {

enum class StreamProblem : std::uint8_t {
  kTooMany,       // RESOURCE_EXHAUSTED: limit
  kSessionEnded,  // UNAUTHENTICATED
  kStopping,      // UNAVAILABLE
};

inline constexpr int kStreamProblemCount = static_cast<int>(StreamProblem::kStopping) + 1;

constexpr std::string_view DomainOf(StreamProblem) { return "stream"; }

// The server has `limit` streams open.
absl::Status TooManyStreams(std::size_t limit);
// `remedy`: what the client is to do.
absl::Status StreamSessionEnded(std::string_view remedy);
absl::Status StreamsStopping();

}  // namespace unipresence

#endif  // UNIPRESENCE_SERVER_STREAMING_STREAM_PROBLEM_H_
