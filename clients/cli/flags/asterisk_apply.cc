// The command line of `asterisk apply`.

#include "clients/cli/command_tree.h"
#include "clients/cli/help_texts.h"

namespace unipresence::cli {

void CommandTree::AddAsteriskApply(CLI::App& asterisk) {
  auto& options = Keep<AsteriskApplyOptions>();
  CLI::App& apply = Command(
      asterisk, "apply", "Have the server write these files, and Asterisk load them",
      [&options] { return options; }, kAsteriskApplyFooter);
  // Asterisk is asked for every name, before and after.
  default_timeouts_[&apply] = std::chrono::seconds(60);
  apply.add_option("--pbx", options.pbx, "The PBX (default: the only one)")->type_name("PBX");
  apply.add_flag("--dry-run", options.dry_run, "Only show what would change");
  NameEnvironment(apply, "UNIPRESENCE_");
}

}  // namespace unipresence::cli
