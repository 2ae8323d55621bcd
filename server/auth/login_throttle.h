#ifndef UNIPRESENCE_SERVER_AUTH_LOGIN_THROTTLE_H_
#define UNIPRESENCE_SERVER_AUTH_LOGIN_THROTTLE_H_

// Slows down guessing of a user's password: after a few failures in a row, each further attempt for
// that username has to wait twice as long as the one before, up to a minute.
//
//   if (auto wait = throttle.Admit(username, clock.Now())) return TooManyAttempts(*wait);
//   ... verify ...
//   if (right) throttle.Succeeded(username);
//   if (never_verified) throttle.Withdraw(username);    // queue full: no guess was made
//
// An attempt counts as failed from its admission on, so that a thousand at once are no way around.
// Whoever fails on purpose makes the owner wait too, a minute at most: the price of not letting
// guess. Unknown usernames count like known ones. The table is bounded: when it is full, the name
// that was quiet longest is forgotten.

#include <cstddef>
#include <list>
#include <optional>
#include <string>
#include <string_view>

#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "aggregator/base/clock.h"
#include "aggregator/base/mutex.h"
#include "aggregator/base/probe.h"

namespace unipresence::auth {

// Thread-safe.
class LoginThrottle {
 public:
  struct Options {
    int free_failures = 5;                          // before any wait
    Duration first_wait = std::chrono::seconds(1);  // after one more; doubled by each
    Duration max_wait = std::chrono::minutes(1);
    Duration forget_after = std::chrono::minutes(15);  // without an attempt
    std::size_t capacity = 100'000;                    // usernames; about 150 bytes each
  };

  explicit LoginThrottle(Options options) : options_(options) {}

  // Nullopt: go on, and the attempt counts as failed until Succeeded. Else how long to wait; the
  // refused attempt does not count.
  std::optional<Duration> Admit(std::string_view username, MonotonicTime now)
      ABSL_LOCKS_EXCLUDED(mutex_);
  // The password was right: forget the failures.
  void Succeeded(std::string_view username) ABSL_LOCKS_EXCLUDED(mutex_);
  // The attempt that was admitted last came to nothing: take it back.
  void Withdraw(std::string_view username) ABSL_LOCKS_EXCLUDED(mutex_);

  std::size_t size() const ABSL_LOCKS_EXCLUDED(mutex_);
  // Attempts that were told to wait.
  const SharedCounter& refused() const { return refused_; }

 private:
  struct Entry {
    std::string name;  // in lower case: usernames are compared so
    int failures = 0;
    MonotonicTime last;        // of the newest admitted attempt
    MonotonicTime not_before;  // the next attempt
  };
  using Entries = std::list<Entry>;  // the quietest first

  Duration WaitAfter(int failures) const;
  void Forget(Entries::iterator entry) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  const Options options_;
  SharedCounter refused_;
  mutable Mutex mutex_;
  Entries entries_ ABSL_GUARDED_BY(mutex_);
  absl::flat_hash_map<std::string, Entries::iterator> by_name_ ABSL_GUARDED_BY(mutex_);
};

// RESOURCE_EXHAUSTED with the seconds to wait, for the client.
absl::Status TooManyAttempts(Duration wait);

}  // namespace unipresence::auth

#endif  // UNIPRESENCE_SERVER_AUTH_LOGIN_THROTTLE_H_
