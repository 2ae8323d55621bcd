// The command line of `users delete`.

#include "clients/cli/command_tree.h"

namespace unipresence::cli {

void CommandTree::AddUsersDelete(CLI::App& users) {
  auto& options = Keep<UsersDeleteOptions>();
  CLI::App& remove = Command(users, "delete", "Delete users", [&options] { return options; });
  remove.add_option("USER", options.ids, "The ids of the users")->required();
}

}  // namespace unipresence::cli
