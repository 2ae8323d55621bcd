// The command line of `asterisk render`.

#include "clients/cli/command_tree.h"
#include "clients/cli/help_texts.h"

namespace unipresence::cli {

void CommandTree::AddAsteriskRender(CLI::App& asterisk) {
  auto& options = Keep<AsteriskRenderOptions>();
  CLI::App& render = Command(
      asterisk, "render", "Print the files that a PBX needs for its users, or write them",
      [&options] { return options; }, kAsteriskRenderFooter);
  render.add_option("--pbx", options.pbx, "The PBX (default: the only one)")->type_name("PBX");
  WithFile(render.add_option("--output-dir", options.output_folder,
                             "Write the files into this folder; only you may read them"))
      ->type_name("DIR");
  NameEnvironment(render, "UNIPRESENCE_");
}

}  // namespace unipresence::cli
