#include "clients/cli/interrupt.h"

namespace unipresence::cli {

Interrupt::Scope::Scope(Interrupt& interrupt, grpc::ClientContext& context)
    : interrupt_(interrupt) {
  const MutexLock lock(interrupt_.mutex_);
  interrupt_.context_ = &context;
  if (interrupt_.raised_) context.TryCancel();
}

Interrupt::Scope::~Scope() {
  const MutexLock lock(interrupt_.mutex_);
  interrupt_.context_ = nullptr;
}

void Interrupt::Raise() {
  const MutexLock lock(mutex_);
  raised_ = true;
  if (context_ != nullptr) context_->TryCancel();
  changed_.notify_all();
}

bool Interrupt::raised() {
  const MutexLock lock(mutex_);
  return raised_;
}

bool Interrupt::WaitFor(std::chrono::nanoseconds time) {
  const auto deadline = std::chrono::steady_clock::now() + time;
  const MutexLock lock(mutex_);
  while (!raised_) {
    if (changed_.wait_until(mutex_, deadline) == std::cv_status::timeout) break;
  }
  return raised_;
}

}  // namespace unipresence::cli
