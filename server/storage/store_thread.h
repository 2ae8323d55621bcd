#ifndef UNIPRESENCE_SERVER_STORAGE_STORE_THREAD_H_
#define UNIPRESENCE_SERVER_STORAGE_STORE_THREAD_H_

// The thread that owns the database handle: commands in, an answer to each after its commit.
//
//   StoreThread store_thread({}, *store);
//   store_thread.Submit([=](Store& store) { return store.SetSelectedDevice(user, device); },
//                       [=, &executor](absl::Status status) {
//                         if (!status.ok()) return reply(status);
//                         // Durable first, then the engine.
//                         executor.Post([=](Core& core) { ... });
//                       });
//
// Group commit: all commands that wait are run in one transaction, each in a savepoint of its own,
// so that one failure does not undo the others; one disk synchronisation serves them all. Only
// after the commit are the answers given, in the order of submission. If the commit fails, every
// command of that transaction fails with its status.
//
// The queue is bounded. When it is full, a command is refused at once with RESOURCE_EXHAUSTED:
// waiting would block a gRPC thread, and dropping one silently would lie to its caller.

#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <thread>
#include <utility>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "aggregator/base/clock.h"
#include "aggregator/base/mutex.h"
#include "server/storage/store.h"
#include "server/storage/store_probe.h"

namespace unipresence {

class StoreThread {
 public:
  struct Options {
    std::size_t queue_capacity = 16'384;
    std::size_t max_batch = 256;  // commands in one transaction
    // Told of each command that failed because of the store and not of itself: UNAVAILABLE,
    // RESOURCE_EXHAUSTED or DATA_LOSS. Called on the store thread, for a full queue on the
    // submitting one. May be empty.
    std::function<void(const absl::Status&)> on_trouble = nullptr;
  };

  // Runs on the store thread within a transaction. It may call several methods; an error undoes all
  // that this command changed. It must not touch the store later.
  using Work = absl::AnyInvocable<absl::Status(Store&) &&>;
  // Gets the status of the command after the commit, on the store thread, which it must not block;
  // or RESOURCE_EXHAUSTED (queue full) or UNAVAILABLE (stopped) on the submitting thread, before
  // Submit returns. Called exactly once.
  using Done = absl::AnyInvocable<void(absl::Status) &&>;

  // Starts the thread. `store` and `clock` must outlive it, and nobody else may use the store until
  // Stop() has returned.
  StoreThread(Options options, Store& store, const Clock& clock = Clock::System());
  // Stops.
  ~StoreThread();
  StoreThread(const StoreThread&) = delete;
  StoreThread& operator=(const StoreThread&) = delete;

  // Thread-safe; also from a `Done`.
  void Submit(Work work, Done done) ABSL_LOCKS_EXCLUDED(mutex_);

  // The same for work that has a result: `done` gets it, or the error of the work or of its commit.
  template <typename T>
  void Call(absl::AnyInvocable<absl::StatusOr<T>(Store&) &&> work,
            absl::AnyInvocable<void(absl::StatusOr<T>) &&> done) {
    auto result = std::make_shared<std::optional<T>>();
    Submit(
        [work = std::move(work), result](Store& store) mutable -> absl::Status {
          absl::StatusOr<T> got = std::move(work)(store);
          if (!got.ok()) return std::move(got).status();
          result->emplace(*std::move(got));
          return absl::OkStatus();
        },
        [done = std::move(done), result](absl::Status status) mutable {
          if (!status.ok()) {
            std::move(done)(std::move(status));
          } else {
            std::move(done)(std::move(**result));
          }
        });
  }

  // Refuses further commands, runs and answers those that wait, and joins the thread. Not from a
  // `Done`.
  void Stop() ABSL_LOCKS_EXCLUDED(mutex_);

  const StoreProbe& probe() const { return probe_; }

 private:
  struct Command {
    Work work;
    Done done;
  };

  void Run() ABSL_LOCKS_EXCLUDED(mutex_);
  // Waits for commands and moves up to max_batch of them into `batch`; false when stopped and
  // drained.
  bool NextBatch(std::vector<Command>& batch) ABSL_LOCKS_EXCLUDED(mutex_);
  void RunBatch(std::vector<Command>& batch);
  void NoteTrouble(const absl::Status& status) const;

  const Options options_;
  Store& store_;
  const Clock& clock_;
  StoreProbe probe_;
  Mutex mutex_;
  ConditionVariable wake_;
  std::deque<Command> queue_ ABSL_GUARDED_BY(mutex_);
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
  std::thread thread_;  // last: it uses the others
};

}  // namespace unipresence

#endif  // UNIPRESENCE_SERVER_STORAGE_STORE_THREAD_H_
