// The command line of `transfer`.

#include "clients/cli/command_tree.h"
#include "clients/cli/help_texts.h"

namespace unipresence::cli {

void CommandTree::AddTransfer() {
  using Step = TransferOptions::Step;
  auto& options = Keep<TransferOptions>();
  CLI::App& transfer = Command(
      root_, "transfer", "Transfer a call of the deskphone", [&options] { return options; },
      kTransferFooter);
  transfer.add_option("CALL", options.call, "The id of the call, see `calls`")->required();
  CLI::Option* number = transfer.add_option("NUMBER", options.number, "Where it goes");
  const auto flag = [&](const char* name, Step step, const char* description) {
    return transfer.add_flag_callback(
        name, [&options, step] { options.step = step; }, description);
  };
  CLI::Option* attended =
      flag("--attended", Step::kAttended, "Talk to NUMBER first, then complete or cancel");
  CLI::Option* complete =
      flag("--complete", Step::kComplete, "Connect the two others with each other");
  CLI::Option* cancel = flag("--cancel", Step::kCancel, "Take the call back");
  transfer.callback([number, attended, complete, cancel] {
    const bool second = complete->count() + cancel->count() > 0;
    if (attended->count() + complete->count() + cancel->count() > 1) {
      throw CLI::ValidationError("give one of --attended, --complete and --cancel");
    }
    if (second != (number->count() == 0)) {
      throw CLI::ValidationError(second
                                     ? "NUMBER cannot be given together with --complete or --cancel"
                                     : "NUMBER is required: where the call goes");
    }
  });
  AddUser(transfer, options.user, "Of this user (administrators)");
  NameEnvironment(transfer, "UNIPRESENCE_");
}

}  // namespace unipresence::cli
