#ifndef UNIPRESENCE_AGGREGATOR_BASE_MUTEX_H_
#define UNIPRESENCE_AGGREGATOR_BASE_MUTEX_H_

// std::mutex with clang's thread-safety annotations.
//
// Debian's absl::Mutex makes ThreadSanitizer report falsely, so own code uses this one. Members are
// marked ABSL_GUARDED_BY(mutex_), helpers ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_).

#include <condition_variable>
#include <mutex>

#include "absl/base/thread_annotations.h"

namespace unipresence {

class ABSL_LOCKABLE Mutex {
 public:
  void lock() ABSL_EXCLUSIVE_LOCK_FUNCTION() { mutex_.lock(); }
  void unlock() ABSL_UNLOCK_FUNCTION() { mutex_.unlock(); }

 private:
  std::mutex mutex_;
};

class ABSL_SCOPED_LOCKABLE MutexLock {
 public:
  explicit MutexLock(Mutex& mutex) ABSL_EXCLUSIVE_LOCK_FUNCTION(mutex) : mutex_(mutex) {
    mutex_.lock();
  }
  ~MutexLock() ABSL_UNLOCK_FUNCTION() { mutex_.unlock(); }
  MutexLock(const MutexLock&) = delete;
  MutexLock& operator=(const MutexLock&) = delete;

 private:
  Mutex& mutex_;
};

// Waits on a Mutex: `while (!ready) condition.wait(mutex);` with the mutex held.
using ConditionVariable = std::condition_variable_any;

}  // namespace unipresence

#endif  // UNIPRESENCE_AGGREGATOR_BASE_MUTEX_H_
