#ifndef UNIPRESENCE_SERVER_STORAGE_STORE_QUEUE_H_
#define UNIPRESENCE_SERVER_STORAGE_STORE_QUEUE_H_

// What waits for a thread of a store: bounded, and refusing when full, because a caller that waited
// would block a thread of others, and dropping something silently would lie to its caller.

#include <cstddef>
#include <deque>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "aggregator/base/mutex.h"
#include "aggregator/base/probe.h"

namespace unipresence {

// Thread-safe.
template <typename T>
class StoreQueue {
 public:
  // `depth` shows how many wait, and must outlive the queue.
  StoreQueue(std::size_t capacity, Gauge& depth) : capacity_(capacity), depth_(depth) {}

  // RESOURCE_EXHAUSTED: full. UNAVAILABLE: closed.
  absl::Status Push(T item) ABSL_LOCKS_EXCLUDED(mutex_) {
    MutexLock lock(mutex_);
    if (closed_) return absl::UnavailableError("the store is stopping; retry after the restart");
    if (items_.size() >= capacity_) {
      return absl::ResourceExhaustedError("the queue of the store is full; retry later");
    }
    items_.push_back(std::move(item));
    depth_.Set(static_cast<std::int64_t>(items_.size()));
    if (items_.size() == 1) wake_.notify_one();
    return absl::OkStatus();
  }

  // Waits for items and moves up to `most` of them into `batch`; false when closed and empty.
  bool Pop(std::vector<T>& batch, std::size_t most) ABSL_LOCKS_EXCLUDED(mutex_) {
    batch.clear();
    MutexLock lock(mutex_);
    while (items_.empty() && !closed_) wake_.wait(mutex_);
    while (!items_.empty() && batch.size() < most) {
      batch.push_back(std::move(items_.front()));
      items_.pop_front();
    }
    depth_.Set(static_cast<std::int64_t>(items_.size()));
    return !batch.empty();
  }

  void Close() ABSL_LOCKS_EXCLUDED(mutex_) {
    MutexLock lock(mutex_);
    closed_ = true;
    wake_.notify_one();
  }

 private:
  const std::size_t capacity_;
  Gauge& depth_;
  Mutex mutex_;
  ConditionVariable wake_;
  std::deque<T> items_ ABSL_GUARDED_BY(mutex_);
  bool closed_ ABSL_GUARDED_BY(mutex_) = false;
};

}  // namespace unipresence

#endif  // UNIPRESENCE_SERVER_STORAGE_STORE_QUEUE_H_
