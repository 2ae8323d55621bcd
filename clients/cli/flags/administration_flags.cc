// The command line of pbx, server, asterisk, completion, version.

#include "clients/cli/command_tree.h"
#include "clients/cli/help_texts.h"
#include "clients/cli/words.h"

namespace unipresence::cli {

void CommandTree::AddAdministrationCommands() {
  CLI::App& pbx = Group("pbx", "The links to the PBXs",
                        "Examples:\n  unipresence pbx status\n  unipresence pbx reconcile main");
  CLI::App& status =
      Command(pbx, "status", "Show where the links stand", [this] { return pbx_status_; });
  status.add_option("PBX", pbx_status_.pbxs, "PBXs (default: all)");
  CLI::App& reconcile = Command(
      pbx, "reconcile", "Compare with Asterisk both ways, and mend what differs",
      [this] { return pbx_reconcile_; },
      "It happens by itself every few minutes; this waits for a whole one.\n"
      "Examples:\n  unipresence pbx reconcile main\n"
      "  unipresence --timeout 600 pbx reconcile main   # with very many users");
  reconcile.add_option("PBX", pbx_reconcile_.pbx, "The name of the PBX")->required();
  CLI::App& server = Group("server", "The server itself",
                           "Examples:\n  unipresence server status\n"
                           "  unipresence server status -o json");
  Command(server, "status", "Show version, load and readiness",
          [] { return ServerStatusOptions{}; });
}

void CommandTree::AddAsteriskCommands() {
  CLI::App& asterisk = Group("asterisk", "Asterisk's configuration, made from the users",
                             "Examples:\n  unipresence asterisk render\n"
                             "  unipresence asterisk apply --dry-run\n"
                             "  unipresence asterisk apply");
  CLI::App& render = Command(
      asterisk, "render", "Print the files that a PBX needs for its users, or write them",
      [this] { return asterisk_render_; }, kAsteriskRenderFooter);
  render.add_option("--pbx", asterisk_render_.pbx, "The PBX (default: the only one)")
      ->type_name("PBX");
  WithFile(render.add_option("--output-dir", asterisk_render_.output_folder,
                             "Write the files into this folder; only you may read them"))
      ->type_name("DIR");
  NameEnvironment(render, "UNIPRESENCE_");

  CLI::App& apply = Command(
      asterisk, "apply", "Have the server write these files, and Asterisk load them",
      [this] { return asterisk_apply_; }, kAsteriskApplyFooter);
  apply.add_option("--pbx", asterisk_apply_.pbx, "The PBX (default: the only one)")
      ->type_name("PBX");
  apply.add_flag("--dry-run", asterisk_apply_.dry_run, "Only show what would change");
  NameEnvironment(apply, "UNIPRESENCE_");
}

void CommandTree::AddToolCommands() {
  CLI::App& completion = Command(
      root_, "completion", "Print a completion script", [this] { return completion_; },
      "Examples:\n  source <(unipresence completion bash)\n"
      "  unipresence completion zsh > \"${fpath[1]}/_unipresence\"\n"
      "  unipresence completion fish > ~/.config/fish/completions/unipresence.fish");
  WithChoices(completion.add_option("SHELL", completion_.shell, "bash, zsh or fish")->required(),
              {"bash", "zsh", "fish"});
  Command(root_, "version", "Print the version", [] { return VersionOptions{}; });
}

}  // namespace unipresence::cli
