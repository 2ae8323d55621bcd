#include "clients/cli/password.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include "absl/status/status.h"
#include "aggregator/base/secret_input.h"
#include "aggregator/base/status_macros.h"

namespace unipresence::cli {
namespace {

absl::StatusOr<std::string> AskAtTerminal(std::string_view prompt) {
  const int terminal = open("/dev/tty", O_RDWR | O_NOCTTY | O_CLOEXEC);
  if (terminal < 0) {
    return absl::FailedPreconditionError(
        "there is no terminal to ask for the password at; give --password-file FILE or "
        "--password-stdin");
  }
  absl::StatusOr<std::string> password = AskSecret(terminal, terminal, prompt);
  close(terminal);
  return password;
}

}  // namespace

absl::StatusOr<std::string> ReadPassword(const PasswordSource& source, std::string_view prompt) {
  UNIPRESENCE_ASSIGN_OR_RETURN(std::string password,
                               source.from_stdin     ? ReadSecret(STDIN_FILENO, "stdin")
                               : source.file.empty() ? AskAtTerminal(prompt)
                                                     : ReadSecretFile(source.file));
  if (!password.empty()) return password;
  return absl::InvalidArgumentError(
      fmt::format("the password from {} is empty", source.from_stdin     ? "stdin"
                                                   : source.file.empty() ? "the terminal"
                                                                         : source.file));
}

}  // namespace unipresence::cli
