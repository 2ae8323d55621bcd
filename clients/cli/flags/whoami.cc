// The command line of `whoami`.

#include "clients/cli/command_tree.h"

namespace unipresence::cli {

void CommandTree::AddWhoami() {
  Command(root_, "whoami", "Show the session in use", [] { return WhoamiOptions{}; });
}

}  // namespace unipresence::cli
