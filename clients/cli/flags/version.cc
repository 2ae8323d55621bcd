// The command line of `version`.

#include "clients/cli/command_tree.h"

namespace unipresence::cli {

void CommandTree::AddVersion() {
  Command(root_, "version", "Print the version", [] { return VersionOptions{}; });
}

}  // namespace unipresence::cli
