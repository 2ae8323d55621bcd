// The command line of `list`.

#include "clients/cli/command_tree.h"
#include "clients/cli/words.h"

namespace unipresence::cli {

void CommandTree::AddList() {
  auto& options = Keep<ListOptions>();
  auto& states = Keep<std::vector<std::string>>();
  CLI::App& list = Command(
      root_, "list", "List the presences of all users",
      [&options, &states] {
        for (const std::string& word : states) {
          options.states.push_back(*ParsePresenceState(word));
        }
        return options;
      },
      "Examples:\n  unipresence list\n  unipresence list --state RINGING,IN_USE -o json");
  WithChoices(list.add_option("--state", states, "Only users in one of these states")
                  ->type_name("STATE,...")
                  ->delimiter(',')
                  ->expected(1)
                  ->take_all(),
              PresenceStateWords());
  NameEnvironment(list, "UNIPRESENCE_");
}

}  // namespace unipresence::cli
