#ifndef UNIPRESENCE_SERVER_APP_PASSWORD_BACKLOG_H_
#define UNIPRESENCE_SERVER_APP_PASSWORD_BACKLOG_H_

// The passwords of a users file, hashed behind while the server serves: 64 ms each, two at a time.
// Whoever logs in before his is hashed is next and waits for it.

#include <cstdint>
#include <deque>
#include <functional>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/functional/any_invocable.h"
#include "aggregator/base/clock.h"
#include "aggregator/base/mutex.h"
#include "server/app/users_sync.h"
#include "server/auth/password_hasher.h"
#include "server/storage/store.h"

namespace unipresence {

// Thread-safe.
class PasswordBacklog {
 public:
  struct Ports {
    Store& store;
    auth::PasswordHasher& hasher;
    const Clock& clock;
    // Nothing is left to do, of that reading of the file, the newest, nor of others. On any thread,
    // without locks.
    std::function<void(std::uint64_t reading)> idle;
  };
  explicit PasswordBacklog(Ports ports) : ports_(std::move(ports)) {}
  // Stops.
  ~PasswordBacklog() { Stop(); }

  // Of a user whose task waits already the newer one counts, in its place; behind one that runs it
  // comes next. What a password replaces is looked at again before it is: what somebody set
  // meanwhile stays.
  void Add(std::vector<PasswordTask> tasks) ABSL_LOCKS_EXCLUDED(mutex_);

  // Calls `done` once the user's password is hashed and stored; at once if it does not wait to be.
  void WhenHashed(const std::string& user, absl::AnyInvocable<void() &&> done)
      ABSL_LOCKS_EXCLUDED(mutex_);

  // About once a second: goes on after a refusal, and tells the progress now and then.
  void OnSecond() ABSL_LOCKS_EXCLUDED(mutex_);

  // Leaves what waits for the next start and waits for the two that run.
  void Stop() ABSL_LOCKS_EXCLUDED(mutex_);

 private:
  using Done = absl::AnyInvocable<void() &&>;
  // What is to be done for one user.
  struct Entry {
    PasswordTask task;
    bool waits = false;  // the task has not begun
    bool runs = false;   // the task; or, while it waits, an older one, which ends first
    bool first = false;  // it was put before the others
    std::vector<Done> waiters;
  };
  static constexpr std::size_t kParallel = 2;
  // Fewer are done before anybody has read that they are to be.
  static constexpr std::size_t kTold = 20;

  void PutFirst(const std::string& user, Entry& entry) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // Starts what there is room for.
  void Pump() ABSL_LOCKS_EXCLUDED(mutex_);
  void Start(PasswordTask task);
  void Hash(PasswordTask task);
  // It differs and is not taken: for the log, and for the starts that do not read the file again.
  void Tell(const PasswordTask& task);
  // That of the newest task which gives the user the same password: after a reload meanwhile the
  // newest file says what an older task stores. In the transaction of the reload itself its tasks
  // are not known yet, which costs one more reading.
  std::uint64_t NewestReadingOf(const PasswordTask& task) ABSL_LOCKS_EXCLUDED(mutex_);
  void Save(const PasswordTask& task, const std::string& hash);
  // Of a running task: done with it, or it has to wait for the next second. `stored` is the hash
  // that the store has of it now; empty: it has another one.
  void Finish(const PasswordTask& task, const std::string& stored = {}) ABSL_LOCKS_EXCLUDED(mutex_);
  void Retry(const PasswordTask& task) ABSL_LOCKS_EXCLUDED(mutex_);

  const Ports ports_;
  Mutex mutex_;
  ConditionVariable settled_;
  // By users whose task waits or runs.
  absl::flat_hash_map<std::string, Entry> entries_ ABSL_GUARDED_BY(mutex_);
  // Ids of those that wait; one that was put first is there twice.
  std::deque<std::string> queue_ ABSL_GUARDED_BY(mutex_);
  std::uint64_t reading_ ABSL_GUARDED_BY(mutex_) = 0;  // of the newest tasks
  std::size_t waiting_ ABSL_GUARDED_BY(mutex_) = 0;    // entries
  std::size_t running_ ABSL_GUARDED_BY(mutex_) = 0;
  std::size_t leaving_ ABSL_GUARDED_BY(mutex_) = 0;  // done, and not out of Finish yet
  bool paused_ ABSL_GUARDED_BY(mutex_) = false;
  bool stopped_ ABSL_GUARDED_BY(mutex_) = false;
  std::size_t done_ ABSL_GUARDED_BY(mutex_) = 0;  // since it was last idle
  MonotonicTime started_ ABSL_GUARDED_BY(mutex_);
  MonotonicTime next_report_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace unipresence

#endif  // UNIPRESENCE_SERVER_APP_PASSWORD_BACKLOG_H_
