// The group `asterisk`.

#include "clients/cli/command_tree.h"

namespace unipresence::cli {

void CommandTree::AddAsterisk() {
  CLI::App& asterisk = Group("asterisk", "Asterisk's configuration, made from the users",
                             "Examples:\n  unipresence asterisk render\n"
                             "  unipresence asterisk apply --dry-run\n"
                             "  unipresence asterisk apply");
  AddAsteriskRender(asterisk);
  AddAsteriskApply(asterisk);
}

}  // namespace unipresence::cli
