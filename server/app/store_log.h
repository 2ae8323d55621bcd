#ifndef UNIPRESENCE_SERVER_APP_STORE_LOG_H_
#define UNIPRESENCE_SERVER_APP_STORE_LOG_H_

// Whether the store takes changes, and what the log says of one that does not: a line a minute for
// each cause, however many commands fail of it, and one when it is over.
//
// A check writes a few bytes, and on a disk that is nearly full they fit where no change does: so
// it is over only when checks succeed and no command has failed for kQuiet.

#include <chrono>
#include <map>
#include <optional>

#include "absl/status/status.h"
#include "aggregator/base/clock.h"
#include "aggregator/base/log_limiter.h"
#include "aggregator/base/mutex.h"

namespace unipresence {

// Thread-safe.
class StoreLog {
 public:
  static constexpr Duration kQuiet = std::chrono::seconds(30);

  // `clock` must outlive it.
  explicit StoreLog(const Clock& clock) : clock_(clock) {}

  // A command failed because of the store (StoreOptions::on_trouble). DATA_LOSS is of what the
  // command read: others go on, and nothing follows from it but the line.
  void Trouble(const absl::Status& status) ABSL_LOCKS_EXCLUDED(mutex_);
  // A read beside the commands did (StoreOptions::on_read_trouble): it says nothing of changes, and
  // nothing follows from it but the line.
  void ReadTrouble(const absl::Status& status) ABSL_LOCKS_EXCLUDED(mutex_);
  // What a check of the store said (Transaction::CheckWritable). OK if the store takes changes,
  // else why it does not.
  absl::Status Checked(const absl::Status& status) ABSL_LOCKS_EXCLUDED(mutex_);

  // Was a change refused since it was asked before?
  bool TakeTrouble() ABSL_LOCKS_EXCLUDED(mutex_);

 private:
  struct Refusal {
    absl::Status why;
    MonotonicTime newest;
  };

  using Causes = std::map<absl::StatusCode, LogLimiter>;

  // True if the line was written.
  static bool Tell(Causes& causes, const absl::Status& status, MonotonicTime now);

  const Clock& clock_;
  Mutex mutex_;
  Causes causes_ ABSL_GUARDED_BY(mutex_);
  Causes read_causes_ ABSL_GUARDED_BY(mutex_);
  std::optional<Refusal> refusal_ ABSL_GUARDED_BY(mutex_);  // the store takes no changes
  bool told_ ABSL_GUARDED_BY(mutex_) = false;     // that it does not, and not yet that it does
  bool trouble_ ABSL_GUARDED_BY(mutex_) = false;  // since TakeTrouble
};

}  // namespace unipresence

#endif  // UNIPRESENCE_SERVER_APP_STORE_LOG_H_
