#ifndef UNIPRESENCE_SERVER_ACCOUNT_SURE_EXECUTOR_H_
#define UNIPRESENCE_SERVER_ACCOUNT_SURE_EXECUTOR_H_

// The pipeline for what must reach it although its queue is full just now: changes that are on disk
// already, streams that come and go. What it does not take waits here, in order, and is offered
// again with the next command and by Retry. So nobody who posts has to wait, or to try again.
//
// A command that was accepted runs once, on the pipeline's thread, never within Post; the server
// stopping first it is destroyed unrun, and whoever it was to answer is answered by that.
//
// The queue has no bound of its own: what is posted was accepted before by a queue that has one
// (the pipeline's, the store's, the password hasher's), is about a stream, whose number is limited,
// or brings in the users of a changed file, some at a time. When something comes to wait here the
// pipeline is full and takes no new calls.
//
// Thread-safe.

#include <deque>
#include <memory>

#include "aggregator/base/mutex.h"
#include "aggregator/pipeline/executor.h"

namespace unipresence {

class SureExecutor final : public Executor {
 public:
  // `pipeline` must outlive it.
  explicit SureExecutor(Executor& pipeline) : pipeline_(pipeline) {}

  // False only when the server is stopping and the pipeline has no room.
  bool Post(Command command) override ABSL_LOCKS_EXCLUDED(mutex_);

  // Offers again what waits. Now and then.
  void Retry() ABSL_LOCKS_EXCLUDED(mutex_);

  // The server is stopping: what the pipeline does not take at once is destroyed from now on.
  void Stop() ABSL_LOCKS_EXCLUDED(mutex_);

 private:
  using Waiting = std::deque<std::shared_ptr<Command>>;

  // Returns what is to be destroyed, which may answer calls: not under the lock.
  Waiting TryPost() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  Executor& pipeline_;
  Mutex mutex_;
  Waiting waiting_ ABSL_GUARDED_BY(mutex_);
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
};

}  // namespace unipresence

#endif  // UNIPRESENCE_SERVER_ACCOUNT_SURE_EXECUTOR_H_
