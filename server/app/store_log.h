#ifndef UNIPRESENCE_SERVER_APP_STORE_LOG_H_
#define UNIPRESENCE_SERVER_APP_STORE_LOG_H_

// What the log says of a store that refuses: a line a minute for each cause, however many commands
// fail of it, and one when it is over.

#include <map>

#include "absl/status/status.h"
#include "aggregator/base/clock.h"
#include "aggregator/base/log_limiter.h"
#include "aggregator/base/mutex.h"

namespace unipresence {

// Thread-safe.
class StoreLog {
 public:
  // `clock` must outlive it.
  explicit StoreLog(const Clock& clock) : clock_(clock) {}

  // A command failed because of the store (StoreOptions::on_trouble).
  void Trouble(const absl::Status& status) ABSL_LOCKS_EXCLUDED(mutex_);
  // The store takes writes. A line only if it did not before.
  void Works() ABSL_LOCKS_EXCLUDED(mutex_);

  // Was there trouble since it was asked before?
  bool TakeTrouble() ABSL_LOCKS_EXCLUDED(mutex_);

 private:
  const Clock& clock_;
  Mutex mutex_;
  std::map<absl::StatusCode, LogLimiter> causes_ ABSL_GUARDED_BY(mutex_);
  bool trouble_ ABSL_GUARDED_BY(mutex_) = false;  // since TakeTrouble
};

}  // namespace unipresence

#endif  // UNIPRESENCE_SERVER_APP_STORE_LOG_H_
