#ifndef UNIPRESENCE_CLIENTS_CLI_RUN_H_
#define UNIPRESENCE_CLIENTS_CLI_RUN_H_

// The program from its arguments to its exit code.

#include <span>
#include <string>

namespace unipresence::cli {

// `arguments` without the program's name. Writes to stdout and stderr, ignores SIGPIPE. Call once,
// before any other thread is started.
int RunProgram(std::span<const std::string> arguments);

}  // namespace unipresence::cli

#endif  // UNIPRESENCE_CLIENTS_CLI_RUN_H_
