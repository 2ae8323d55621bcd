#ifndef UNIPRESENCE_CLIENTS_CLI_COMMAND_LINE_H_
#define UNIPRESENCE_CLIENTS_CLI_COMMAND_LINE_H_

// The command line: which commands and flags there are, their help, and what was asked for.
//
// Every flag can also be given by an environment variable: UNIPRESENCE_ and the flag's long name in
// capitals, `_` for `-` (UNIPRESENCE_SESSION_FILE); for the flags of `users add` and `users
// update`, which describe a user, UNIPRESENCE_NEW_ instead, so that the password to log in with is
// never taken for that of a new user. The command line goes before the environment.

#include <span>
#include <string>
#include <variant>

#include "clients/cli/completion.h"
#include "clients/cli/failure.h"
#include "clients/cli/options.h"

namespace unipresence::cli {

// A command to run.
struct Invocation {
  GlobalOptions global;
  std::string name;  // "get presence"
  CommandOptions command;
};

// Nothing to run: print the text (help to stdout, errors to stderr) and exit.
struct EarlyExit {
  ExitCode code = ExitCode::kOk;
  std::string text;
};

// `arguments` without the program's name. Reads the environment.
std::variant<Invocation, EarlyExit> ParseCommandLine(std::span<const std::string> arguments);

// All commands and flags, for completion scripts.
CommandSpec DescribeCommands();

}  // namespace unipresence::cli

#endif  // UNIPRESENCE_CLIENTS_CLI_COMMAND_LINE_H_
