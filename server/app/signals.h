#ifndef UNIPRESENCE_SERVER_APP_SIGNALS_H_
#define UNIPRESENCE_SERVER_APP_SIGNALS_H_

// Waits for SIGINT, SIGTERM and SIGHUP on the main thread. Make it before anything else: threads
// inherit the blocked signals, so that none is interrupted, and one that comes during the start is
// kept until it is waited for. SIGPIPE is ignored: a peer that goes is an error code.

#include <csignal>
#include <cstdint>
#include <ctime>
#include <initializer_list>

namespace unipresence {

class SignalWaiter {
 public:
  enum class Event : std::uint8_t { kSecond, kReload, kStop };

  SignalWaiter() {
    std::signal(SIGPIPE, SIG_IGN);
    sigemptyset(&set_);
    for (const int signal : {SIGINT, SIGTERM, SIGHUP}) sigaddset(&set_, signal);
    pthread_sigmask(SIG_BLOCK, &set_, nullptr);
  }

  // kSecond after about a second without a signal.
  Event Wait() {
    const timespec second{.tv_sec = 1, .tv_nsec = 0};
    switch (sigtimedwait(&set_, nullptr, &second)) {
      case SIGINT:
      case SIGTERM:
        return Event::kStop;
      case SIGHUP:
        return Event::kReload;
      default:
        return Event::kSecond;
    }
  }

 private:
  sigset_t set_;
};

}  // namespace unipresence

#endif  // UNIPRESENCE_SERVER_APP_SIGNALS_H_
