#ifndef UNIPRESENCE_CLIENTS_CLI_PASSWORD_H_
#define UNIPRESENCE_CLIENTS_CLI_PASSWORD_H_

// Where a command takes a password from.

#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "clients/cli/options.h"

namespace unipresence::cli {

// The first line of the file or of stdin, without its line break; other blanks belong to it.
// Without either it asks at the terminal, without echo, what `prompt` says.
//
//   NOT_FOUND, PERMISSION_DENIED, UNAVAILABLE  the file cannot be read
//   INVALID_ARGUMENT     the password is empty, longer than 4 KiB or not UTF-8
//   FAILED_PRECONDITION  there is no terminal to ask at
//   CANCELLED            the person interrupted
absl::StatusOr<std::string> ReadPassword(const PasswordSource& source, std::string_view prompt);

}  // namespace unipresence::cli

#endif  // UNIPRESENCE_CLIENTS_CLI_PASSWORD_H_
