#ifndef UNIPRESENCE_CLIENTS_CLI_COMMAND_TREE_H_
#define UNIPRESENCE_CLIENTS_CLI_COMMAND_TREE_H_

// The commands and flags as CLI11 knows them; command_line.h is the way to them. Each group of
// commands is added by a file in flags/. CLI11 takes seconds to compile: nobody else includes this.

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <chrono>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "clients/cli/command_line.h"

namespace unipresence::cli {

// The commands and where their values go. Parses once.
class CommandTree {
 public:
  CommandTree();
  CommandTree(const CommandTree&) = delete;
  CommandTree& operator=(const CommandTree&) = delete;

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

  CLI::App& Group(const std::string& name, const std::string& description,
                  const std::string& footer);
  CLI::App& Command(CLI::App& parent, const std::string& name, const std::string& description,
                    Result result, const std::string& footer = {});
  // Flags and arguments that take one of `choices`.
  CLI::Option* WithChoices(CLI::Option* option, std::vector<std::string> choices);
  CLI::Option* WithFile(CLI::Option* option);
  void AddPassword(CLI::App& command, PasswordSource& password);
  // --user USER, the one way to say for whom; with `alone` the user may stand alone as well.
  template <typename Users>
  CLI::Option* AddUser(CLI::App& command, Users& users, const std::string& description,
                       bool alone = false) {
    return command.add_option(alone ? "--user,USER" : "--user", users, description)
        ->type_name("USER");
  }
  // A flag that takes a time: "30s", "5m", or seconds.
  CLI::Option* AddTime(CLI::App& command, const std::string& flag,
                       std::optional<std::chrono::milliseconds>& time,
                       const std::string& description);
  void AddWaitCommand();
  void AddUserFlags(CLI::App& command, UserFlags& flags);
  template <typename Value, typename Parser>
  CLI::Option* AddWord(CLI::App& command, const std::string& flag, std::optional<Value>& value,
                       Parser parse, const std::string& description,
                       std::vector<std::string> choices) {
    CLI::Option* option = command.add_option_function<std::string>(
        flag, [&value, parse](const std::string& word) { value = parse(word); }, description);
    return WithChoices(option, std::move(choices));
  }
  void NameEnvironment(CLI::App& command, std::string_view prefix);
  CommandSpec Describe(const CLI::App& command) const;
  EarlyExit UsageError(const std::string& message);
  // The command that was named, as far as it was understood.
  const CLI::App& Named() const;
  // An option of the command, or of those above it, that was given an empty value; null if there is
  // none.
  const CLI::Option* GivenButEmpty() const;
  // What a word that nobody knows may have meant; empty if there is none.
  std::string AboutUnknownWord() const;

  CLI::App root_{"Shows and controls presence and device choice of a unipresenced server.",
                 "unipresence"};
  std::map<const CLI::App*, Result> results_;
  std::map<const CLI::Option*, ValueSpec> values_;
  std::set<const CLI::Option*> may_be_empty_;  // their value says something then

  GlobalOptions global_;
  std::string output_ = "table";
  std::optional<std::chrono::milliseconds> timeout_;
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
  WaitOptions wait_;
  std::string wait_user_;
  std::vector<std::string> wait_states_;
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

// Do these words hold this one, in any case and with `-` for `_`?
bool IsMemberIgnoringCase(const std::vector<std::string>& words, std::string_view word);

}  // namespace unipresence::cli

#endif  // UNIPRESENCE_CLIENTS_CLI_COMMAND_TREE_H_
