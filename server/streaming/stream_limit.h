#ifndef UNIPRESENCE_SERVER_STREAMING_STREAM_LIMIT_H_
#define UNIPRESENCE_SERVER_STREAMING_STREAM_LIMIT_H_

// How many streams of all kinds may be open at once. Thread-safe.

#include <atomic>
#include <cstddef>

#include "absl/status/status.h"
#include "server/streaming/stream_problem.h"

namespace unipresence {

class StreamLimit {
 public:
  explicit StreamLimit(std::size_t limit) : limit_(limit) {}

  // StreamProblem::kTooMany. Balance a success by Leave.
  absl::Status Enter() {
    if (open_.fetch_add(1, std::memory_order_relaxed) < limit_) return absl::OkStatus();
    Leave();
    return TooManyStreams(limit_);
  }
  void Leave() { open_.fetch_sub(1, std::memory_order_relaxed); }

 private:
  const std::size_t limit_;
  std::atomic<std::size_t> open_{0};
};

}  // namespace unipresence

#endif  // UNIPRESENCE_SERVER_STREAMING_STREAM_LIMIT_H_
