// The command line of `dnd`.

#include "clients/cli/command_tree.h"

namespace unipresence::cli {

void CommandTree::AddDnd() {
  auto& options = Keep<DoNotDisturbOptions>();
  auto& value = Keep<std::string>();
  CLI::App& dnd =
      Command(root_, "dnd", "Switch do-not-disturb; without argument show it", [&options, &value] {
        if (!value.empty()) options.on = IsMemberIgnoringCase({"on"}, value);
        return options;
      });
  WithChoices(dnd.add_option("VALUE", value, "on or off"), {"on", "off"});
  AddUser(dnd, options.user, "For this user (administrators)");
  NameEnvironment(dnd, "UNIPRESENCE_");
}

}  // namespace unipresence::cli
