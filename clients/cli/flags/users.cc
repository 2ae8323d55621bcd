// The group `users`.

#include "aggregator/model/line_kind.h"
#include "clients/cli/command_tree.h"
#include "clients/cli/help_texts.h"
#include "clients/cli/words.h"

namespace unipresence::cli {

void CommandTree::AddUsers() {
  CLI::App& users = Group("users", "Provision users", kUsersFooter);
  AddUsersAdd(users);
  AddUsersUpdate(users);
  AddUsersList(users);
  AddUsersGet(users);
  AddUsersDelete(users);
}

// What `users add` and `users update` say of a user.
void CommandTree::AddUserFlags(CLI::App& command, UserFlags& flags) {
  const auto text = [&](const std::string& flag, std::optional<std::string>& value,
                        const std::string& type, const std::string& description) {
    may_be_empty_.insert(command.add_option(flag, value, description)->type_name(type));
  };
  text("--display-name", flags.display_name, "TEXT", "The name to show");
  text("--exten", flags.exten, "NUMBER", "The number that colleagues dial");
  text("--context", flags.context, "CONTEXT", "The dialplan context of the number");
  std::vector<std::string> types;
  for (LineType type : kLineTypes) types.emplace_back(ToString(type));
  types.emplace_back("ua");
  AddWord(command, "--line-type", flags.line_type, &ParseLineType,
          fmt::format("{} (default: as the lines given)", kLineTypeChoices), std::move(types))
      ->type_name("TYPE");
  for (LineKind kind : kLineKinds) {
    const LineKindTraits traits = TraitsOf(kind);
    text(fmt::format("--{}", traits.key), flags.devices[kind], "DEVICE",
         fmt::format("The {}'s device, such as PJSIP/alice{}", traits.noun, traits.account_suffix));
  }
  text("--pbx", flags.pbx, "PBX", "The PBX that these devices are on");
  command.add_flag("--no-sip-account", flags.no_sip_account,
                   "The SIP accounts of the lines are made by hand in Asterisk: keep none here");
  text("--username", flags.username, "USERNAME", "The name to log in with (default: the id)");
  AddWord(command, "--role", flags.role, &ParseRole, "user or administrator",
          {"user", "administrator", "admin"})
      ->type_name("ROLE");
  command.add_option("--ring-seconds", flags.ring_seconds, "How long the device in use rings")
      ->type_name("SECONDS")
      ->check(CLI::Range(5, 300).description(""));
  text("--voicemail", flags.voicemail, "NUMBER[@CONTEXT]",
       "The voicemail box (context: default); an empty one takes it away");
  text("--voicemail-email", flags.voicemail_email, "ADDRESS", "Where its messages are mailed");
  WithFile(command.add_option("--voicemail-password-file", flags.voicemail_password_file,
                              "File whose first line is what its owner types on the phone"));
  AddPassword(command, flags.password);
}

}  // namespace unipresence::cli
