// The command line of `select`.

#include "clients/cli/command_tree.h"
#include "clients/cli/words.h"

namespace unipresence::cli {

void CommandTree::AddSelect() {
  auto& options = Keep<SelectOptions>();
  auto& device = Keep<std::string>();
  CLI::App& select = Command(
      root_, "select", "Choose the device that rings; without DEVICE show the choice",
      [&options, &device] {
        if (!device.empty()) options.device = *ParseLineKind(device);
        return options;
      },
      "Examples:\n  unipresence select webrtc\n  unipresence select deskphone --user alice");
  WithChoices(select.add_option("DEVICE", device, "deskphone or webrtc"), {"deskphone", "webrtc"});
  AddUser(select, options.user, "For this user (administrators)");
  NameEnvironment(select, "UNIPRESENCE_");
}

}  // namespace unipresence::cli
