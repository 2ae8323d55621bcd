#include "aggregator/base/task_thread.h"

#include <pthread.h>

#include <utility>

namespace unipresence {

TaskThread::TaskThread(std::string name) : name_(std::move(name)), thread_([this] { Run(); }) {}

TaskThread::~TaskThread() { Stop(); }

void TaskThread::Post(Task task) {
  {
    MutexLock lock(mutex_);
    if (stopping_) return;
    queue_.push_back(std::move(task));
    depth_.Set(static_cast<std::int64_t>(queue_.size()));
    if (queue_.size() > 1) return;  // woken already
  }
  wake_.notify_one();
}

void TaskThread::SetIdleWork(Duration period, absl::AnyInvocable<bool()> work) {
  {
    MutexLock lock(mutex_);
    period_ = period;
    idle_work_ = std::move(work);
  }
  wake_.notify_one();
}

void TaskThread::Stop() {
  {
    MutexLock lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_one();
  if (thread_.joinable()) thread_.join();
}

bool TaskThread::Take(bool busy, std::vector<Task>& tasks) {
  MutexLock lock(mutex_);
  if (!busy && queue_.empty() && !stopping_) wake_.wait_for(mutex_, period_);
  tasks.swap(queue_);
  depth_.Set(0);
  return !tasks.empty() || !stopping_;
}

void TaskThread::Run() {
  pthread_setname_np(pthread_self(), name_.c_str());
  std::vector<Task> tasks;
  absl::AnyInvocable<bool()> idle_work;
  bool busy = false;
  while (Take(busy, tasks)) {
    for (Task& task : tasks) std::move(task)();
    tasks.clear();
    if (!idle_work) {
      MutexLock lock(mutex_);
      idle_work = std::move(idle_work_);
    }
    busy = idle_work && idle_work();
  }
}

}  // namespace unipresence
