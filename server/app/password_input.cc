#include "server/app/password_input.h"

#include <unistd.h>

#include "aggregator/base/secret_input.h"
#include "aggregator/base/status_macros.h"
#include "server/auth/password.h"

namespace unipresence {
namespace {

// The prompt goes to standard error, because standard output may be a file.
absl::StatusOr<std::string> Ask(std::string_view prompt) {
  return AskSecret(STDIN_FILENO, STDERR_FILENO, prompt);
}

absl::StatusOr<std::string> AskTwice() {
  UNIPRESENCE_ASSIGN_OR_RETURN(std::string password, Ask("New password: "));
  if (password.empty()) return password;
  UNIPRESENCE_RETURN_IF_ERROR(auth::ValidatePassword(password));
  UNIPRESENCE_ASSIGN_OR_RETURN(const std::string again, Ask("Again: "));
  if (again == password) return password;
  return absl::InvalidArgumentError("the two differ; nothing was changed");
}

}  // namespace

absl::StatusOr<std::string> ReadNewPassword(const std::string& file) {
  if (file.empty() && ::isatty(STDIN_FILENO) != 0) return AskTwice();
  UNIPRESENCE_ASSIGN_OR_RETURN(
      std::string password, file.empty() || file == "-" ? ReadSecret(STDIN_FILENO, "standard input")
                                                        : ReadSecretFile(file));
  if (!password.empty()) UNIPRESENCE_RETURN_IF_ERROR(auth::ValidatePassword(password));
  return password;
}

}  // namespace unipresence
