// The command line of calls, call, hangup, transfer, forward.

#include "clients/cli/command_tree.h"
#include "clients/cli/help_texts.h"
#include "clients/cli/words.h"

namespace unipresence::cli {

void CommandTree::AddCallCommands() {
  CLI::App& calls = Command(
      root_, "calls", "List live calls, or follow them",
      [this] {
        calls_.reconnect = !calls_no_reconnect_;
        return calls_;
      },
      kCallsFooter);
  AddUser(calls, calls_.user, "Of this user (administrators)", /*alone=*/true);
  calls.add_flag("--watch", calls_.watch, "Print the list again after each change");
  calls.add_flag("--no-reconnect", calls_no_reconnect_, "Fail when the connection is lost");
  NameEnvironment(calls, "UNIPRESENCE_");

  CLI::App& call = Command(
      root_, "call", "Call a number: the deskphone rings first", [this] { return call_; },
      "Examples:\n  unipresence call 1002\n  unipresence call +33123456789 -o json");
  call.add_option("NUMBER", call_.number, "What to dial: 0-9 * #, and + in front")->required();
  call.add_option("--request-id", call_.request_id,
                  "Repeat with the same one and it does not dial twice (default: a new one)")
      ->type_name("ID");
  AddUser(call, call_.user, "From the deskphone of this user (administrators)");
  NameEnvironment(call, "UNIPRESENCE_");

  CLI::App& hangup = Command(root_, "hangup", "End a call of the deskphone, or refuse it",
                             [this] { return hangup_; });
  hangup.add_option("CALL", hangup_.call, "The id of the call, see `calls`")->required();
  AddUser(hangup, hangup_.user, "Of this user (administrators)");
  NameEnvironment(hangup, "UNIPRESENCE_");
}

void CommandTree::AddTransferCommand() {
  using Step = TransferOptions::Step;
  CLI::App& transfer = Command(
      root_, "transfer", "Transfer a call of the deskphone", [this] { return transfer_; },
      kTransferFooter);
  transfer.add_option("CALL", transfer_.call, "The id of the call, see `calls`")->required();
  CLI::Option* number = transfer.add_option("NUMBER", transfer_.number, "Where it goes");
  const auto flag = [&](const char* name, Step step, const char* description) {
    return transfer.add_flag_callback(
        name, [this, step] { transfer_.step = step; }, description);
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
  AddUser(transfer, transfer_.user, "Of this user (administrators)");
  NameEnvironment(transfer, "UNIPRESENCE_");
}

void CommandTree::AddForwardCommands() {
  const std::vector<std::string> conditions = {"unconditional", "busy", "no-answer"};
  CLI::App& forward =
      Group("forward", "Where calls go instead of to the device in use", kForwardFooter);
  const auto add_user = [this](CLI::App& command, std::string& user, bool alone = false) {
    AddUser(command, user, "For this user (administrators)", alone);
    NameEnvironment(command, "UNIPRESENCE_");
  };

  CLI::App& get = Command(
      forward, "get", "Show the forwardings", [this] { return forward_get_; },
      "With -o json: user, unconditional, busy, no_answer (each null, or destination and "
      "enabled),\n"
      "do_not_disturb, update_time; `set` and `clear` print the same.");
  add_user(get, forward_get_.user, /*alone=*/true);

  CLI::App& set = Command(
      forward, "set", "Forward calls to a number",
      [this] {
        forward_set_.condition = *ParseForwardingCondition(forward_condition_);
        return forward_set_;
      },
      kForwardSetFooter);
  WithChoices(set.add_option("CONDITION", forward_condition_, "unconditional, busy or no-answer")
                  ->required(),
              conditions);
  set.add_option("DESTINATION", forward_set_.destination,
                 "The number, as you would dial it (default: the one set before)");
  set.add_flag("--off", forward_set_.off, "Keep the number, but do not forward");
  add_user(set, forward_set_.user);

  CLI::App& clear = Command(forward, "clear", "Forget a forwarding, or all", [this] {
    if (!forward_condition_.empty()) {
      forward_clear_.condition = *ParseForwardingCondition(forward_condition_);
    }
    return forward_clear_;
  });
  WithChoices(clear.add_option("CONDITION", forward_condition_,
                               "unconditional, busy or no-answer (default: all three)"),
              conditions);
  add_user(clear, forward_clear_.user);
}

}  // namespace unipresence::cli
