#ifndef UNIPRESENCE_SERVER_STREAMING_WATCH_SOURCE_H_
#define UNIPRESENCE_SERVER_STREAMING_WATCH_SOURCE_H_

// The pipeline's side of the watch streams: registers them at a sequence, reads initial values for
// them, and has batches made only while somebody wants them.
//
// Thread: the pipeline's.

#include <cstddef>
#include <functional>
#include <utility>

#include "absl/status/statusor.h"
#include "aggregator/pipeline/executor.h"
#include "server/streaming/stream_context.h"
#include "server/streaming/watch_stream.h"

namespace unipresence {

class WatchSource {
 public:
  // `want_batches` is called when the answer to "is anybody watching" changes, `want_mailboxes`
  // when that to "is anybody watching mailboxes" does.
  WatchSource(const WatchOptions& options, StreamAccess access,
              std::function<void(bool)> want_batches, std::function<void(bool)> want_mailboxes)
      : options_(options),
        access_(std::move(access)),
        want_batches_(std::move(want_batches)),
        want_mailboxes_(std::move(want_mailboxes)) {}

  struct Opened {
    Caller caller;
    WatchRegistration registration;
    bool started = false;  // batches are made only since then: the first one is above the sequence
    bool mailboxes_started = false;  // the same of batches of mailboxes
  };
  // A stream begins: its session is held, and every change above registration.sequence is in a
  // batch; of mailboxes too if it wants them. The errors of StreamAccess.
  absl::StatusOr<Opened> Open(Core& core, const SessionKey& key, bool mailboxes);
  // It ended.
  void Close(Core& core, const Caller& caller);

  // A stream that ended so, as its client is told. Any thread.
  grpc::Status Answer(const absl::Status& end) const { return access_.answer(end); }

  // Has no more batches made if no stream was open for WatchOptions::linger. True if it did so.
  bool StopIfIdle(Core& core);

  // Reads up to WatchOptions::slice_users users.
  InitialSlice ReadSlice(const Core& core, const WatchedUsers& users,
                         const SliceRequest& request) const;

 private:
  const WatchOptions options_;
  const StreamAccess access_;
  std::function<void(bool)> want_batches_;
  std::function<void(bool)> want_mailboxes_;
  bool wanted_ = false;
  bool mailboxes_wanted_ = false;
  std::size_t streams_ = 0;
  MonotonicTime idle_since_;
};

}  // namespace unipresence

#endif  // UNIPRESENCE_SERVER_STREAMING_WATCH_SOURCE_H_
