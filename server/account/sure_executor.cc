#include "server/account/sure_executor.h"

#include <utility>

namespace unipresence {

bool SureExecutor::Post(Command command) {
  auto kept = std::make_shared<Command>(std::move(command));
  Waiting dropped;
  {
    MutexLock lock(mutex_);
    waiting_.push_back(std::move(kept));
    dropped = TryPost();
  }
  return dropped.empty();
}

void SureExecutor::Retry() {
  Waiting dropped;
  {
    MutexLock lock(mutex_);
    dropped = TryPost();
  }
}

void SureExecutor::Stop() {
  Waiting dropped;
  {
    MutexLock lock(mutex_);
    stopping_ = true;
    dropped = TryPost();
  }
}

SureExecutor::Waiting SureExecutor::TryPost() {
  while (!waiting_.empty()) {
    // What it holds dies where it ran, not with the last that refers to it.
    const auto run = [command = waiting_.front()](Core& core) {
      Command taken = std::move(*command);
      std::move(taken)(core);
    };
    if (!pipeline_.Post(run)) break;
    waiting_.pop_front();
  }
  return stopping_ ? std::exchange(waiting_, {}) : Waiting{};
}

}  // namespace unipresence
