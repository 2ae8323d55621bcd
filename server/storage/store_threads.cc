#include "server/storage/store_threads.h"

#include <chrono>
#include <utility>

#include "server/storage/recorded_command.h"

namespace unipresence {

StoreThreads::StoreThreads(const StoreOptions& options, Transact transact, Read read)
    : clock_(*options.clock),
      max_batch_(options.max_batch),
      on_trouble_(options.on_trouble),
      on_read_trouble_(options.on_read_trouble),
      transact_(std::move(transact)),
      read_(std::move(read)),
      commands_(options.queue_capacity, probe_.queue_depth),
      reads_(options.read_queue_capacity, probe_.read_queue_depth),
      command_thread_([this] { RunCommands(); }),
      read_thread_([this] { RunReads(); }) {}

StoreThreads::~StoreThreads() { Stop(); }

absl::Status StoreThreads::SubmitChange(Store::Work work, Store::ChangeDone done) {
  return Refused(commands_.Push({std::move(work), std::move(done)}), on_trouble_);
}

absl::Status StoreThreads::SubmitRead(Store::ReadWork work, Store::Done done) {
  return Refused(reads_.Push({std::move(work), std::move(done)}), on_read_trouble_);
}

absl::Status StoreThreads::Refused(absl::Status refusal, const OnTrouble& on_trouble) {
  if (refusal.ok()) return refusal;
  probe_.refused.Add();
  if (absl::IsResourceExhausted(refusal)) NoteTrouble(refusal, on_trouble);
  return refusal;
}

void StoreThreads::Stop() {
  // Reads first: what they are answered may lead to a command.
  reads_.Close();
  if (read_thread_.joinable()) read_thread_.join();
  commands_.Close();
  if (command_thread_.joinable()) command_thread_.join();
}

void StoreThreads::RunCommands() {
  std::vector<Command> batch;
  while (commands_.Pop(batch, max_batch_)) RunBatch(batch);
}

void StoreThreads::RunBatch(std::vector<Command>& batch) {
  ChangeSink* const sink = sink_.load();
  std::vector<absl::Status> results(batch.size());
  std::vector<std::vector<ChangedUser>> changed(batch.size());
  const MonotonicTime begin = clock_.Now();
  const absl::Status commit = transact_([&](Transaction& transaction) {
    for (std::size_t i = 0; i < batch.size(); ++i) {
      results[i] = transaction.InPart([&] {
        if (sink == nullptr) return std::move(batch[i].work)(transaction);
        const auto work = [&](Transaction& recorded) { return std::move(batch[i].work)(recorded); };
        return RunRecorded(transaction, work, changed[i]);
      });
    }
    return absl::OkStatus();
  });
  const Duration took = clock_.Now() - begin;

  probe_.commands.Add(batch.size());
  probe_.batch_size.Observe(batch.size());
  probe_.commit_micros.Observe(static_cast<std::uint64_t>(
      std::chrono::duration_cast<std::chrono::microseconds>(took).count()));
  if (!commit.ok()) probe_.failed_commits.Add();
  for (std::size_t i = 0; i < batch.size(); ++i) {
    // What failed by itself keeps its own reason.
    absl::Status result = results[i].ok() ? commit : std::move(results[i]);
    NoteTrouble(result, on_trouble_);
    if (!result.ok()) {
      std::move(batch[i].done)(std::move(result));
      continue;
    }
    if (!changed[i].empty()) sink->OnChange({++revision_, std::move(changed[i])});
    std::move(batch[i].done)(revision_);
    if (sink != nullptr) sink->Flush();
  }
}

void StoreThreads::RunReads() {
  std::vector<ReadCommand> batch;
  while (reads_.Pop(batch, 1)) {
    ReadCommand& read = batch.front();
    absl::Status status =
        read_([&](const Snapshot& snapshot) { return std::move(read.work)(snapshot); });
    probe_.reads.Add();
    NoteTrouble(status, on_read_trouble_);
    std::move(read.done)(std::move(status));
  }
}

void StoreThreads::NoteTrouble(const absl::Status& status, const OnTrouble& on_trouble) {
  const bool trouble =
      absl::IsUnavailable(status) || absl::IsResourceExhausted(status) || absl::IsDataLoss(status);
  if (trouble && on_trouble) on_trouble(status);
}

}  // namespace unipresence
