#include "clients/cli/background.h"

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <string>
#include <string_view>

namespace unipresence::cli {
namespace {

// What the child writes last: it can be no part of a line.
constexpr char kReleased = '\0';

}  // namespace

Background::Background() {
  if (pipe2(pipe_, O_CLOEXEC) != 0) return;
  child_ = fork();
  if (child_ > 0) {
    close(pipe_[1]);
    pipe_[1] = -1;
  } else if (child_ == 0) {
    close(pipe_[0]);
    pipe_[0] = -1;
  }
}

Background::~Background() {
  for (const int fd : pipe_) {
    if (fd >= 0) close(fd);
  }
}

int Background::WaitForChild(Output& output) {
  std::string text;
  std::array<char, 4096> buffer{};
  for (;;) {
    const ssize_t n = read(pipe_[0], buffer.data(), buffer.size());
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) break;
    text.append(buffer.data(), static_cast<std::size_t>(n));
    for (std::size_t end = text.find('\n'); end != std::string::npos; end = text.find('\n')) {
      output.Line(std::string_view(text).substr(0, end));
      text.erase(0, end + 1);
    }
    if (text.find(kReleased) != std::string::npos) return 0;
  }
  int status = 0;
  while (waitpid(child_, &status, 0) < 0 && errno == EINTR) {
  }
  return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}

void Background::Release() {
  if (pipe_[1] < 0) return;
  setsid();
  const int null = open("/dev/null", O_RDWR | O_CLOEXEC);
  for (const int fd : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) dup2(null, fd);
  while (write(pipe_[1], &kReleased, 1) < 0 && errno == EINTR) {
  }
  // The descriptor stays valid for the Output that writes to it.
  dup2(null, pipe_[1]);
  close(null);
}

}  // namespace unipresence::cli
