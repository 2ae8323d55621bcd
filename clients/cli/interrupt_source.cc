#include "clients/cli/interrupt_source.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <cstdlib>

namespace unipresence::cli {
namespace {

// Only a process without descriptors left fails to make these.
int CheckedFd(int fd) {
  if (fd < 0) {
    std::perror("unipresence: no file descriptor left");
    std::abort();
  }
  return fd;
}

// True if a signal is read from `fd`, false if `wake_fd` became readable first.
bool WaitForSignal(int fd, int wake_fd) {
  pollfd watched[2] = {{fd, POLLIN, 0}, {wake_fd, POLLIN, 0}};
  for (;;) {
    if (poll(watched, 2, -1) < 0 && errno != EINTR) return false;
    if (watched[1].revents != 0) return false;
    if (watched[0].revents == 0) continue;
    signalfd_siginfo ignored{};
    if (read(fd, &ignored, sizeof(ignored)) > 0) return true;
  }
}

}  // namespace

WakeFd::WakeFd() : fd_(CheckedFd(eventfd(0, EFD_CLOEXEC))) {}

WakeFd::~WakeFd() { close(fd_); }

void WakeFd::Wake() {
  const std::uint64_t one = 1;
  while (write(fd_, &one, sizeof(one)) < 0 && errno == EINTR) {
  }
}

SignalInterrupt::SignalInterrupt(Interrupt& interrupt) {
  sigset_t signals;
  sigemptyset(&signals);
  for (const int signal : {SIGINT, SIGTERM, SIGHUP}) {
    struct sigaction action {};
    sigaction(signal, nullptr, &action);
    if (action.sa_handler != SIG_IGN) sigaddset(&signals, signal);
  }
  pthread_sigmask(SIG_BLOCK, &signals, &former_);
  const int fd = CheckedFd(signalfd(-1, &signals, SFD_CLOEXEC));
  thread_ = std::thread([this, &interrupt, fd] {
    while (WaitForSignal(fd, wake_.get())) interrupt.Raise();
    close(fd);
  });
}

SignalInterrupt::~SignalInterrupt() {
  wake_.Wake();
  thread_.join();
  pthread_sigmask(SIG_SETMASK, &former_, nullptr);
}

ClosedOutputInterrupt::ClosedOutputInterrupt(Output& output, Interrupt& interrupt)
    : thread_([this, &output, &interrupt] {
        if (output.WaitUntilClosed(wake_.get())) interrupt.Raise();
      }) {}

ClosedOutputInterrupt::~ClosedOutputInterrupt() {
  wake_.Wake();
  thread_.join();
}

}  // namespace unipresence::cli
