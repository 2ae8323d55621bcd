// The command line of `server status`.

#include "clients/cli/command_tree.h"

namespace unipresence::cli {

void CommandTree::AddServerStatus(CLI::App& server) {
  Command(server, "status", "Show version, load and readiness",
          [] { return ServerStatusOptions{}; });
}

}  // namespace unipresence::cli
