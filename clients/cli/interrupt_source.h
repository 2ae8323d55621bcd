#ifndef UNIPRESENCE_CLIENTS_CLI_INTERRUPT_SOURCE_H_
#define UNIPRESENCE_CLIENTS_CLI_INTERRUPT_SOURCE_H_

// Who raises an Interrupt: signals, and an output whose reader went away. Each is a thread that
// ends with its object.

#include <signal.h>

#include <thread>

#include "clients/cli/interrupt.h"
#include "clients/cli/output.h"

namespace unipresence::cli {

// An eventfd that ends a poll.
class WakeFd {
 public:
  WakeFd();
  ~WakeFd();
  WakeFd(const WakeFd&) = delete;
  WakeFd& operator=(const WakeFd&) = delete;

  int get() const { return fd_; }
  void Wake();

 private:
  const int fd_;
};

// SIGINT, SIGTERM and SIGHUP, unless they are ignored (nohup). Make it before any other thread is
// started, so that all threads inherit the blocked signals; later ones of the process would be
// ended by the signal.
class SignalInterrupt {
 public:
  explicit SignalInterrupt(Interrupt& interrupt);
  ~SignalInterrupt();
  SignalInterrupt(const SignalInterrupt&) = delete;
  SignalInterrupt& operator=(const SignalInterrupt&) = delete;

 private:
  sigset_t former_{};
  WakeFd wake_;
  std::thread thread_;
};

class ClosedOutputInterrupt {
 public:
  // Both must outlive it.
  ClosedOutputInterrupt(Output& output, Interrupt& interrupt);
  ~ClosedOutputInterrupt();
  ClosedOutputInterrupt(const ClosedOutputInterrupt&) = delete;
  ClosedOutputInterrupt& operator=(const ClosedOutputInterrupt&) = delete;

 private:
  WakeFd wake_;
  std::thread thread_;
};

}  // namespace unipresence::cli

#endif  // UNIPRESENCE_CLIENTS_CLI_INTERRUPT_SOURCE_H_
