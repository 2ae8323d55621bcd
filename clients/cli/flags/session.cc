// The group `session`.

#include "clients/cli/command_tree.h"

namespace unipresence::cli {

void CommandTree::AddSession() {
  CLI::App& session = Group(
      "session", "Live sessions",
      "A session is what `login` makes. It ends by `logout`, or when nobody keeps it alive.\n\n"
      "Examples:\n  unipresence session list\n  unipresence session list alice\n"
      "  unipresence logout --session ID");
  AddSessionList(session);
}

}  // namespace unipresence::cli
