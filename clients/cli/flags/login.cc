// The command line of `login`.

#include "clients/cli/command_tree.h"
#include "clients/cli/help_texts.h"

namespace unipresence::cli {

void CommandTree::AddLogin() {
  auto& options = Keep<LoginOptions>();
  CLI::App& login = Command(
      root_, "login", "Log in, and stay logged in with --hold", [&options] { return options; },
      kLoginFooter);
  login.add_option("USERNAME", options.username, "Who logs in")
      ->required()
      ->envname("UNIPRESENCE_USERNAME");
  AddPassword(login, options.password);
  CLI::Option* hold =
      login.add_flag("--hold", options.hold, "Stay and keep the session alive until it ends");
  login
      .add_flag("--background", options.background,
                "Like --hold, in a process of its own: returns when logged in")
      ->excludes(hold);
  login.add_flag("--client", options.client,
                 "Do not count as logged in: for scripts and administration");
  NameEnvironment(login, "UNIPRESENCE_");
}

}  // namespace unipresence::cli
