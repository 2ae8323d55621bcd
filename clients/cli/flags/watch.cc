// The command line of `watch`.

#include "clients/cli/command_tree.h"
#include "clients/cli/help_texts.h"

namespace unipresence::cli {

void CommandTree::AddWatch() {
  auto& options = Keep<WatchOptions>();
  auto& no_reconnect = Keep<bool>();
  auto& zeromq = Keep<std::vector<std::string>>();
  CLI::App& watch = Command(
      root_, "watch", "Follow presences as they change",
      [&options, &no_reconnect, &zeromq] {
        options.reconnect = !no_reconnect;
        if (zeromq.size() == 2) {
          options.zeromq_publish = zeromq[0];
          options.zeromq_snapshot = zeromq[1];
        }
        return options;
      },
      kWatchFooter);
  AddUser(watch, options.users, "Users (default: everyone)", /*alone=*/true)->delimiter(',');
  watch.add_flag("--all-changes", options.all_changes,
                 "Also rows in which only time and cause are new");
  watch.add_flag("--no-reconnect", no_reconnect, "Fail when the connection is lost");
  CLI::Option* mailboxes =
      watch.add_flag("--mailboxes", options.mailboxes,
                     "Also the voicemail boxes that you may read, of the users watched");
  watch
      .add_option("--zeromq", zeromq,
                  "Follow by these ZeroMQ sockets of the server, without logging in")
      ->type_name("PUBLISH SNAPSHOT")
      ->delimiter(',')
      ->expected(2)
      ->allow_extra_args(false)
      ->excludes(mailboxes);
  NameEnvironment(watch, "UNIPRESENCE_");
}

}  // namespace unipresence::cli
