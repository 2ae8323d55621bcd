#ifndef UNIPRESENCE_SERVER_APP_SIGNALS_H_
#define UNIPRESENCE_SERVER_APP_SIGNALS_H_

// Waits for SIGINT and SIGTERM on the main thread. Make it before any thread starts: threads
// inherit the blocked signals, so that none is interrupted. SIGPIPE is ignored: a peer that goes is
// an error code.

#include <csignal>
#include <ctime>

namespace unipresence {

class SignalWaiter {
 public:
  SignalWaiter() {
    std::signal(SIGPIPE, SIG_IGN);
    sigemptyset(&set_);
    sigaddset(&set_, SIGINT);
    sigaddset(&set_, SIGTERM);
    pthread_sigmask(SIG_BLOCK, &set_, nullptr);
  }

  // True once one of the signals came; false after about a second without.
  bool WaitOneSecond() {
    const timespec second{.tv_sec = 1, .tv_nsec = 0};
    return sigtimedwait(&set_, nullptr, &second) > 0;
  }

 private:
  sigset_t set_;
};

}  // namespace unipresence

#endif  // UNIPRESENCE_SERVER_APP_SIGNALS_H_
