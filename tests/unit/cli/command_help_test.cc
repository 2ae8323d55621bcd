// What the command line says: help, and what may have been meant by a wrong one.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <sstream>

#include "tests/unit/cli/parsed.h"

namespace unipresence::cli {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::StartsWith;

TEST(CommandHelpTest, Wait) {
  const auto wait = CommandOf<WaitOptions>({"wait", "alice", "in-use,RINGING", "--timeout", "30s"});
  EXPECT_EQ(wait.user, "alice");
  EXPECT_THAT(wait.states, ElementsAre(v1::PRESENCE_STATE_IN_USE, v1::PRESENCE_STATE_RINGING));
  EXPECT_EQ(wait.timeout, std::chrono::seconds(30));
  const auto other = CommandOf<WaitOptions>({"wait", "AVAILABLE", "--user", "bob"});
  EXPECT_EQ(other.user, "bob");
  EXPECT_THAT(other.states, ElementsAre(v1::PRESENCE_STATE_AVAILABLE));
  EXPECT_EQ(other.timeout, std::nullopt);
  // Its time is not that of each answer.
  const Invocation both = Parsed({"--timeout", "5", "wait", "alice", "BUSY", "--timeout", "2m"});
  EXPECT_EQ(both.global.timeout, std::chrono::seconds(5));
  EXPECT_EQ(std::get<WaitOptions>(both.command).timeout, std::chrono::minutes(2));
  EXPECT_EQ(Refused({"wait"}).code, ExitCode::kUsage);
  EXPECT_EQ(Refused({"wait", "alice"}).code, ExitCode::kUsage);
  EXPECT_EQ(Refused({"wait", "alice", "BUSY", "--timeout", "soon"}).code, ExitCode::kUsage);
  EXPECT_THAT(Refused({"wait", "alice", "AVAILABEL"}).text, HasSubstr("did you mean 'AVAILABLE'"));
  EXPECT_THAT(Refused({"wait", "AVAILABEL", "--user", "bob"}).text,
              HasSubstr("did you mean 'AVAILABLE'"));
}

TEST(CommandHelpTest, UserIsNamedInOneWay) {
  EXPECT_THAT(CommandOf<GetPresenceOptions>({"get", "presence", "--user", "alice,bob"}).users,
              ElementsAre("alice", "bob"));
  EXPECT_THAT(CommandOf<WatchOptions>({"watch", "--user", "alice"}).users, ElementsAre("alice"));
  EXPECT_EQ(CommandOf<ExplainOptions>({"explain", "--user", "bob"}).user, "bob");
  EXPECT_EQ(CommandOf<VoicemailOptions>({"voicemail", "--user", "bob"}).user, "bob");
  EXPECT_EQ(CommandOf<UsersGetOptions>({"users", "get", "--user", "bob"}).id, "bob");
  EXPECT_EQ(CommandOf<CallsOptions>({"calls", "bob"}).user, "bob");
  EXPECT_EQ(CommandOf<SessionListOptions>({"session", "list", "bob"}).user, "bob");
  EXPECT_EQ(CommandOf<ForwardGetOptions>({"forward", "get", "bob"}).user, "bob");
  EXPECT_EQ(Refused({"explain", "alice", "--user", "bob"}).code, ExitCode::kUsage);
}

TEST(CommandHelpTest, SaysWhatMayHaveBeenMeant) {
  EXPECT_THAT(Refused({"lsit"}).text,
              HasSubstr("there is no command 'lsit' here; did you mean 'list'?"));
  EXPECT_THAT(Refused({"users", "ad"}).text, HasSubstr("did you mean 'add'?"));
  EXPECT_THAT(Refused({"list", "--stat", "BUSY"}).text,
              HasSubstr("there is no flag '--stat' here; did you mean '--state'?"));
  EXPECT_THAT(Refused({"list", "--sever=a:1"}).text, HasSubstr("did you mean '--server'?"));
  EXPECT_THAT(Refused({"list", "--state", "RINGIN"}).text, HasSubstr("did you mean 'RINGING'"));
  EXPECT_THAT(Refused({"select", "deskfone"}).text, HasSubstr("did you mean 'deskphone'?"));
  EXPECT_THAT(Refused({"login", "--pasword-file", "x"}).text,
              HasSubstr("did you mean '--password-file'?"));
  EXPECT_THAT(Refused({"whoami", "extra"}).text, HasSubstr("'extra' is one word too many"));
  EXPECT_THAT(Refused({"zzzzzz"}).text, ::testing::Not(HasSubstr("did you mean")));
}

TEST(CommandHelpTest, HelpOfAGroupIsAboutTheGroup) {
  for (const char* group : {"users", "forward", "session", "get", "pbx", "server", "asterisk"}) {
    for (const EarlyExit& exit : {Refused({group, "--help"}), Refused({group})}) {
      EXPECT_THAT(exit.text, HasSubstr(std::string("unipresence ") + group));
      EXPECT_THAT(exit.text, HasSubstr("Examples:"));
      EXPECT_THAT(exit.text, ::testing::Not(HasSubstr("--session-file")));
    }
  }
}

// All help, found by walking the description.
TEST(CommandHelpTest, HelpFitsTheTerminal) {
  const std::function<void(const CommandSpec&, std::vector<std::string>)> walk =
      [&](const CommandSpec& command, std::vector<std::string> path) {
        path.emplace_back("--help");
        std::istringstream lines(Refused(path).text);
        path.pop_back();
        for (std::string line; std::getline(lines, line);) {
          EXPECT_LE(line.size(), 100U) << command.name << ": " << line;
        }
        for (const CommandSpec& child : command.commands) {
          path.push_back(child.name);
          walk(child, path);
          path.pop_back();
        }
      };
  walk(DescribeCommands(), {});
}

TEST(CommandHelpTest, TimesAndWidth) {
  EXPECT_FALSE(Parsed({"list"}).global.utc);
  EXPECT_TRUE(Parsed({"list", "--utc"}).global.utc);
  EXPECT_EQ(Parsed({"list", "-o", "wide"}).global.output, OutputFormat::kWide);
  EXPECT_TRUE(CommandOf<WatchOptions>({"watch", "--all-changes"}).all_changes);
}

// Every flag of every command, found by walking the description: its help names the variable.
TEST(CommandHelpTest, HelpNamesTheVariableOfEachFlag) {
  const std::function<void(const CommandSpec&, std::vector<std::string>)> walk =
      [&](const CommandSpec& command, std::vector<std::string> path) {
        path.emplace_back("--help");
        const std::string help = Refused(path).text;
        path.pop_back();
        for (const FlagSpec& flag : command.flags) {
          const std::string& name = flag.names.back();
          if (name == "--help" || name == "--version") continue;
          const std::size_t at = help.find(name + " ");
          ASSERT_NE(at, std::string::npos) << command.name << " " << name;
          EXPECT_THAT(help.substr(at, help.find('\n', at) - at), HasSubstr("(Env:UNIPRESENCE_"));
        }
        for (const CommandSpec& child : command.commands) {
          path.push_back(child.name);
          walk(child, path);
          path.pop_back();
        }
      };
  walk(DescribeCommands(), {});
}

TEST(CommandHelpTest, WrongLinesAreUsageErrors) {
  for (const std::vector<std::string>& arguments :
       {std::vector<std::string>{}, std::vector<std::string>{"get"},
        std::vector<std::string>{"nonsense"}, std::vector<std::string>{"pbx", "reconcile"},
        std::vector<std::string>{"whoami", "extra"},
        std::vector<std::string>{"whoami", "--nonsense"},
        std::vector<std::string>{"whoami", "-o", "xml"},
        std::vector<std::string>{"whoami", "--timeout", "-1"},
        std::vector<std::string>{"users", "delete"},
        std::vector<std::string>{"explain", "--causes", "0"}}) {
    const EarlyExit exit = Refused(arguments);
    EXPECT_EQ(exit.code, ExitCode::kUsage) << exit.text;
    EXPECT_THAT(exit.text, HasSubstr("unipresence"));
  }
}

TEST(CommandHelpTest, HelpAndVersionAreNoErrors) {
  const EarlyExit help = Refused({"--help"});
  EXPECT_EQ(help.code, ExitCode::kOk);
  EXPECT_THAT(help.text, HasSubstr("Exit codes:"));
  EXPECT_THAT(help.text, HasSubstr("unipresence login alice"));
  EXPECT_THAT(Refused({"get", "presence", "--help"}).text, HasSubstr("update_time"));
  EXPECT_THAT(Refused({"--version"}).text, StartsWith("unipresence 0."));
}

}  // namespace
}  // namespace unipresence::cli
