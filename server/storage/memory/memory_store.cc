#include "server/storage/memory/memory_store.h"

#include <utility>

namespace unipresence {

class MemoryStore::Ports final : public Transaction {
 public:
  explicit Ports(MemoryStore& store)
      : Transaction(store.users_, store.settings_, store.sessions_, store.users_file_),
        log_(store.log_) {}

  absl::Status InPart(absl::FunctionRef<absl::Status()> body) override {
    const std::size_t before = log_.size();
    absl::Status status = body();
    if (!status.ok()) log_.UndoTo(before);
    return status;
  }

  absl::Status CheckWritable() override { return absl::OkStatus(); }

 private:
  MemoryLog& log_;
};

MemoryStore::MemoryStore(StoreOptions options)
    : options_(std::move(options)),
      users_(log_, *options_.clock),
      settings_(log_, *options_.clock),
      sessions_(log_),
      users_file_(log_),
      threads_(
          options_,
          [this](absl::FunctionRef<absl::Status(Transaction&)> body) { return Transact(body); },
          [this](absl::FunctionRef<absl::Status(const Snapshot&)> body) {
            return ReadHere(body);
          }) {}

absl::Status MemoryStore::Transact(absl::FunctionRef<absl::Status(Transaction&)> body) {
  Ports ports(*this);
  absl::Status status = ports.InPart([&] { return body(ports); });
  MutexLock lock(mutex_);
  log_.MoveTo(committed_);
  return status;
}

absl::Status MemoryStore::SubmitChange(Work work, ChangeDone done) {
  return threads_.SubmitChange(std::move(work), std::move(done));
}

absl::Status MemoryStore::SubmitRead(ReadWork work, Done done) {
  return threads_.SubmitRead(std::move(work), std::move(done));
}

absl::Status MemoryStore::ReadHere(absl::FunctionRef<absl::Status(const Snapshot&)> work) {
  MemoryLog copy;
  {
    MutexLock lock(mutex_);
    copy = MemoryLog(committed_);
  }
  const MemoryUsers users(copy, *options_.clock);
  const MemorySessions sessions(copy);
  const MemoryUsersFile users_file(copy);
  return work({.users = users, .sessions = sessions, .users_file = users_file});
}

void MemoryStore::Stop() { threads_.Stop(); }

}  // namespace unipresence
