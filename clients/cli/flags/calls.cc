// The command line of `calls`.

#include "clients/cli/command_tree.h"
#include "clients/cli/help_texts.h"

namespace unipresence::cli {

void CommandTree::AddCalls() {
  auto& options = Keep<CallsOptions>();
  auto& no_reconnect = Keep<bool>();
  CLI::App& calls = Command(
      root_, "calls", "List live calls, or follow them",
      [&options, &no_reconnect] {
        options.reconnect = !no_reconnect;
        return options;
      },
      kCallsFooter);
  AddUser(calls, options.user, "Of this user (administrators)", /*alone=*/true);
  calls.add_flag("--watch", options.watch, "Print the list again after each change");
  calls.add_flag("--no-reconnect", no_reconnect, "Fail when the connection is lost");
  NameEnvironment(calls, "UNIPRESENCE_");
}

}  // namespace unipresence::cli
