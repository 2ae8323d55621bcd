#include "server/app/password_input.h"

#include <fmt/format.h>
#include <termios.h>
#include <unistd.h>

#include <cstdio>

#include "aggregator/base/status_macros.h"
#include "server/auth/password.h"
#include "server/config/read_file.h"

namespace unipresence {
namespace {

constexpr std::size_t kMaxFileBytes = 4096;

std::string FirstLine(std::string text) {
  if (const std::size_t end = text.find('\n'); end != std::string::npos) text.resize(end);
  if (!text.empty() && text.back() == '\r') text.pop_back();
  return text;
}

// One character at a time: what follows the line belongs to somebody else.
std::string ReadLine() {
  std::string line;
  char c = 0;
  while (line.size() < kMaxFileBytes && ::read(STDIN_FILENO, &c, 1) == 1 && c != '\n') line += c;
  return FirstLine(std::move(line));
}

// The prompt goes to standard error, because standard output may be a file.
std::string Ask(const char* prompt) {
  termios before{};
  const bool known = ::tcgetattr(STDIN_FILENO, &before) == 0;
  termios unseen = before;
  unseen.c_lflag &= ~static_cast<tcflag_t>(ECHO);
  if (known) ::tcsetattr(STDIN_FILENO, TCSAFLUSH, &unseen);
  // Only now, for the change throws away what was typed before it.
  std::fputs(prompt, stderr);
  std::fflush(stderr);
  std::string line = ReadLine();
  if (known) ::tcsetattr(STDIN_FILENO, TCSAFLUSH, &before);
  std::fputs("\n", stderr);
  return line;
}

}  // namespace

absl::StatusOr<std::string> ReadNewPassword(const std::string& file) {
  std::string password;
  if (!file.empty() && file != "-") {
    UNIPRESENCE_ASSIGN_OR_RETURN(password, config::ReadFile(file, kMaxFileBytes));
    password = FirstLine(std::move(password));
  } else if (file.empty() && ::isatty(STDIN_FILENO) != 0) {
    password = Ask("New password: ");
    if (!password.empty() && Ask("Again: ") != password) {
      return absl::InvalidArgumentError("the two differ; nothing was changed");
    }
  } else {
    password = ReadLine();
  }
  if (!password.empty()) UNIPRESENCE_RETURN_IF_ERROR(auth::ValidatePassword(password));
  return password;
}

}  // namespace unipresence
