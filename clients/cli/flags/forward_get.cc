// The command line of `forward get`.

#include "clients/cli/command_tree.h"

namespace unipresence::cli {

void CommandTree::AddForwardGet(CLI::App& forward) {
  auto& options = Keep<ForwardGetOptions>();
  CLI::App& get = Command(
      forward, "get", "Show the forwardings", [&options] { return options; },
      "With -o json: user, unconditional, busy, no_answer (each null, or destination and "
      "enabled),\n"
      "do_not_disturb, update_time; `set` and `clear` print the same.");
  AddUser(get, options.user, "For this user (administrators)", /*alone=*/true);
  NameEnvironment(get, "UNIPRESENCE_");
}

}  // namespace unipresence::cli
