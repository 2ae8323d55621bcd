// The command line of get, list, explain, watch, wait, voicemail.

#include <fmt/ranges.h>

#include "clients/cli/command_tree.h"
#include "clients/cli/help_texts.h"
#include "clients/cli/nearest.h"
#include "clients/cli/words.h"

namespace unipresence::cli {

void CommandTree::AddPresenceCommands() {
  CLI::App& get =
      Group("get", "Read single resources",
            "Examples:\n  unipresence get presence\n  unipresence get presence alice bob");
  CLI::App& presence = Command(
      get, "presence", "Show the presence of users", [this] { return get_presence_; },
      kGetPresenceFooter);
  AddUser(presence, get_presence_.users, "Users (default: yourself)", /*alone=*/true)
      ->delimiter(',');
  NameEnvironment(presence, "UNIPRESENCE_");

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
  AddUser(explain, explain_.user, "The user (default: yourself)", /*alone=*/true);
  explain.add_option("--causes", explain_.causes, "How many past causes (default: all remembered)")
      ->type_name("N")
      ->check(CLI::Range(1, 1'000).description(""));
  NameEnvironment(explain, "UNIPRESENCE_");
}

void CommandTree::AddWatchCommand() {
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
  AddUser(watch, watch_.users, "Users (default: everyone)", /*alone=*/true)->delimiter(',');
  watch.add_flag("--all-changes", watch_.all_changes,
                 "Also rows in which only time and cause are new");
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

void CommandTree::AddWaitCommand() {
  CLI::App& wait = Command(
      root_, "wait", "Wait until a user has a state",
      [this] {
        for (const std::string& word : wait_states_) {
          wait_.states.push_back(*ParsePresenceState(word));
        }
        return wait_;
      },
      kWaitFooter);
  wait.add_option("USER", wait_.user, "The user");
  CLI::Option* states =
      WithChoices(wait.add_option("STATE", wait_states_, "The state, or several with commas")
                      ->delimiter(',')
                      ->expected(1)
                      ->take_all(),
                  PresenceStateWords());
  CLI::Option* user = AddUser(wait, wait_user_, "The user, instead of USER");
  AddTime(wait, "--timeout", wait_.timeout, "Give up after this time (default: never)");
  NameEnvironment(wait, "UNIPRESENCE_WAIT_");
  user->envname("UNIPRESENCE_USER");
  wait.callback([this, states, user] {
    if (user->count() > 0) {
      // The first word is the state then.
      if (states->count() > 0) throw CLI::ValidationError("give USER or --user USER, not both");
      wait_states_ = CLI::detail::split(std::exchange(wait_.user, wait_user_), ',');
    }
    if (wait_states_.empty() || wait_.user.empty()) {
      throw CLI::ValidationError("give a user and a state, such as: wait alice AVAILABLE");
    }
    const std::vector<std::string> known = PresenceStateWords();
    for (const std::string& word : wait_states_) {
      if (ParsePresenceState(word)) continue;
      throw CLI::ValidationError(fmt::format("'{}' is none of {}{}", word, fmt::join(known, ", "),
                                             DidYouMean(word, known)));
    }
  });
}

void CommandTree::AddVoicemailCommands() {
  CLI::App& voicemail = Command(
      root_, "voicemail", "Show how many voicemail messages wait", [this] { return voicemail_; },
      "With -o json: user, mailbox, new_message_count, old_message_count, pbx, stale (the link to\n"
      "the PBX is down: the last known counts), update_time.\n\n"
      "Examples:\n  unipresence voicemail\n  unipresence voicemail alice -o json\n"
      "  unipresence watch --mailboxes");
  AddUser(voicemail, voicemail_.user, "The user (administrators; default: yourself)",
          /*alone=*/true);
  NameEnvironment(voicemail, "UNIPRESENCE_");
}

}  // namespace unipresence::cli
