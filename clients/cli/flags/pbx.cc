// The group `pbx`.

#include "clients/cli/command_tree.h"

namespace unipresence::cli {

void CommandTree::AddPbx() {
  CLI::App& pbx = Group("pbx", "The links to the PBXs",
                        "Examples:\n  unipresence pbx status\n  unipresence pbx reconcile main");
  AddPbxStatus(pbx);
  AddPbxReconcile(pbx);
}

}  // namespace unipresence::cli
