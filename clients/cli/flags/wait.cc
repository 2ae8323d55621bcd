// The command line of `wait`.

#include <fmt/ranges.h>

#include "clients/cli/command_tree.h"
#include "clients/cli/help_texts.h"
#include "clients/cli/nearest.h"
#include "clients/cli/words.h"

namespace unipresence::cli {

void CommandTree::AddWait() {
  auto& options = Keep<WaitOptions>();
  auto& named = Keep<std::string>();
  auto& words = Keep<std::vector<std::string>>();
  CLI::App& wait = Command(
      root_, "wait", "Wait until a user has a state",
      [&options, &words] {
        for (const std::string& word : words) {
          options.states.push_back(*ParsePresenceState(word));
        }
        return options;
      },
      kWaitFooter);
  wait.add_option("USER", options.user, "The user");
  CLI::Option* states =
      WithChoices(wait.add_option("STATE", words, "The state, or several with commas")
                      ->delimiter(',')
                      ->expected(1)
                      ->take_all(),
                  PresenceStateWords());
  CLI::Option* user = AddUser(wait, named, "The user, instead of USER");
  AddTime(wait, "--timeout", options.timeout, "Give up after this time (default: never)");
  NameEnvironment(wait, "UNIPRESENCE_WAIT_");
  user->envname("UNIPRESENCE_USER");
  wait.callback([&options, &named, &words, states, user] {
    if (user->count() > 0) {
      // The first word is the state then.
      if (states->count() > 0) throw CLI::ValidationError("give USER or --user USER, not both");
      words = CLI::detail::split(std::exchange(options.user, named), ',');
    }
    if (words.empty() || options.user.empty()) {
      throw CLI::ValidationError("give a user and a state, such as: wait alice AVAILABLE");
    }
    const std::vector<std::string> known = PresenceStateWords();
    for (const std::string& word : words) {
      if (ParsePresenceState(word)) continue;
      throw CLI::ValidationError(fmt::format("'{}' is none of {}{}", word, fmt::join(known, ", "),
                                             DidYouMean(word, known)));
    }
  });
}

}  // namespace unipresence::cli
