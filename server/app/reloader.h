#ifndef UNIPRESENCE_SERVER_APP_RELOADER_H_
#define UNIPRESENCE_SERVER_APP_RELOADER_H_

// Reloads on a thread of its own, so that the main thread goes on waiting for signals: a users file
// of a million takes half a minute to read.

#include <functional>
#include <thread>

#include "aggregator/base/mutex.h"

namespace unipresence {

// Thread-safe.
class Reloader {
 public:
  // `reload` runs on the thread, one at a time.
  explicit Reloader(std::function<void()> reload);
  // Waits for the one that runs.
  ~Reloader();
  Reloader(const Reloader&) = delete;
  Reloader& operator=(const Reloader&) = delete;

  // One more reload, after the one that runs. Those asked for meanwhile are one.
  void Request() ABSL_LOCKS_EXCLUDED(mutex_);

 private:
  void Run() ABSL_LOCKS_EXCLUDED(mutex_);

  const std::function<void()> reload_;
  Mutex mutex_;
  ConditionVariable wake_;
  bool requested_ ABSL_GUARDED_BY(mutex_) = false;
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
  std::thread thread_;  // last: it uses the others
};

}  // namespace unipresence

#endif  // UNIPRESENCE_SERVER_APP_RELOADER_H_
