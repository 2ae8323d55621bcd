// The command line of `users get`.

#include "clients/cli/command_tree.h"

namespace unipresence::cli {

void CommandTree::AddUsersGet(CLI::App& users) {
  auto& options = Keep<UsersGetOptions>();
  CLI::App& get = Command(users, "get", "Show one user", [&options] { return options; });
  AddUser(get, options.id, "The id of the user (default: yourself)", /*alone=*/true);
  NameEnvironment(get, "UNIPRESENCE_");
}

}  // namespace unipresence::cli
