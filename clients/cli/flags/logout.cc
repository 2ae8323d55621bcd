// The command line of `logout`.

#include "clients/cli/command_tree.h"

namespace unipresence::cli {

void CommandTree::AddLogout() {
  auto& options = Keep<LogoutOptions>();
  CLI::App& logout = Command(root_, "logout", "Log out: calls ring on the deskphone",
                             [&options] { return options; });
  logout.add_option("--session", options.session, "End this session instead (see `session list`)")
      ->type_name("ID");
  NameEnvironment(logout, "UNIPRESENCE_");
}

}  // namespace unipresence::cli
