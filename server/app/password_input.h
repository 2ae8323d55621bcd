#ifndef UNIPRESENCE_SERVER_APP_PASSWORD_INPUT_H_
#define UNIPRESENCE_SERVER_APP_PASSWORD_INPUT_H_

#include <string>

#include "absl/status/statusor.h"

namespace unipresence {

// A new password: the first line of `file` (`-` = standard input). Without a file it is asked for
// twice, unseen, if standard input is a terminal, else its first line is taken. Empty if there is
// none; otherwise one that ValidatePassword takes.
// INVALID_ARGUMENT: it does not, or the two differ. CANCELLED: a signal came while it was asked
// for. The status of reading otherwise.
absl::StatusOr<std::string> ReadNewPassword(const std::string& file);

}  // namespace unipresence

#endif  // UNIPRESENCE_SERVER_APP_PASSWORD_INPUT_H_
