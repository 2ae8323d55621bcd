// The command line of `session list`.

#include "clients/cli/command_tree.h"

namespace unipresence::cli {

void CommandTree::AddSessionList(CLI::App& session) {
  auto& options = Keep<SessionListOptions>();
  CLI::App& list = Command(session, "list", "List your sessions; as administrator, everyone's",
                           [&options] { return options; });
  AddUser(list, options.user, "Only those of this user", /*alone=*/true);
  NameEnvironment(list, "UNIPRESENCE_");
}

}  // namespace unipresence::cli
