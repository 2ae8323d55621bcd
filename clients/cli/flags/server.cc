// The group `server`.

#include "clients/cli/command_tree.h"

namespace unipresence::cli {

void CommandTree::AddServer() {
  CLI::App& server = Group("server", "The server itself",
                           "Examples:\n  unipresence server status\n"
                           "  unipresence server status -o json");
  AddServerStatus(server);
}

}  // namespace unipresence::cli
