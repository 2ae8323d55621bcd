#ifndef UNIPRESENCE_SERVER_STREAMING_STREAM_CONTEXT_H_
#define UNIPRESENCE_SERVER_STREAMING_STREAM_CONTEXT_H_

// What the streams work with, and what they ask of the rooms that know sessions: this room knows a
// caller as a value only.

#include <grpcpp/support/status.h>

#include <atomic>
#include <cstddef>
#include <functional>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "aggregator/base/clock.h"
#include "aggregator/base/task_thread.h"
#include "aggregator/model/caller.h"
#include "aggregator/pipeline/executor.h"
#include "server/streaming/stream_probe.h"
#include "server/streaming/stream_problem.h"
#include "server/streaming/watch_options.h"

namespace unipresence {

// How many streams of all kinds may be open at once. Thread-safe.
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

// All must outlive the streams. `thread` is the watch thread, which owns them; it must be stopped
// before they are destroyed, after the gRPC server.
struct StreamContext {
  const WatchOptions options;
  Executor& executor;  // one that refuses nothing before the server stops
  const Clock& clock;
  TaskThread& thread;
  StreamLimit& limit;
  StreamProbe& probe;
};

// The sessions behind one kind of stream.
struct StreamAccess {
  // Who calls, if he may read what is `user`'s (empty: his own, or everyone's). Thread: the
  // pipeline's, as that of the next two.
  std::function<absl::StatusOr<Caller>(Core& core, const SessionKey& key, std::string_view user)>
      admit;
  // The caller has one stream more. RESOURCE_EXHAUSTED: as many as a session may have. Balanced by
  // `close`.
  std::function<absl::Status(Core& core, const Caller& caller)> open;
  std::function<void(Core& core, const Caller& caller)> close;
  // A stream that ended so, as its client is told. Any thread; once for each stream.
  std::function<grpc::Status(const absl::Status& end)> answer;
};

}  // namespace unipresence

#endif  // UNIPRESENCE_SERVER_STREAMING_STREAM_CONTEXT_H_
