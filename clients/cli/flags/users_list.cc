// The command line of `users list`.

#include "clients/cli/command_tree.h"

namespace unipresence::cli {

void CommandTree::AddUsersList(CLI::App& users) {
  auto& options = Keep<UsersListOptions>();
  CLI::App& list = Command(users, "list", "List users", [&options] { return options; });
  may_be_empty_.insert(
      list.add_option("--query", options.query, "Only users whose id, name or number contains this")
          ->type_name("TEXT"));
  NameEnvironment(list, "UNIPRESENCE_");
}

}  // namespace unipresence::cli
