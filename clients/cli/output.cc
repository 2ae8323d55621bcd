#include "clients/cli/output.h"

#include <poll.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <string>

namespace unipresence::cli {

bool Output::TerminalWithColours(int fd) {
  if (isatty(fd) == 0) return false;
  const char* no_color = std::getenv("NO_COLOR");
  if (no_color != nullptr && *no_color != '\0') return false;
  const char* terminal = std::getenv("TERM");
  return terminal != nullptr && *terminal != '\0' && std::strcmp(terminal, "dumb") != 0;
}

std::size_t Output::TerminalWidth(int fd) {
  if (isatty(fd) == 0) return 0;
  winsize size{};
  if (ioctl(fd, TIOCGWINSZ, &size) == 0 && size.ws_col > 0) return size.ws_col;
  const char* const columns = std::getenv("COLUMNS");
  const long told = columns == nullptr ? 0 : std::strtol(columns, nullptr, 10);
  return told > 0 ? static_cast<std::size_t>(told) : 80;
}

void Output::Line(std::string_view text) {
  if (closed_) return;
  std::string line(text);
  line += '\n';
  std::string_view rest = line;
  while (!rest.empty()) {
    const ssize_t written = write(fd_, rest.data(), rest.size());
    if (written >= 0) {
      rest.remove_prefix(static_cast<std::size_t>(written));
    } else if (errno == EAGAIN) {
      // A terminal that another program left non-blocking.
      pollfd writable{fd_, POLLOUT, 0};
      poll(&writable, 1, -1);
    } else if (errno != EINTR) {
      error_ = errno;
      closed_ = true;
      return;
    }
  }
}

bool Output::WaitUntilClosed(int wake_fd) {
  struct stat about {};
  const bool has_reader =
      fstat(fd_, &about) == 0 && (S_ISFIFO(about.st_mode) || S_ISSOCK(about.st_mode));
  // No events asked for: poll reports POLLERR of a pipe without reader, POLLHUP of a socket.
  pollfd watched[2] = {{has_reader ? fd_ : -1, 0, 0}, {wake_fd, POLLIN, 0}};
  for (;;) {
    if (poll(watched, 2, -1) < 0 && errno != EINTR) return false;
    if ((watched[1].revents & (POLLIN | POLLHUP | POLLERR)) != 0) return false;
    if ((watched[0].revents & (POLLERR | POLLHUP)) != 0) {
      closed_ = true;
      return true;
    }
  }
}

}  // namespace unipresence::cli
