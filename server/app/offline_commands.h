#ifndef UNIPRESENCE_SERVER_APP_OFFLINE_COMMANDS_H_
#define UNIPRESENCE_SERVER_APP_OFFLINE_COMMANDS_H_

// What unipresenced does instead of serving. Each prints its outcome and returns the exit code.

#include "server/app/command_line.h"
#include "server/config/config_loader.h"

namespace unipresence {

// Prints the example files that were asked for.
int RunExamples(const CommandLine& command_line);
// Prints the hash of a password for `password_hash` of the users file.
int RunHashPassword(const CommandLine& command_line);
// Checks configuration and users file.
int RunCheckConfig(const CommandLine& command_line, const config::Overrides& overrides);
// See administrator_reset.h. The server must not run: the store is locked meanwhile.
int RunResetAdministrator(const CommandLine& command_line, const config::Overrides& overrides);

// Prints why the program ends, and returns the code.
int Report(const absl::Status& status, int exit_code);

}  // namespace unipresence

#endif  // UNIPRESENCE_SERVER_APP_OFFLINE_COMMANDS_H_
