// The command line of `pbx reconcile`.

#include "clients/cli/command_tree.h"

namespace unipresence::cli {

void CommandTree::AddPbxReconcile(CLI::App& pbx) {
  auto& options = Keep<PbxReconcileOptions>();
  CLI::App& reconcile = Command(
      pbx, "reconcile", "Compare with Asterisk both ways, and mend what differs",
      [&options] { return options; },
      "It happens by itself every few minutes; this waits for a whole one.\n"
      "Examples:\n  unipresence pbx reconcile main\n"
      "  unipresence --timeout 600 pbx reconcile main   # with very many users");
  reconcile.add_option("PBX", options.pbx, "The name of the PBX")->required();
}

}  // namespace unipresence::cli
