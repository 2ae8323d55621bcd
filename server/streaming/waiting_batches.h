#ifndef UNIPRESENCE_SERVER_STREAMING_WAITING_BATCHES_H_
#define UNIPRESENCE_SERVER_STREAMING_WAITING_BATCHES_H_

// The queue from the pipeline to the watch thread: batches in order, bounded by their bytes. When
// it is full all of them are dropped, for one hole is as bad as many. Thread-safe.

#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

#include "aggregator/base/mutex.h"
#include "aggregator/publish/batch.h"

namespace unipresence {

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

}  // namespace unipresence

#endif  // UNIPRESENCE_SERVER_STREAMING_WAITING_BATCHES_H_
