#ifndef UNIPRESENCE_SERVER_STREAMING_FEED_H_
#define UNIPRESENCE_SERVER_STREAMING_FEED_H_

// One kind of resource on its way to the streams: batches that wait, the log that they come into,
// and who is to be told.
//
//   pipeline --Push--> [waiting batches] --Drain, watch thread--> log, and the streams that watch
//                                                                  the users who changed
//
// What is resumed, merged or left out is the log's and its readers': a feed of presences has a log
// of every change (watch_history.h), one of voicemail boxes a log of the newest (newest_log.h). A
// Log has Reset(sequence), Append(batch) and end(), as those.
//
// Thread: the watch thread's, except Push.

#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

#include "aggregator/base/mutex.h"
#include "aggregator/publish/batch.h"
#include "server/streaming/watchers.h"

namespace unipresence {

// The queue from the pipeline to the watch thread: batches in order, bounded by their bytes. When
// it is full all of them are dropped, for one hole is as bad as many. Thread-safe.
class WaitingBatches {
 public:
  using Batches = std::vector<std::shared_ptr<const publish::Batch>>;

  explicit WaitingBatches(std::size_t max_bytes) : max_bytes_(max_bytes) {}

  struct Pushed {
    bool wake = false;        // the reader does not know yet that there is something
    std::size_t dropped = 0;  // batches
  };
  Pushed Push(std::shared_ptr<const publish::Batch> batch) ABSL_LOCKS_EXCLUDED(mutex_) {
    MutexLock lock(mutex_);
    bytes_ += batch->size() * kUpdateBytes;
    if (bytes_ > max_bytes_) {
      const std::size_t dropped = batches_.size() + 1;
      dropped_up_to_ = batch->last_sequence();
      batches_.clear();
      bytes_ = 0;
      return {.wake = true, .dropped = dropped};
    }
    const bool wake = batches_.empty();
    batches_.push_back(std::move(batch));
    return {.wake = wake, .dropped = 0};
  }

  struct Taken {
    Batches batches;
    std::uint64_t dropped_up_to = 0;  // 0: nothing was dropped
  };
  Taken Take() ABSL_LOCKS_EXCLUDED(mutex_) {
    MutexLock lock(mutex_);
    bytes_ = 0;
    return {.batches = std::exchange(batches_, {}),
            .dropped_up_to = std::exchange(dropped_up_to_, 0)};
  }

 private:
  // What a change costs in the queue, about.
  static constexpr std::size_t kUpdateBytes = 256;

  const std::size_t max_bytes_;
  Mutex mutex_;
  Batches batches_ ABSL_GUARDED_BY(mutex_);
  std::size_t bytes_ ABSL_GUARDED_BY(mutex_) = 0;
  std::uint64_t dropped_up_to_ ABSL_GUARDED_BY(mutex_) = 0;
};

template <typename Log, typename Stream>
class Feed {
 public:
  Feed(std::size_t max_waiting_bytes, Log log)
      : batches_(max_waiting_bytes), log_(std::move(log)) {}

  // Thread-safe.
  WaitingBatches::Pushed Push(std::shared_ptr<const publish::Batch> batch) {
    return batches_.Push(std::move(batch));
  }

  // Takes in what waits; false if nothing did.
  //   lost()                          there is a hole: the log has begun anew, its readers must
  //   changed(stream, index, batch, i)  the stream watches the user of that change, its index-th
  //   appended()                      after each batch
  template <typename Lost, typename Changed, typename Appended>
  bool Drain(Lost lost, Changed changed, Appended appended) {
    const WaitingBatches::Taken taken = batches_.Take();
    if (taken.dropped_up_to > log_.end()) {
      log_.Reset(taken.dropped_up_to);
      lost();
    }
    for (const auto& batch : taken.batches) {
      if (!log_.Append(*batch)) {
        log_.Reset(batch->first_sequence() - 1);
        lost();
        log_.Append(*batch);
      }
      if (!watchers_.none_by_user()) Tell(*batch, changed);
      appended();
    }
    return !taken.batches.empty();
  }

  Log& log() { return log_; }
  const Log& log() const { return log_; }
  Watchers<Stream>& watchers() { return watchers_; }

 private:
  template <typename Changed>
  void Tell(const publish::Batch& batch, Changed changed) {
    for (std::size_t i = 0; i < batch.size(); ++i) {
      const typename Watchers<Stream>::Of* const watching = watchers_.Find(batch.user(i));
      if (watching == nullptr) continue;
      for (const auto& [stream, index] : *watching) changed(*stream, index, batch, i);
    }
  }

  WaitingBatches batches_;
  Log log_;
  Watchers<Stream> watchers_;
};

}  // namespace unipresence

#endif  // UNIPRESENCE_SERVER_STREAMING_FEED_H_
