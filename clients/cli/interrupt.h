#ifndef UNIPRESENCE_CLIENTS_CLI_INTERRUPT_H_
#define UNIPRESENCE_CLIENTS_CLI_INTERRUPT_H_

// A request to stop what runs on: `login --hold`, `watch`. Raised once by whoever wants it (a
// signal, the closed output, a test); it cancels the rpc in work and wakes who waits. Thread-safe.

#include <grpcpp/client_context.h>

#include <chrono>

#include "absl/base/thread_annotations.h"
#include "aggregator/base/mutex.h"

namespace unipresence::cli {

class Interrupt {
 public:
  Interrupt() = default;
  Interrupt(const Interrupt&) = delete;
  Interrupt& operator=(const Interrupt&) = delete;

  // While it lives, Raise cancels the rpc of this context; at once if it was raised before. One at
  // a time.
  class Scope {
   public:
    Scope(Interrupt& interrupt, grpc::ClientContext& context);
    ~Scope();
    Scope(const Scope&) = delete;
    Scope& operator=(const Scope&) = delete;

   private:
    Interrupt& interrupt_;
  };

  void Raise();
  bool raised();
  // True if it was raised, at the latest after `time`.
  bool WaitFor(std::chrono::nanoseconds time);

 private:
  Mutex mutex_;
  ConditionVariable changed_;
  bool raised_ ABSL_GUARDED_BY(mutex_) = false;
  grpc::ClientContext* context_ ABSL_GUARDED_BY(mutex_) = nullptr;
};

}  // namespace unipresence::cli

#endif  // UNIPRESENCE_CLIENTS_CLI_INTERRUPT_H_
