#ifndef UNIPRESENCE_SERVER_STORAGE_STORE_THREADS_H_
#define UNIPRESENCE_SERVER_STORAGE_STORE_THREADS_H_

// The threads of a store that runs in this process, for its commands and for its reads. A store is
// made of them and of two functions that run something in a transaction or on a snapshot.
//
// Group commit: all commands that wait are run in one transaction, each in a part of its own, so
// that one failure does not undo the others; one disk synchronisation serves them all. Only after
// the commit are the answers given, in the order of submission. If the commit fails, every command
// of that transaction fails with its status, except those that failed by themselves.
//
// Here the changes are recorded and numbered, for every kind of store.

#include <atomic>
#include <functional>
#include <thread>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "aggregator/base/clock.h"
#include "server/storage/store.h"
#include "server/storage/store_options.h"
#include "server/storage/store_probe.h"
#include "server/storage/store_queue.h"

namespace unipresence {

class StoreThreads {
 public:
  // Runs `body` in a transaction; an error of it undoes everything. Called on the command thread.
  using Transact =
      absl::AnyInvocable<absl::Status(absl::FunctionRef<absl::Status(Transaction&)> body)>;
  // Runs `body` on a snapshot. Called on the thread of the reads.
  using Read =
      absl::AnyInvocable<absl::Status(absl::FunctionRef<absl::Status(const Snapshot&)> body)>;

  // Starts the threads. What the functions use must outlive this object.
  StoreThreads(const StoreOptions& options, Transact transact, Read read);
  // Stops.
  ~StoreThreads();
  StoreThreads(const StoreThreads&) = delete;
  StoreThreads& operator=(const StoreThreads&) = delete;

  // As those of Store.
  absl::Status SubmitChange(Store::Work work, Store::ChangeDone done);
  absl::Status SubmitRead(Store::ReadWork work, Store::Done done);
  void Follow(ChangeSink& sink) { sink_.store(&sink); }
  void Stop();
  const StoreProbe& probe() const { return probe_; }

 private:
  struct Command {
    Store::Work work;
    Store::ChangeDone done;
  };
  struct ReadCommand {
    Store::ReadWork work;
    Store::Done done;
  };

  using OnTrouble = std::function<void(const absl::Status&)>;

  void RunCommands();
  void RunBatch(std::vector<Command>& batch);
  void RunReads();
  // Of a refusal; counts it.
  absl::Status Refused(absl::Status refusal, const OnTrouble& on_trouble);
  static void NoteTrouble(const absl::Status& status, const OnTrouble& on_trouble);

  const Clock& clock_;
  const std::size_t max_batch_;
  const OnTrouble on_trouble_;
  const OnTrouble on_read_trouble_;
  StoreProbe probe_;
  Transact transact_;
  Read read_;
  std::atomic<ChangeSink*> sink_{nullptr};
  Revision revision_ = 0;  // of the newest change; the command thread's
  StoreQueue<Command> commands_;
  StoreQueue<ReadCommand> reads_;
  std::thread command_thread_;  // last: they use the others
  std::thread read_thread_;
};

}  // namespace unipresence

#endif  // UNIPRESENCE_SERVER_STORAGE_STORE_THREADS_H_
