// The command line of `completion`.

#include "clients/cli/command_tree.h"

namespace unipresence::cli {

void CommandTree::AddCompletion() {
  auto& options = Keep<CompletionOptions>();
  CLI::App& completion = Command(
      root_, "completion", "Print a completion script", [&options] { return options; },
      "Examples:\n  source <(unipresence completion bash)\n"
      "  unipresence completion zsh > \"${fpath[1]}/_unipresence\"\n"
      "  unipresence completion fish > ~/.config/fish/completions/unipresence.fish");
  WithChoices(completion.add_option("SHELL", options.shell, "bash, zsh or fish")->required(),
              {"bash", "zsh", "fish"});
}

}  // namespace unipresence::cli
