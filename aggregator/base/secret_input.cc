#include "aggregator/base/secret_input.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <signal.h>
#include <termios.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>

#include "absl/status/status.h"
#include "aggregator/base/valid_text.h"

namespace unipresence {
namespace {

absl::Status FromErrno(int error, std::string_view name) {
  const std::string message =
      fmt::format("cannot read the password from {}: {}", name, std::strerror(error));
  if (error == ENOENT || error == ENOTDIR) return absl::NotFoundError(message);
  if (error == EACCES || error == EPERM) return absl::PermissionDeniedError(message);
  return absl::UnavailableError(message);
}

// Where the handler of signals writes to; -1 while nobody asks.
volatile sig_atomic_t signal_pipe = -1;

void NoteSignal(int /*number*/) {
  const int error = errno;
  // A full pipe has told it already.
  [[maybe_unused]] const ssize_t written = write(static_cast<int>(signal_pipe), "", 1);
  errno = error;
}

// A terminal without echo, and signals that end the question instead of the process, so that the
// echo comes back whatever happens.
class QuietTerminal {
 public:
  explicit QuietTerminal(int descriptor) : descriptor_(descriptor) {
    if (pipe2(pipe_.data(), O_CLOEXEC | O_NONBLOCK) != 0) return;
    signal_pipe = pipe_[1];
    struct sigaction note {};
    note.sa_handler = NoteSignal;
    for (std::size_t i = 0; i < kSignals.size(); ++i) {
      sigaction(kSignals[i], &note, &former_actions_[i]);
    }
    quiet_ = tcgetattr(descriptor_, &former_) == 0;
    termios quiet = former_;
    quiet.c_lflag &= ~static_cast<tcflag_t>(ECHO);
    if (quiet_) tcsetattr(descriptor_, TCSAFLUSH, &quiet);
  }
  ~QuietTerminal() {
    if (pipe_[0] < 0) return;
    if (quiet_) tcsetattr(descriptor_, TCSAFLUSH, &former_);
    for (std::size_t i = 0; i < kSignals.size(); ++i) {
      sigaction(kSignals[i], &former_actions_[i], nullptr);
    }
    signal_pipe = -1;
    for (const int end : pipe_) close(end);
  }
  QuietTerminal(const QuietTerminal&) = delete;
  QuietTerminal& operator=(const QuietTerminal&) = delete;

  // True: a line, or its end, is there to be read. False: a signal came. The pipe makes sure that
  // one between two calls, or one that another thread took, is seen.
  bool Wait() const {
    std::array<pollfd, 2> watched = {pollfd{.fd = descriptor_, .events = POLLIN, .revents = 0},
                                     pollfd{.fd = pipe_[0], .events = POLLIN, .revents = 0}};
    while (poll(watched.data(), watched.size(), -1) < 0 && errno == EINTR) {
    }
    return watched[1].revents == 0;
  }

 private:
  static constexpr std::array<int, 5> kSignals = {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGTSTP};
  const int descriptor_;
  std::array<int, 2> pipe_ = {-1, -1};
  bool quiet_ = false;
  termios former_{};
  std::array<struct sigaction, kSignals.size()> former_actions_{};
};

void WriteTo(int descriptor, std::string_view text) {
  while (write(descriptor, text.data(), text.size()) < 0 && errno == EINTR) {
  }
}

// Byte by byte: what follows the line is not ours. `wait` is false once the line is not awaited any
// more.
template <typename Wait>
absl::StatusOr<std::string> ReadLine(int descriptor, std::string_view name, Wait wait) {
  std::string line;
  for (;;) {
    if (!wait()) return absl::CancelledError("interrupted");
    char c = 0;
    const ssize_t n = read(descriptor, &c, 1);
    if (n < 0 && errno == EINTR) return absl::CancelledError("interrupted");
    if (n < 0) return FromErrno(errno, name);
    if (n == 0 || c == '\n') break;
    line += c;
    if (line.size() > kMaxSecretLineBytes) {
      return absl::InvalidArgumentError(
          fmt::format("the first line of {} is longer than {} bytes", name, kMaxSecretLineBytes));
    }
  }
  if (line.ends_with('\r')) line.pop_back();
  if (IsUtf8(line)) return line;
  return absl::InvalidArgumentError(fmt::format(
      "the password from {} is not UTF-8, so no client could send it; write it in UTF-8", name));
}

}  // namespace

absl::StatusOr<std::string> ReadSecret(int descriptor, std::string_view name) {
  return ReadLine(descriptor, name, [] { return true; });
}

absl::StatusOr<std::string> ReadSecretFile(const std::string& path) {
  const int descriptor = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (descriptor < 0) return FromErrno(errno, path);
  absl::StatusOr<std::string> secret = ReadSecret(descriptor, path);
  close(descriptor);
  return secret;
}

absl::StatusOr<std::string> AskSecret(int terminal, int prompt_descriptor,
                                      std::string_view prompt) {
  absl::StatusOr<std::string> secret;
  {
    // The prompt comes after: what is typed or pasted in answer to it must not be shown, nor be
    // flushed away.
    const QuietTerminal quiet(terminal);
    WriteTo(prompt_descriptor, prompt);
    secret = ReadLine(terminal, "the terminal", [&quiet] { return quiet.Wait(); });
  }
  WriteTo(prompt_descriptor, "\n");
  return secret;
}

}  // namespace unipresence
