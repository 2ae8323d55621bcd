// The command line of `select`.

#include "aggregator/model/line_kind.h"
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
  std::vector<std::string> devices;
  for (LineKind kind : kLineKinds) devices.emplace_back(TraitsOf(kind).key);
  WithChoices(select.add_option("DEVICE", device, std::string(kLineKindChoices)),
              std::move(devices));
  AddUser(select, options.user, "For this user (administrators)");
  NameEnvironment(select, "UNIPRESENCE_");
}

}  // namespace unipresence::cli
