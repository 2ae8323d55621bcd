#include "server/storage/store_thread.h"

#include <chrono>
#include <utility>

namespace unipresence {

StoreThread::StoreThread(Options options, Store& store, const Clock& clock)
    : options_(std::move(options)), store_(store), clock_(clock), thread_([this] { Run(); }) {}

StoreThread::~StoreThread() { Stop(); }

void StoreThread::Submit(Work work, Done done) {
  absl::Status refusal;
  {
    MutexLock lock(mutex_);
    if (stopping_) {
      refusal = absl::UnavailableError("the store is stopping; retry after the restart");
    } else if (queue_.size() >= options_.queue_capacity) {
      refusal = absl::ResourceExhaustedError("the queue of the store is full; retry later");
    } else {
      queue_.push_back({std::move(work), std::move(done)});
      probe_.queue_depth.Set(static_cast<std::int64_t>(queue_.size()));
      if (queue_.size() == 1) wake_.notify_one();
      return;
    }
  }
  probe_.refused.Add();
  if (absl::IsResourceExhausted(refusal)) NoteTrouble(refusal);
  std::move(done)(std::move(refusal));
}

void StoreThread::Stop() {
  {
    MutexLock lock(mutex_);
    stopping_ = true;
    wake_.notify_one();
  }
  if (thread_.joinable()) thread_.join();
}

bool StoreThread::NextBatch(std::vector<Command>& batch) {
  batch.clear();
  MutexLock lock(mutex_);
  while (queue_.empty() && !stopping_) wake_.wait(mutex_);
  while (!queue_.empty() && batch.size() < options_.max_batch) {
    batch.push_back(std::move(queue_.front()));
    queue_.pop_front();
  }
  probe_.queue_depth.Set(static_cast<std::int64_t>(queue_.size()));
  return !batch.empty();
}

void StoreThread::Run() {
  std::vector<Command> batch;
  while (NextBatch(batch)) RunBatch(batch);
}

void StoreThread::RunBatch(std::vector<Command>& batch) {
  std::vector<absl::Status> results(batch.size());
  const MonotonicTime begin = clock_.Now();
  const absl::Status commit = store_.InTransaction([&] {
    for (std::size_t i = 0; i < batch.size(); ++i) {
      results[i] = store_.InTransaction([&] { return std::move(batch[i].work)(store_); });
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
    NoteTrouble(result);
    std::move(batch[i].done)(std::move(result));
  }
}

void StoreThread::NoteTrouble(const absl::Status& status) const {
  const bool trouble =
      absl::IsUnavailable(status) || absl::IsResourceExhausted(status) || absl::IsDataLoss(status);
  if (trouble && options_.on_trouble) options_.on_trouble(status);
}

}  // namespace unipresence
