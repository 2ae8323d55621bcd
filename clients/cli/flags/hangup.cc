// The command line of `hangup`.

#include "clients/cli/command_tree.h"

namespace unipresence::cli {

void CommandTree::AddHangup() {
  auto& options = Keep<HangUpOptions>();
  CLI::App& hangup = Command(root_, "hangup", "End a call of the deskphone, or refuse it",
                             [&options] { return options; });
  hangup.add_option("CALL", options.call, "The id of the call, see `calls`")->required();
  AddUser(hangup, options.user, "Of this user (administrators)");
  NameEnvironment(hangup, "UNIPRESENCE_");
}

}  // namespace unipresence::cli
