// The command line of `users update`.

#include "clients/cli/command_tree.h"

namespace unipresence::cli {

void CommandTree::AddUsersUpdate(CLI::App& users) {
  auto& options = Keep<UsersUpdateOptions>();
  CLI::App& update = Command(
      users, "update", "Change what the flags name", [&options] { return options; },
      "Examples:\n  unipresence users update bob --password-stdin < bob.txt\n"
      "  unipresence users update bob --webrtc PJSIP/bob_w --line-type unique_account");
  update.add_option("USER", options.id, "The id of the user")->required();
  AddUserFlags(update, options.flags);
  NameEnvironment(update, "UNIPRESENCE_NEW_");
}

}  // namespace unipresence::cli
