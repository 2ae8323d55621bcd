#ifndef UNIPRESENCE_SERVER_STORAGE_MEMORY_MEMORY_STORE_H_
#define UNIPRESENCE_SERVER_STORAGE_MEMORY_MEMORY_STORE_H_

// A Store that ends with the object: for tests, and for trying the server out (`store.path:
// ":memory:"`). It keeps the whole contract except durability. A read copies the tables, so it is
// for thousands of users and not for millions.

#include "aggregator/base/mutex.h"
#include "server/storage/memory/memory_ports.h"
#include "server/storage/memory/memory_tables.h"
#include "server/storage/store.h"
#include "server/storage/store_options.h"
#include "server/storage/store_threads.h"

namespace unipresence {

class MemoryStore final : public Store {
 public:
  // The path, and what is told about a file, are of no meaning.
  explicit MemoryStore(StoreOptions options);

  absl::Status SubmitChange(Work work, ChangeDone done) override;
  absl::Status SubmitRead(ReadWork work, Done done) override;
  absl::Status ReadHere(absl::FunctionRef<absl::Status(const Snapshot&)> work) override
      ABSL_LOCKS_EXCLUDED(mutex_);
  void Follow(ChangeSink& sink) override { threads_.Follow(sink); }
  void Stop() override;
  const StoreProbe& probe() const override { return threads_.probe(); }

 private:
  class Ports;

  absl::Status Transact(absl::FunctionRef<absl::Status(Transaction&)> body)
      ABSL_LOCKS_EXCLUDED(mutex_);

  const StoreOptions options_;
  MemoryLog log_;  // the command thread's
  MemoryUsers users_;
  MemorySettings settings_;
  MemorySessions sessions_;
  MemoryUsersFile users_file_;
  Mutex mutex_;
  MemoryTables committed_ ABSL_GUARDED_BY(mutex_);
  StoreThreads threads_;  // last: they use the others
};

}  // namespace unipresence

#endif  // UNIPRESENCE_SERVER_STORAGE_MEMORY_MEMORY_STORE_H_
