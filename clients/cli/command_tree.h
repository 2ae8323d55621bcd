#ifndef UNIPRESENCE_CLIENTS_CLI_COMMAND_TREE_H_
#define UNIPRESENCE_CLIENTS_CLI_COMMAND_TREE_H_

// The commands and flags as CLI11 knows them; command_line.h is the way to them. Each command and
// each group is added by the file of flags/ that has its name (flags/users_add.cc). CLI11 takes
// seconds to compile: nobody else includes this.

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <chrono>
#include <functional>
#include <map>
#include <memory>
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
  // Each by the file of flags/ that has its name, in the order of the help.
  void AddLogin();
  void AddLogout();
  void AddWhoami();
  void AddSession();
  void AddSessionList(CLI::App& session);
  void AddSelect();
  void AddDnd();
  void AddCalls();
  void AddCall();
  void AddHangup();
  void AddTransfer();
  void AddForward();
  void AddForwardGet(CLI::App& forward);
  void AddForwardSet(CLI::App& forward);
  void AddForwardClear(CLI::App& forward);
  void AddGet();
  void AddGetPresence(CLI::App& get);
  void AddList();
  void AddExplain();
  void AddWatch();
  void AddWait();
  void AddVoicemail();
  void AddUsers();
  void AddUsersAdd(CLI::App& users);
  void AddUsersUpdate(CLI::App& users);
  void AddUsersList(CLI::App& users);
  void AddUsersGet(CLI::App& users);
  void AddUsersDelete(CLI::App& users);
  void AddPbx();
  void AddPbxStatus(CLI::App& pbx);
  void AddPbxReconcile(CLI::App& pbx);
  void AddServer();
  void AddServerStatus(CLI::App& server);
  void AddAsterisk();
  void AddAsteriskRender(CLI::App& asterisk);
  void AddAsteriskApply(CLI::App& asterisk);
  void AddCompletion();
  void AddVersion();

  // Where the values of a command's flags go. It lives as long as the tree.
  template <typename Value>
  Value& Keep() {
    auto value = std::make_shared<Value>();
    kept_.push_back(value);
    return *value;
  }
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
  // Of commands whose answers take longer than others'.
  std::map<const CLI::App*, std::chrono::milliseconds> default_timeouts_;

  GlobalOptions global_;
  std::string output_ = "table";
  std::optional<std::chrono::milliseconds> timeout_;
  std::vector<std::shared_ptr<void>> kept_;
};

// Do these words hold this one, in any case and with `-` for `_`?
bool IsMemberIgnoringCase(const std::vector<std::string>& words, std::string_view word);

}  // namespace unipresence::cli

#endif  // UNIPRESENCE_CLIENTS_CLI_COMMAND_TREE_H_
