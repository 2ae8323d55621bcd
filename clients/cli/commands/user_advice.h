#ifndef UNIPRESENCE_CLIENTS_CLI_COMMANDS_USER_ADVICE_H_
#define UNIPRESENCE_CLIENTS_CLI_COMMANDS_USER_ADVICE_H_

// What to do about a user id that does not exist.

#include <string>

#include "absl/status/status.h"
#include "clients/cli/command_context.h"

namespace unipresence::cli {

// "did you mean carol (Carol Petit, 1002)? all: unipresence users list": whose id is near, or who
// has this number or name. Empty if the error is another one or nobody is near.
std::string AdviceOnUser(const absl::Status& status, CommandContext& context);

}  // namespace unipresence::cli

#endif  // UNIPRESENCE_CLIENTS_CLI_COMMANDS_USER_ADVICE_H_
