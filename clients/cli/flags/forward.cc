// The group `forward`.

#include "clients/cli/command_tree.h"
#include "clients/cli/help_texts.h"

namespace unipresence::cli {

void CommandTree::AddForward() {
  CLI::App& forward =
      Group("forward", "Where calls go instead of to the device in use", kForwardFooter);
  AddForwardGet(forward);
  AddForwardSet(forward);
  AddForwardClear(forward);
}

}  // namespace unipresence::cli
