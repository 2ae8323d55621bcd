#ifndef UNIPRESENCE_AGGREGATOR_BASE_TASK_THREAD_H_
#define UNIPRESENCE_AGGREGATOR_BASE_TASK_THREAD_H_

// A thread that runs what is posted to it, in order.
//
// The queue has no bound of its own: whoever posts sees to that what it posts is about something
// bounded (a call, a stream, a batch).

#include <cstddef>
#include <string>
#include <thread>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "aggregator/base/clock.h"
#include "aggregator/base/mutex.h"
#include "aggregator/base/probe.h"

namespace unipresence {

class TaskThread {
 public:
  using Task = absl::AnyInvocable<void() &&>;

  // Starts the thread; `name` (at most 15 characters) is what `top -H` shows.
  explicit TaskThread(std::string name);
  // Stops.
  ~TaskThread();
  TaskThread(const TaskThread&) = delete;
  TaskThread& operator=(const TaskThread&) = delete;

  // Thread-safe. After Stop() the task is destroyed unrun.
  void Post(Task task) ABSL_LOCKS_EXCLUDED(mutex_);

  // Calls `work` on the thread each time the queue has been emptied, and once each `period`. It
  // returns true to be called again at once, after what was posted meanwhile. Set before the first
  // Post.
  void SetIdleWork(Duration period, absl::AnyInvocable<bool()> work) ABSL_LOCKS_EXCLUDED(mutex_);

  // Runs what is queued, then joins. Not from the thread itself.
  void Stop() ABSL_LOCKS_EXCLUDED(mutex_);

  // Tasks waiting.
  const Gauge& depth() const { return depth_; }

 private:
  void Run() ABSL_LOCKS_EXCLUDED(mutex_);
  // Moves what is queued into `tasks`, after waiting for it unless `busy`; false when stopped and
  // empty.
  bool Take(bool busy, std::vector<Task>& tasks) ABSL_LOCKS_EXCLUDED(mutex_);

  const std::string name_;
  Gauge depth_;
  Mutex mutex_;
  ConditionVariable wake_;
  std::vector<Task> queue_ ABSL_GUARDED_BY(mutex_);
  absl::AnyInvocable<bool()> idle_work_ ABSL_GUARDED_BY(mutex_);
  Duration period_ ABSL_GUARDED_BY(mutex_) = std::chrono::hours(1);
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
  std::thread thread_;  // last: it uses the others
};

}  // namespace unipresence

#endif  // UNIPRESENCE_AGGREGATOR_BASE_TASK_THREAD_H_
