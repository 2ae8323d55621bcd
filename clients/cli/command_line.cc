#include "clients/cli/command_line.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cctype>
#include <cstdlib>
#include <functional>
#include <map>
#include <memory>
#include <string_view>
#include <utility>
#include <vector>

#include "aggregator/base/valid_text.h"
#include "clients/cli/help_texts.h"
#include "clients/cli/words.h"

// All of CLI11 is in this one file: it takes seconds to compile.

namespace unipresence::cli {
namespace {

std::string EnvironmentName(std::string_view prefix, std::string_view flag) {
  std::string name(prefix);
  for (const char c : flag) {
    name += c == '-' ? '_' : static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  }
  return name;
}

bool IsMemberIgnoringCase(const std::vector<std::string>& words, std::string_view word) {
  const auto plain = [](char c) {
    return c == '-' ? '_' : std::tolower(static_cast<unsigned char>(c));
  };
  return std::any_of(words.begin(), words.end(), [&](const std::string& candidate) {
    return std::equal(candidate.begin(), candidate.end(), word.begin(), word.end(),
                      [&](char a, char b) { return plain(a) == plain(b); });
  });
}

// The commands and where their values go. Parses once.
class CommandLine {
 public:
  CommandLine();
  CommandLine(const CommandLine&) = delete;
  CommandLine& operator=(const CommandLine&) = delete;

  std::variant<Invocation, EarlyExit> Parse(std::span<const std::string> arguments);
  CommandSpec Describe() const { return Describe(root_); }

 private:
  using Result = std::function<CommandOptions()>;

  void AddGlobalFlags();
  void AddSessionCommands();
  void AddSelectionCommands();
  void AddCallCommands();
  void AddTransferCommand();
  void AddForwardCommands();
  void AddPresenceCommands();
  void AddWatchCommand();
  void AddVoicemailCommands();
  void AddUsersCommands();
  void AddAdministrationCommands();
  void AddAsteriskCommands();
  void AddToolCommands();

  CLI::App& Group(const std::string& name, const std::string& description);
  CLI::App& Command(CLI::App& parent, const std::string& name, const std::string& description,
                    Result result, const std::string& footer = {});
  // Flags and arguments that take one of `choices`.
  CLI::Option* WithChoices(CLI::Option* option, std::vector<std::string> choices);
  CLI::Option* WithFile(CLI::Option* option);
  void AddPassword(CLI::App& command, PasswordSource& password);
  void AddUserFlags(CLI::App& command, UserFlags& flags);
  template <typename Value, typename Parser>
  CLI::Option* AddWord(CLI::App& command, const std::string& flag, std::optional<Value>& value,
                       Parser parse, const std::string& description,
                       std::vector<std::string> choices);
  void NameEnvironment(CLI::App& command, std::string_view prefix);
  // In help "USER" says it all; "USER TEXT" would be CLI11's way.
  static void HideTypesOfArguments(CLI::App& command);
  CommandSpec Describe(const CLI::App& command) const;
  EarlyExit UsageError(const std::string& message);

  CLI::App root_{"Shows and controls presence and device choice of a unipresenced server.",
                 "unipresence"};
  std::map<const CLI::App*, Result> results_;
  std::map<const CLI::Option*, ValueSpec> values_;

