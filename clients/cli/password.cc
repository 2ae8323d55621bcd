#include "clients/cli/password.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <signal.h>
#include <termios.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>

#include "absl/status/status.h"

namespace unipresence::cli {
namespace {

constexpr std::size_t kMaxBytes = 4096;

absl::Status FromErrno(int error, const std::string& name) {
  const std::string message =
      fmt::format("cannot read the password from {}: {}", name, std::strerror(error));
  if (error == ENOENT || error == ENOTDIR) return absl::NotFoundError(message);
  if (error == EACCES || error == EPERM) return absl::PermissionDeniedError(message);
  return absl::UnavailableError(message);
}

// Byte by byte: what follows the line on stdin is not ours.
absl::StatusOr<std::string> ReadLine(int fd, const std::string& name) {
  std::string line;
  for (;;) {
    char c = 0;
    const ssize_t n = read(fd, &c, 1);
    if (n < 0 && errno == EINTR) return absl::CancelledError("interrupted");
    if (n < 0) return FromErrno(errno, name);
    if (n == 0 || c == '\n') break;
    line += c;
    if (line.size() > kMaxBytes) {
      return absl::InvalidArgumentError(
          fmt::format("the first line of {} is longer than {} bytes", name, kMaxBytes));
    }
  }
  if (line.ends_with('\r')) line.pop_back();
  if (line.empty()) {
    return absl::InvalidArgumentError(fmt::format("the password from {} is empty", name));
  }
  return line;
}

// A terminal without echo, and signals that end a read instead of the process, so that the echo
// comes back whatever happens.
class QuietTerminal {
 public:
  explicit QuietTerminal(int fd) : fd_(fd) {
    tcgetattr(fd_, &former_);
    termios quiet = former_;
    quiet.c_lflag &= ~static_cast<tcflag_t>(ECHO);
    tcsetattr(fd_, TCSAFLUSH, &quiet);
    struct sigaction note {};
    note.sa_handler = [](int) {};  // no SA_RESTART: the read returns EINTR
    for (std::size_t i = 0; i < kSignals.size(); ++i) {
      sigaction(kSignals[i], &note, &former_actions_[i]);
    }
  }
  ~QuietTerminal() {
    tcsetattr(fd_, TCSAFLUSH, &former_);
    for (std::size_t i = 0; i < kSignals.size(); ++i) {
      sigaction(kSignals[i], &former_actions_[i], nullptr);
    }
  }
  QuietTerminal(const QuietTerminal&) = delete;
  QuietTerminal& operator=(const QuietTerminal&) = delete;

 private:
  static constexpr std::array<int, 4> kSignals = {SIGINT, SIGTERM, SIGHUP, SIGQUIT};
  const int fd_;
  termios former_{};
  std::array<struct sigaction, 4> former_actions_{};
};

void WriteTo(int fd, std::string_view text) {
  while (write(fd, text.data(), text.size()) < 0 && errno == EINTR) {
  }
}

absl::StatusOr<std::string> AskAtTerminal(std::string_view prompt) {
  const int fd = open("/dev/tty", O_RDWR | O_NOCTTY | O_CLOEXEC);
  if (fd < 0) {
    return absl::FailedPreconditionError(
        "there is no terminal to ask for the password at; give --password-file FILE or "
        "--password-stdin");
  }
  absl::StatusOr<std::string> password;
  {
    // The prompt comes after: what is typed or pasted in answer to it must not be shown, nor be
    // flushed away.
    const QuietTerminal quiet(fd);
    WriteTo(fd, prompt);
    password = ReadLine(fd, "the terminal");
  }
  WriteTo(fd, "\n");
  close(fd);
  return password;
}

}  // namespace

absl::StatusOr<std::string> ReadPassword(const PasswordSource& source, std::string_view prompt) {
  if (source.from_stdin) return ReadLine(STDIN_FILENO, "stdin");
  if (source.file.empty()) return AskAtTerminal(prompt);
  const int fd = open(source.file.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return FromErrno(errno, source.file);
  absl::StatusOr<std::string> password = ReadLine(fd, source.file);
  close(fd);
  return password;
}

}  // namespace unipresence::cli
