// The command line of `call`.

#include "clients/cli/command_tree.h"

namespace unipresence::cli {

void CommandTree::AddCall() {
  auto& options = Keep<CallOptions>();
  CLI::App& call = Command(
      root_, "call", "Call a number: the deskphone rings first", [&options] { return options; },
      "Examples:\n  unipresence call 1002\n  unipresence call +33123456789 -o json");
  call.add_option("NUMBER", options.number, "What to dial: 0-9 * #, and + in front")->required();
  call.add_option("--request-id", options.request_id,
                  "Repeat with the same one and it does not dial twice (default: a new one)")
      ->type_name("ID");
  AddUser(call, options.user, "From the deskphone of this user (administrators)");
  NameEnvironment(call, "UNIPRESENCE_");
}

}  // namespace unipresence::cli
