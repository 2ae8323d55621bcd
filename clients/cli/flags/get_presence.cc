// The command line of `get presence`.

#include "clients/cli/command_tree.h"
#include "clients/cli/help_texts.h"

namespace unipresence::cli {

void CommandTree::AddGetPresence(CLI::App& get) {
  auto& options = Keep<GetPresenceOptions>();
  CLI::App& presence = Command(
      get, "presence", "Show the presence of users", [&options] { return options; },
      kGetPresenceFooter);
  AddUser(presence, options.users, "Users (default: yourself)", /*alone=*/true)->delimiter(',');
  NameEnvironment(presence, "UNIPRESENCE_");
}

}  // namespace unipresence::cli