  GlobalOptions global_;
  std::string output_ = "table";
  double timeout_s_ = 10;
  LoginOptions login_;
  LogoutOptions logout_;
  SessionListOptions session_list_;
  SelectOptions select_;
  std::string select_device_;
  DoNotDisturbOptions dnd_;
  std::string dnd_value_;
  CallsOptions calls_;
  bool calls_no_reconnect_ = false;
  CallOptions call_;
  HangUpOptions hangup_;
  TransferOptions transfer_;
  ForwardGetOptions forward_get_;
  ForwardSetOptions forward_set_;
  ForwardClearOptions forward_clear_;
  std::string forward_condition_;
  GetPresenceOptions get_presence_;
  ListOptions list_;
  std::vector<std::string> list_states_;
  WatchOptions watch_;
  std::vector<std::string> watch_zeromq_;
  bool watch_no_reconnect_ = false;
  VoicemailOptions voicemail_;
  ExplainOptions explain_;
  UsersAddOptions users_add_;
  UsersUpdateOptions users_update_;
  UsersListOptions users_list_;
  UsersGetOptions users_get_;
  UsersDeleteOptions users_delete_;
  PbxStatusOptions pbx_status_;
  PbxReconcileOptions pbx_reconcile_;
  AsteriskRenderOptions asterisk_render_;
  AsteriskApplyOptions asterisk_apply_;
  CompletionOptions completion_;
};

CommandLine::CommandLine() {
  root_.get_formatter()->column_width(34);
  root_.footer(kRootFooter + ExitCodeHelp());
  root_.require_subcommand(1);
  root_.set_version_flag("--version", "unipresence " UNIPRESENCE_VERSION);
  AddGlobalFlags();
  AddSessionCommands();
  AddSelectionCommands();
  AddCallCommands();
  AddTransferCommand();
  AddForwardCommands();
  AddPresenceCommands();
  AddWatchCommand();
  AddVoicemailCommands();
  AddUsersCommands();
  AddAdministrationCommands();
  AddAsteriskCommands();
  AddToolCommands();
  HideTypesOfArguments(root_);
}

void CommandLine::HideTypesOfArguments(CLI::App& command) {
  for (CLI::Option* option : command.get_options()) {
    if (option->get_positional()) option->type_name("");
  }
  for (CLI::App* child : command.get_subcommands(nullptr)) HideTypesOfArguments(*child);
}

CLI::App& CommandLine::Group(const std::string& name, const std::string& description) {
  CLI::App& group = *root_.add_subcommand(name, description);
  group.require_subcommand(1);
  group.fallthrough();
  // Makes CLI11 read the environment for this command only if it is the one that was given: a
  // variable meant for another command must not make this one fail.
  group.parse_complete_callback([] {});
  return group;
}

CLI::App& CommandLine::Command(CLI::App& parent, const std::string& name,
                               const std::string& description, Result result,
                               const std::string& footer) {
  CLI::App& command = *parent.add_subcommand(name, description);
  command.fallthrough();
  command.parse_complete_callback([] {});
  command.footer(footer + (footer.empty() ? "" : "\n\n") +
                 "Flags of all commands: unipresence --help");
  results_[&command] = std::move(result);
  return command;
}

CLI::Option* CommandLine::WithChoices(CLI::Option* option, std::vector<std::string> choices) {
  option->check(
      [choices](const std::string& word) {
        if (IsMemberIgnoringCase(choices, word)) return std::string();
        return fmt::format("'{}' is none of {}", word, fmt::join(choices, ", "));
      },
      "");
  values_[option].choices = std::move(choices);
  return option;
}

CLI::Option* CommandLine::WithFile(CLI::Option* option) {
  option->type_name("FILE");
  values_[option].is_file = true;
  return option;
}

void CommandLine::AddPassword(CLI::App& command, PasswordSource& password) {
  CLI::Option* file = WithFile(command.add_option("--password-file", password.file,
                                                  "File whose first line is the password"));
  command.add_flag("--password-stdin", password.from_stdin, "Read the password from stdin")
      ->excludes(file);
}

template <typename Value, typename Parser>
CLI::Option* CommandLine::AddWord(CLI::App& command, const std::string& flag,
                                  std::optional<Value>& value, Parser parse,
                                  const std::string& description,
                                  std::vector<std::string> choices) {
  CLI::Option* option = command.add_option_function<std::string>(
      flag, [&value, parse](const std::string& word) { value = parse(word); }, description);
  return WithChoices(option, std::move(choices));
}

void CommandLine::NameEnvironment(CLI::App& command, std::string_view prefix) {
  for (CLI::Option* option : command.get_options()) {
    if (option == command.get_help_ptr() || option->get_lnames().empty()) continue;
    if (option->get_lnames().front() == "version") continue;
    option->envname(EnvironmentName(prefix, option->get_lnames().front()));
  }
}

void CommandLine::AddGlobalFlags() {
  root_
      .add_option("--server", global_.server,
                  fmt::format("The server's gRPC address, host:port or unix:PATH (default: where "
                              "you are logged in, else {})",
                              kDefaultServer))
      ->type_name("ADDRESS");
  WithFile(root_.add_option("--session-file", global_.session_file,
                            "Where the session is kept between commands (default: "
                            "$XDG_STATE_HOME/unipresence/session.json)"));
  WithChoices(root_.add_option("-o,--output", output_, "table, or json: one object per line")
                  ->type_name("FORMAT"),
              {"table", "json"});
  root_.add_option("--timeout", timeout_s_, "How long to wait for each answer (default: 10; asterisk apply: 60)")
      ->type_name("SECONDS")
      ->check(CLI::Range(0.001, 86'400.0).description(""));
  NameEnvironment(root_, "UNIPRESENCE_");
}

void CommandLine::AddSessionCommands() {
  CLI::App& login = Command(
      root_, "login", "Log in, and stay logged in with --hold", [this] { return login_; },
      kLoginFooter);
  login.add_option("USERNAME", login_.username, "Who logs in")
      ->required()
      ->envname("UNIPRESENCE_USERNAME");
  AddPassword(login, login_.password);
  CLI::Option* hold =
      login.add_flag("--hold", login_.hold, "Stay and keep the session alive until it ends");
  login
      .add_flag("--background", login_.background,
                "Like --hold, in a process of its own: returns when logged in")
      ->excludes(hold);
  login.add_flag("--client", login_.client,
                 "Do not count as logged in: for scripts and administration");
  NameEnvironment(login, "UNIPRESENCE_");

  CLI::App& logout =
      Command(root_, "logout", "Log out: calls ring on the deskphone", [this] { return logout_; });
  logout.add_option("--session", logout_.session, "End this session instead (see `session list`)")
      ->type_name("ID");
  NameEnvironment(logout, "UNIPRESENCE_");

  Command(root_, "whoami", "Show the session in use", [] { return WhoamiOptions{}; });
  CLI::App& session = Group("session", "Live sessions");
  CLI::App& list = Command(session, "list", "List your sessions; as administrator, everyone's",
                           [this] { return session_list_; });
  list.add_option("--user", session_list_.user, "Only those of this user")->type_name("USER");
  NameEnvironment(list, "UNIPRESENCE_");
}

void CommandLine::AddSelectionCommands() {
  CLI::App& select = Command(
      root_, "select", "Choose the device that rings; without DEVICE show the choice",
      [this] {
        if (!select_device_.empty()) select_.device = *ParseLineKind(select_device_);
        return select_;
      },
      "Examples:\n  unipresence select webrtc\n  unipresence select deskphone --user alice");
  WithChoices(select.add_option("DEVICE", select_device_, "deskphone or webrtc"),
              {"deskphone", "webrtc"});
  select.add_option("--user", select_.user, "For this user (administrators)")->type_name("USER");
  NameEnvironment(select, "UNIPRESENCE_");

  CLI::App& dnd = Command(root_, "dnd", "Switch do-not-disturb; without argument show it", [this] {
    if (!dnd_value_.empty()) dnd_.on = IsMemberIgnoringCase({"on"}, dnd_value_);
    return dnd_;
  });
  WithChoices(dnd.add_option("VALUE", dnd_value_, "on or off"), {"on", "off"});
  dnd.add_option("--user", dnd_.user, "For this user (administrators)")->type_name("USER");
  NameEnvironment(dnd, "UNIPRESENCE_");
}

void CommandLine::AddCallCommands() {
  CLI::App& calls = Command(
      root_, "calls", "List live calls, or follow them",
      [this] {
        calls_.reconnect = !calls_no_reconnect_;
        return calls_;
      },
      kCallsFooter);
  calls.add_option("--user", calls_.user, "Of this user (administrators)")->type_name("USER");
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
  call.add_option("--user", call_.user, "From the deskphone of this user (administrators)")
      ->type_name("USER");
  NameEnvironment(call, "UNIPRESENCE_");

  CLI::App& hangup = Command(root_, "hangup", "End a call of the deskphone, or refuse it",
                             [this] { return hangup_; });
  hangup.add_option("CALL", hangup_.call, "The id of the call, see `calls`")->required();
  hangup.add_option("--user", hangup_.user, "Of this user (administrators)")->type_name("USER");
  NameEnvironment(hangup, "UNIPRESENCE_");
}

void CommandLine::AddTransferCommand() {
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
  transfer.add_option("--user", transfer_.user, "Of this user (administrators)")->type_name("USER");
  NameEnvironment(transfer, "UNIPRESENCE_");
}

void CommandLine::AddForwardCommands() {
  const std::vector<std::string> conditions = {"unconditional", "busy", "no-answer"};
  CLI::App& forward = Group("forward", "Where calls go instead of to the device in use");
  const auto add_user = [this](CLI::App& command, std::string& user) {
    command.add_option("--user", user, "For this user (administrators)")->type_name("USER");
    NameEnvironment(command, "UNIPRESENCE_");
  };

  CLI::App& get = Command(
      forward, "get", "Show the forwardings", [this] { return forward_get_; },
      "With -o json: user, unconditional, busy, no_answer (each null, or destination and "
      "enabled),\n"
      "do_not_disturb, update_time; `set` and `clear` print the same.");
  add_user(get, forward_get_.user);

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

void CommandLine::AddPresenceCommands() {
  CLI::App& get = Group("get", "Read single resources");
  CLI::App& presence = Command(
      get, "presence", "Show the presence of users", [this] { return get_presence_; },
      kGetPresenceFooter);
  presence.add_option("USER", get_presence_.users, "Users (default: yourself)");

  CLI::App& list = Command(
      root_, "list", "List the presences of all users",
      [this] {
        for (const std::string& word : list_states_) {
          list_.states.push_back(*ParsePresenceState(word));
        }
        return list_;
      },
      "Examples:\n  unipresence list\n  unipresence list --state RINGING,IN_USE -o json");
  WithChoices(list.add_option("--state", list_states_, "Only users in one of these states")
                  ->type_name("STATE,...")
                  ->delimiter(',')
                  ->expected(1)
                  ->take_all(),
              PresenceStateWords());
  NameEnvironment(list, "UNIPRESENCE_");

  CLI::App& explain = Command(
      root_, "explain", "Tell why a presence is what it is", [this] { return explain_; },
      "Examples:\n  unipresence explain alice\n  unipresence explain alice --causes 3");
  explain.add_option("USER", explain_.user, "The user (default: yourself)");
  explain.add_option("--causes", explain_.causes, "How many past causes (default: all remembered)")
      ->type_name("N")
      ->check(CLI::Range(1, 1'000).description(""));
  NameEnvironment(explain, "UNIPRESENCE_");
}

void CommandLine::AddWatchCommand() {
  CLI::App& watch = Command(
      root_, "watch", "Follow presences as they change",
      [this] {
        watch_.reconnect = !watch_no_reconnect_;
        if (watch_zeromq_.size() == 2) {
          watch_.zeromq_publish = watch_zeromq_[0];
          watch_.zeromq_snapshot = watch_zeromq_[1];
        }
        return watch_;
      },
      kWatchFooter);
  watch.add_option("USER", watch_.users, "Users (default: everyone)");
  watch.add_flag("--no-reconnect", watch_no_reconnect_, "Fail when the connection is lost");
  CLI::Option* mailboxes =
      watch.add_flag("--mailboxes", watch_.mailboxes,
                     "Also the voicemail boxes that you may read, of the users watched");
  watch
      .add_option("--zeromq", watch_zeromq_,
                  "Follow by these ZeroMQ sockets of the server, without logging in")
      ->type_name("PUBLISH SNAPSHOT")
      ->delimiter(',')
      ->expected(2)
      ->allow_extra_args(false)
      ->excludes(mailboxes);
  NameEnvironment(watch, "UNIPRESENCE_");
}

void CommandLine::AddVoicemailCommands() {
  CLI::App& voicemail = Command(
      root_, "voicemail", "Show how many voicemail messages wait", [this] { return voicemail_; },
      "With -o json: user, mailbox, new_message_count, old_message_count, pbx, stale (the link to\n"
      "the PBX is down: the last known counts), update_time.\n\n"
      "Examples:\n  unipresence voicemail\n  unipresence voicemail alice -o json\n"
      "  unipresence watch --mailboxes");
  voicemail.add_option("USER", voicemail_.user, "The user (administrators; default: yourself)");
}

void CommandLine::AddUserFlags(CLI::App& command, UserFlags& flags) {
  const auto text = [&](const char* flag, std::optional<std::string>& value, const char* type,
                        const char* description) {
    command.add_option(flag, value, description)->type_name(type);
  };
  text("--display-name", flags.display_name, "TEXT", "The name to show");
  text("--exten", flags.exten, "NUMBER", "The number that colleagues dial");
  text("--context", flags.context, "CONTEXT", "The dialplan context of the number");
  AddWord(command, "--line-type", flags.line_type, &ParseLineType,
          "sip, webrtc or unique_account (default: as the lines given)",
          {"sip", "webrtc", "unique_account", "ua"})
      ->type_name("TYPE");
  text("--deskphone", flags.deskphone, "DEVICE", "The deskphone's device, such as PJSIP/alice");
  text("--webrtc", flags.webrtc, "DEVICE", "The WebRTC line's device, such as PJSIP/alice_w");
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

void CommandLine::AddUsersCommands() {
  CLI::App& users = Group("users", "Provision users");
  CLI::App& add = Command(
      users, "add", "Add one user, or those of a file", [this] { return users_add_; },
      kUsersAddFooter);
  CLI::Option* id = add.add_option("ID", users_add_.id, "The id of the user");
  CLI::Option* file = WithFile(
      add.add_option("--file", users_add_.file, "A YAML list of users, instead of ID and flags"));
  AddUserFlags(add, users_add_.flags);
  // Said here and not by `excludes`, which would fill the help with lists of flags.
  add.callback([&add, id, file] {
    if (file->count() + id->count() != 1) {
      throw CLI::ValidationError("give the ID of one user, or --file FILE");
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
  update.add_option("ID", users_update_.id, "The id of the user")->required();
  AddUserFlags(update, users_update_.flags);
  NameEnvironment(update, "UNIPRESENCE_NEW_");

  CLI::App& list = Command(users, "list", "List users", [this] { return users_list_; });
  list.add_option("--query", users_list_.query, "Only users whose id, name or number contains this")
      ->type_name("TEXT");
  NameEnvironment(list, "UNIPRESENCE_");

  CLI::App& show = Command(users, "get", "Show one user", [this] { return users_get_; });
  show.add_option("ID", users_get_.id, "The id of the user (default: yourself)");
  CLI::App& remove = Command(users, "delete", "Delete users", [this] { return users_delete_; });
  remove.add_option("ID", users_delete_.ids, "The ids of the users")->required();
}

void CommandLine::AddAdministrationCommands() {
  CLI::App& pbx = Group("pbx", "The links to the PBXs");
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
  CLI::App& server = Group("server", "The server itself");
  Command(server, "status", "Show version, load and readiness",
          [] { return ServerStatusOptions{}; });
}

void CommandLine::AddAsteriskCommands() {
  CLI::App& asterisk = Group("asterisk", "Asterisk's configuration, made from the users");
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

void CommandLine::AddToolCommands() {
  CLI::App& completion = Command(
      root_, "completion", "Print a completion script", [this] { return completion_; },
      "Examples:\n  source <(unipresence completion bash)\n"
      "  unipresence completion zsh > \"${fpath[1]}/_unipresence\"\n"
      "  unipresence completion fish > ~/.config/fish/completions/unipresence.fish");
  WithChoices(completion.add_option("SHELL", completion_.shell, "bash, zsh or fish")->required(),
              {"bash", "zsh", "fish"});
  Command(root_, "version", "Print the version", [] { return VersionOptions{}; });
}

EarlyExit CommandLine::UsageError(const std::string& message) {
  std::string path = "unipresence";
  const CLI::App* command = &root_;
  while (!command->get_subcommands().empty()) {
    command = command->get_subcommands().front();
    path += " " + command->get_name();
  }
  return {ExitCode::kUsage, fmt::format("{}: {}\n  see: {} --help\n", path, message, path)};
}

std::variant<Invocation, EarlyExit> CommandLine::Parse(std::span<const std::string> arguments) {
  try {
    // CLI11 takes the arguments from the back.
    root_.parse(std::vector<std::string>(arguments.rbegin(), arguments.rend()));
  } catch (const CLI::CallForHelp&) {
    return EarlyExit{ExitCode::kOk, root_.help()};
  } catch (const CLI::CallForVersion& version) {
    return EarlyExit{ExitCode::kOk, std::string(version.what()) + "\n"};
  } catch (const CLI::ParseError& error) {
    if (arguments.empty()) return EarlyExit{ExitCode::kUsage, root_.help()};
    return UsageError(error.what());
  }
  Invocation invocation;
  const CLI::App* command = &root_;
  while (!command->get_subcommands().empty()) {
    command = command->get_subcommands().front();
    invocation.name += (invocation.name.empty() ? "" : " ") + command->get_name();
  }
  global_.output =
      IsMemberIgnoringCase({"json"}, output_) ? OutputFormat::kJson : OutputFormat::kTable;
  // Asterisk is asked for every name, before and after.
  if (invocation.name == "asterisk apply" && root_.get_option("--timeout")->count() == 0) {
    timeout_s_ = 60;
  }
  global_.timeout = std::chrono::milliseconds(static_cast<std::int64_t>(timeout_s_ * 1'000));
  invocation.global = global_;
  invocation.command = results_.at(command)();
  return invocation;
}

CommandSpec CommandLine::Describe(const CLI::App& command) const {
  CommandSpec spec{.name = command.get_name(),
                   .description = command.get_description(),
                   .flags = {},
                   .argument = {},
                   .commands = {}};
  for (const CLI::Option* option : command.get_options()) {
    const auto known = values_.find(option);
    const ValueSpec value = known == values_.end() ? ValueSpec{} : known->second;
    // The root's --help serves all.
    if (option == command.get_help_ptr() && &command != &root_) continue;
    if (option->get_positional()) {
      spec.argument = value;
      continue;
    }
    FlagSpec flag{.names = {},
                  .description = option->get_description(),
                  .takes_value = option->get_items_expected_max() > 0,
                  .value = value};
    for (const std::string& name : option->get_snames()) flag.names.push_back("-" + name);
    for (const std::string& name : option->get_lnames()) flag.names.push_back("--" + name);
    spec.flags.push_back(std::move(flag));
  }
  for (const CLI::App* child : command.get_subcommands(nullptr)) {
    spec.commands.push_back(Describe(*child));
  }
  return spec;
}

}  // namespace

std::variant<Invocation, EarlyExit> ParseCommandLine(std::span<const std::string> arguments) {
  for (const std::string& argument : arguments) {
    if (IsUtf8(argument)) continue;
    return EarlyExit{ExitCode::kUsage,
                     fmt::format("unipresence: '{}' is not UTF-8; nothing was sent\n"
                                 "  write it in UTF-8, and see that the terminal does",
                                 ValidText(argument, 200))};
  }
  return CommandLine().Parse(arguments);
}

CommandSpec DescribeCommands() { return CommandLine().Describe(); }

}  // namespace unipresence::cli
