// The command line of login, logout, whoami, session, select, dnd.

#include "aggregator/model/line_kind.h"
#include "clients/cli/command_tree.h"
#include "clients/cli/help_texts.h"
#include "clients/cli/words.h"

namespace unipresence::cli {

void CommandTree::AddSessionCommands() {
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
  CLI::App& session = Group(
      "session", "Live sessions",
      "A session is what `login` makes. It ends by `logout`, or when nobody keeps it alive.\n\n"
      "Examples:\n  unipresence session list\n  unipresence session list alice\n"
      "  unipresence logout --session ID");
  CLI::App& list = Command(session, "list", "List your sessions; as administrator, everyone's",
                           [this] { return session_list_; });
  AddUser(list, session_list_.user, "Only those of this user", /*alone=*/true);
  NameEnvironment(list, "UNIPRESENCE_");
}

void CommandTree::AddSelectionCommands() {
  CLI::App& select = Command(
      root_, "select", "Choose the device that rings; without DEVICE show the choice",
      [this] {
        if (!select_device_.empty()) select_.device = *ParseLineKind(select_device_);
        return select_;
      },
      "Examples:\n  unipresence select webrtc\n  unipresence select deskphone --user alice");
  std::vector<std::string> devices;
  for (LineKind kind : kLineKinds) devices.emplace_back(TraitsOf(kind).key);
  WithChoices(select.add_option("DEVICE", select_device_, std::string(kLineKindChoices)),
              std::move(devices));
  AddUser(select, select_.user, "For this user (administrators)");
  NameEnvironment(select, "UNIPRESENCE_");

  CLI::App& dnd = Command(root_, "dnd", "Switch do-not-disturb; without argument show it", [this] {
    if (!dnd_value_.empty()) dnd_.on = IsMemberIgnoringCase({"on"}, dnd_value_);
    return dnd_;
  });
  WithChoices(dnd.add_option("VALUE", dnd_value_, "on or off"), {"on", "off"});
  AddUser(dnd, dnd_.user, "For this user (administrators)");
  NameEnvironment(dnd, "UNIPRESENCE_");
}

}  // namespace unipresence::cli
