// The command line of `forward set`.

#include "clients/cli/command_tree.h"
#include "clients/cli/help_texts.h"
#include "clients/cli/words.h"

namespace unipresence::cli {

void CommandTree::AddForwardSet(CLI::App& forward) {
  auto& options = Keep<ForwardSetOptions>();
  auto& condition = Keep<std::string>();
  CLI::App& set = Command(
      forward, "set", "Forward calls to a number",
      [&options, &condition] {
        options.condition = *ParseForwardingCondition(condition);
        return options;
      },
      kForwardSetFooter);
  WithChoices(
      set.add_option("CONDITION", condition, "unconditional, busy or no-answer")->required(),
      {"unconditional", "busy", "no-answer"});
  set.add_option("DESTINATION", options.destination,
                 "The number, as you would dial it (default: the one set before)");
  set.add_flag("--off", options.off, "Keep the number, but do not forward");
  AddUser(set, options.user, "For this user (administrators)");
  NameEnvironment(set, "UNIPRESENCE_");
}

}  // namespace unipresence::cli
