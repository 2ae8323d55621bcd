#ifndef UNIPRESENCE_SERVER_AUTH_PASSWORD_HASHER_H_
#define UNIPRESENCE_SERVER_AUTH_PASSWORD_HASHER_H_

// Hashes and verifies passwords on a few threads of its own, so that log-ins cost a bounded amount
// of memory (threads x 64 MiB) and never block a gRPC thread.
//
//   PasswordHasher hasher({});
//   hasher.Verify(user ? user->password_hash : "", password,
//                 [=](absl::StatusOr<bool> right) { ... });
//
// The queue is bounded; when it is full, a request is refused at once with RESOURCE_EXHAUSTED.

#include <cstddef>
#include <deque>
#include <string>
#include <thread>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "aggregator/base/metric_collector.h"
#include "aggregator/base/mutex.h"
#include "aggregator/base/probe.h"

namespace unipresence::auth {

// Thread-safe to read.
struct PasswordHasherProbe {
  SharedCounter hashed;   // hashed or verified
  SharedCounter refused;  // queue full
  Gauge queue_depth;
};

void RegisterMetrics(MetricCollector& collector, const PasswordHasherProbe& probe);

// Thread-safe.
class PasswordHasher {
 public:
  struct Options {
    std::size_t threads = 2;  // hashes in parallel
    // At 64 ms each on 2 threads the last of 128 waits 4 s: longer than people wait for a log-in.
    std::size_t queue_capacity = 128;
  };

  explicit PasswordHasher(Options options);
  // Answers what waits with UNAVAILABLE and joins the threads.
  ~PasswordHasher();
  PasswordHasher(const PasswordHasher&) = delete;
  PasswordHasher& operator=(const PasswordHasher&) = delete;

  // Is it the password of that hash? An empty hash (unknown user, or one who cannot log in) is
  // never matched, but takes as long as a real one, so that time does not tell who exists. `done`
  // is called exactly once: on a thread of the hasher, which it must not block, or with
  // RESOURCE_EXHAUSTED or UNAVAILABLE on the caller's before Verify returns.
  void Verify(std::string password_hash, std::string password,
              absl::AnyInvocable<void(absl::StatusOr<bool>) &&> done) ABSL_LOCKS_EXCLUDED(mutex_);

  // The hash of a new password; ValidatePassword is the caller's. `done` as above.
  void Hash(std::string password, absl::AnyInvocable<void(absl::StatusOr<std::string>) &&> done)
      ABSL_LOCKS_EXCLUDED(mutex_);

  const PasswordHasherProbe& probe() const { return probe_; }

 private:
  // Runs with OK, or is told why it will not.
  using Job = absl::AnyInvocable<void(absl::Status) &&>;

  void Enqueue(Job job) ABSL_LOCKS_EXCLUDED(mutex_);
  void Run() ABSL_LOCKS_EXCLUDED(mutex_);

  const Options options_;
  PasswordHasherProbe probe_;
  Mutex mutex_;
  ConditionVariable wake_;
  std::deque<Job> queue_ ABSL_GUARDED_BY(mutex_);
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
  std::vector<std::thread> threads_;  // last: they use the others
};

}  // namespace unipresence::auth

#endif  // UNIPRESENCE_SERVER_AUTH_PASSWORD_HASHER_H_
