// The command line of `pbx status`.

#include "clients/cli/command_tree.h"

namespace unipresence::cli {

void CommandTree::AddPbxStatus(CLI::App& pbx) {
  auto& options = Keep<PbxStatusOptions>();
  CLI::App& status =
      Command(pbx, "status", "Show where the links stand", [&options] { return options; });
  status.add_option("PBX", options.pbxs, "PBXs (default: all)");
}

}  // namespace unipresence::cli
