// The group `get`.

#include "clients/cli/command_tree.h"

namespace unipresence::cli {

void CommandTree::AddGet() {
  CLI::App& get =
      Group("get", "Read single resources",
            "Examples:\n  unipresence get presence\n  unipresence get presence alice bob");
  AddGetPresence(get);
}

}  // namespace unipresence::cli
