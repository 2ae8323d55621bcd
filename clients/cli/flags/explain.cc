// The command line of `explain`.

#include "clients/cli/command_tree.h"

namespace unipresence::cli {

void CommandTree::AddExplain() {
  auto& options = Keep<ExplainOptions>();
  CLI::App& explain = Command(
      root_, "explain", "Tell why a presence is what it is", [&options] { return options; },
      "Examples:\n  unipresence explain alice\n  unipresence explain alice --causes 3");
  AddUser(explain, options.user, "The user (default: yourself)", /*alone=*/true);
  explain.add_option("--causes", options.causes, "How many past causes (default: all remembered)")
      ->type_name("N")
      ->check(CLI::Range(1, 1'000).description(""));
  NameEnvironment(explain, "UNIPRESENCE_");
}

}  // namespace unipresence::cli
