// The command line of users.

#include "aggregator/model/line_kind.h"
#include "clients/cli/command_tree.h"
#include "clients/cli/help_texts.h"
#include "clients/cli/words.h"

namespace unipresence::cli {

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

void CommandTree::AddUsersCommands() {
  CLI::App& users = Group("users", "Provision users", kUsersFooter);
  CLI::App& add = Command(
      users, "add", "Add one user, or those of a file", [this] { return users_add_; },
      kUsersAddFooter);
  CLI::Option* id = add.add_option("USER", users_add_.id, "The id of the user");
  CLI::Option* file = WithFile(
      add.add_option("--file", users_add_.file, "A YAML list of users, instead of USER and flags"));
  AddUserFlags(add, users_add_.flags);
  // Said here and not by `excludes`, which would fill the help with lists of flags.
  add.callback([&add, id, file] {
    if (file->count() + id->count() != 1) {
      throw CLI::ValidationError("give the id of one USER, or --file FILE");
    }
    for (const CLI::Option* option : add.get_options()) {
      const bool of_user = option != id && option != file && !option->check_lname("skip-existing");
      if (of_user && file->count() > 0 && option->count() > 0) {
        throw CLI::ValidationError(option->get_name() + " cannot be given together with --file");
      }
    }
  });
  add.add_flag("--skip-existing", users_add_.skip_existing,
               "Leave users that exist already as they are");
  NameEnvironment(add, "UNIPRESENCE_NEW_");

  CLI::App& update = Command(
      users, "update", "Change what the flags name", [this] { return users_update_; },
      "Examples:\n  unipresence users update bob --password-stdin < bob.txt\n"
      "  unipresence users update bob --webrtc PJSIP/bob_w --line-type unique_account");
  update.add_option("USER", users_update_.id, "The id of the user")->required();
  AddUserFlags(update, users_update_.flags);
  NameEnvironment(update, "UNIPRESENCE_NEW_");

  CLI::App& list = Command(users, "list", "List users", [this] { return users_list_; });
  may_be_empty_.insert(list.add_option("--query", users_list_.query,
                                       "Only users whose id, name or number contains this")
                           ->type_name("TEXT"));
  NameEnvironment(list, "UNIPRESENCE_");

  CLI::App& show = Command(users, "get", "Show one user", [this] { return users_get_; });
  AddUser(show, users_get_.id, "The id of the user (default: yourself)", /*alone=*/true);
  NameEnvironment(show, "UNIPRESENCE_");
  CLI::App& remove = Command(users, "delete", "Delete users", [this] { return users_delete_; });
  remove.add_option("USER", users_delete_.ids, "The ids of the users")->required();
}

}  // namespace unipresence::cli
