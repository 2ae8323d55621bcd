// The command line of `forward clear`.

#include "clients/cli/command_tree.h"
#include "clients/cli/words.h"

namespace unipresence::cli {

void CommandTree::AddForwardClear(CLI::App& forward) {
  auto& options = Keep<ForwardClearOptions>();
  auto& condition = Keep<std::string>();
  CLI::App& clear =
      Command(forward, "clear", "Forget a forwarding, or all", [&options, &condition] {
        if (!condition.empty()) options.condition = *ParseForwardingCondition(condition);
        return options;
      });
  WithChoices(clear.add_option("CONDITION", condition,
                               "unconditional, busy or no-answer (default: all three)"),
              {"unconditional", "busy", "no-answer"});
  AddUser(clear, options.user, "For this user (administrators)");
  NameEnvironment(clear, "UNIPRESENCE_");
}

}  // namespace unipresence::cli
