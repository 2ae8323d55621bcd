#include "clients/cli/command_line.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>

#include "tests/unit/cli/parsed.h"

namespace unipresence::cli {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

// Sets an environment variable until the end of the test.
class WithEnvironment {
 public:
  WithEnvironment(const char* name, const char* value) : name_(name) { setenv(name, value, 1); }
  ~WithEnvironment() { unsetenv(name_); }

 private:
  const char* const name_;
};

TEST(CommandLineTest, GlobalFlagsMayStandAnywhere) {
  for (const std::vector<std::string>& arguments :
       {std::vector<std::string>{"--server", "a:1", "-o", "json", "get", "presence", "alice"},
        std::vector<std::string>{"get", "presence", "alice", "-o", "json", "--server", "a:1"},
        std::vector<std::string>{"get", "--server=a:1", "presence", "--output=JSON", "alice"}}) {
    const Invocation invocation = Parsed(arguments);
    EXPECT_EQ(invocation.name, "get presence");
    EXPECT_EQ(invocation.global.server, "a:1");
    EXPECT_EQ(invocation.global.output, OutputFormat::kJson);
    EXPECT_THAT(std::get<GetPresenceOptions>(invocation.command).users, ElementsAre("alice"));
  }
}

TEST(CommandLineTest, Defaults) {
  const Invocation invocation = Parsed({"get", "presence"});
  EXPECT_EQ(invocation.global.server, "");
  EXPECT_EQ(invocation.global.session_file, "");
  EXPECT_EQ(invocation.global.output, OutputFormat::kTable);
  EXPECT_EQ(invocation.global.timeout, std::chrono::seconds(10));
  EXPECT_THAT(std::get<GetPresenceOptions>(invocation.command).users, IsEmpty());
}

TEST(CommandLineTest, UsersMayBeCalledLikeCommands) {
  EXPECT_THAT(CommandOf<GetPresenceOptions>({"get", "presence", "list", "watch"}).users,
              ElementsAre("list", "watch"));
  EXPECT_EQ(CommandOf<ExplainOptions>({"explain", "--", "-x"}).user, "-x");
}

TEST(CommandLineTest, EveryFlagHasAnEnvironmentVariable) {
  const WithEnvironment server("UNIPRESENCE_SERVER", "env:1");
  const WithEnvironment file("UNIPRESENCE_SESSION_FILE", "/tmp/s");
  const WithEnvironment output("UNIPRESENCE_OUTPUT", "json");
  const WithEnvironment timeout("UNIPRESENCE_TIMEOUT", "0.5");
  const Invocation invocation = Parsed({"whoami"});
  EXPECT_EQ(invocation.global.server, "env:1");
  EXPECT_EQ(invocation.global.session_file, "/tmp/s");
  EXPECT_EQ(invocation.global.output, OutputFormat::kJson);
  EXPECT_EQ(invocation.global.timeout, std::chrono::milliseconds(500));
  EXPECT_EQ(Parsed({"whoami", "--server", "flag:2"}).global.server, "flag:2");
}

TEST(CommandLineTest, AVariableOfAnotherCommandDoesNoHarm) {
  const WithEnvironment state("UNIPRESENCE_STATE", "nonsense");
  const WithEnvironment zeromq("UNIPRESENCE_ZEROMQ", "one");
  EXPECT_EQ(Parsed({"whoami"}).name, "whoami");
  EXPECT_EQ(Refused({"list"}).code, ExitCode::kUsage);
}

TEST(CommandLineTest, AnEmptyValueIsNone) {
  // What is left of `--user "$VARIABLE"` without the variable.
  for (const std::vector<std::string>& arguments :
       {std::vector<std::string>{"dnd", "on", "--user", ""},
        std::vector<std::string>{"dnd", "on", "--user="}, std::vector<std::string>{"explain", ""},
        std::vector<std::string>{"get", "presence", "alice", ""},
        std::vector<std::string>{"dnd", "--user=", "on"},
        std::vector<std::string>{"--server", "", "whoami"},
        std::vector<std::string>{"whoami", "--session-file", ""},
        std::vector<std::string>{"login", ""},
        std::vector<std::string>{"login", "alice", "--password-file", ""},
        std::vector<std::string>{"logout", "--session", ""},
        std::vector<std::string>{"session", "list", ""},
        std::vector<std::string>{"forward", "set", "busy", ""},
        std::vector<std::string>{"forward", "clear", "busy", "--user", ""},
        std::vector<std::string>{"asterisk", "apply", "--pbx", ""},
        std::vector<std::string>{"users", "delete", ""},
        std::vector<std::string>{"users", "add", "bob", "--password-file", ""}}) {
    const EarlyExit refused = Refused(arguments);
    EXPECT_EQ(refused.code, ExitCode::kUsage) << arguments[0];
    EXPECT_THAT(refused.text, HasSubstr("empty")) << arguments[0];
  }
  // Here it says something.
  EXPECT_EQ(CommandOf<UsersUpdateOptions>({"users", "update", "bob", "--display-name", ""})
                .flags.display_name,
            "");
  EXPECT_EQ(
      CommandOf<UsersUpdateOptions>({"users", "update", "bob", "--voicemail="}).flags.voicemail,
      "");
  EXPECT_EQ(CommandOf<UsersListOptions>({"users", "list", "--query", ""}).query, "");
  const WithEnvironment user("UNIPRESENCE_USER", "");
  EXPECT_EQ(CommandOf<ExplainOptions>({"explain"}).user, "") << "as if it were not set";
}

TEST(CommandLineTest, Login) {
  const auto login =
      CommandOf<LoginOptions>({"login", "alice", "--password-file", "pw", "--hold", "--client"});
  EXPECT_EQ(login.username, "alice");
  EXPECT_EQ(login.password.file, "pw");
  EXPECT_TRUE(login.hold);
  EXPECT_TRUE(login.client);
  EXPECT_FALSE(login.background);
  EXPECT_EQ(Refused({"login"}).code, ExitCode::kUsage);
  EXPECT_EQ(Refused({"login", "a", "--password-file", "x", "--password-stdin"}).code,
            ExitCode::kUsage);
  EXPECT_EQ(Refused({"login", "a", "--hold", "--background"}).code, ExitCode::kUsage);
}

TEST(CommandLineTest, LoginFromTheEnvironment) {
  const WithEnvironment username("UNIPRESENCE_USERNAME", "alice");
  const WithEnvironment file("UNIPRESENCE_PASSWORD_FILE", "pw");
  const WithEnvironment hold("UNIPRESENCE_HOLD", "1");
  const auto login = CommandOf<LoginOptions>({"login"});
  EXPECT_EQ(login.username, "alice");
  EXPECT_EQ(login.password.file, "pw");
  EXPECT_TRUE(login.hold);
}

TEST(CommandLineTest, ThePasswordToLogInWithIsNoNewUsersPassword) {
  const WithEnvironment file("UNIPRESENCE_PASSWORD_FILE", "admin.txt");
  const WithEnvironment username("UNIPRESENCE_USERNAME", "admin");
  const auto add = CommandOf<UsersAddOptions>({"users", "add", "bob"});
  EXPECT_EQ(add.flags.password.file, "");
  EXPECT_EQ(add.flags.username, std::nullopt);
  const WithEnvironment new_file("UNIPRESENCE_NEW_PASSWORD_FILE", "bob.txt");
  EXPECT_EQ(CommandOf<UsersAddOptions>({"users", "add", "bob"}).flags.password.file, "bob.txt");
}

TEST(CommandLineTest, Select) {
  EXPECT_EQ(CommandOf<SelectOptions>({"select", "deskphone"}).device, v1::LINE_KIND_DESKPHONE);
  EXPECT_EQ(CommandOf<SelectOptions>({"select", "WEBRTC", "--user", "bob"}).user, "bob");
  EXPECT_EQ(CommandOf<SelectOptions>({"select"}).device, v1::LINE_KIND_UNSPECIFIED);
  const EarlyExit exit = Refused({"select", "fax"});
  EXPECT_EQ(exit.code, ExitCode::kUsage);
  EXPECT_THAT(exit.text, HasSubstr("'fax' is none of deskphone, webrtc"));
  EXPECT_THAT(exit.text, HasSubstr("unipresence select --help"));
}

TEST(CommandLineTest, AsteriskRender) {
  const auto plain = CommandOf<AsteriskRenderOptions>({"asterisk", "render"});
  EXPECT_EQ(plain.pbx, "");
  EXPECT_EQ(plain.output_folder, "");
  const auto given = CommandOf<AsteriskRenderOptions>(
      {"asterisk", "render", "--pbx", "main", "--output-dir", "rendered"});
  EXPECT_EQ(given.pbx, "main");
  EXPECT_EQ(given.output_folder, "rendered");
}

TEST(CommandLineTest, AsteriskApply) {
  EXPECT_FALSE(CommandOf<AsteriskApplyOptions>({"asterisk", "apply"}).dry_run);
  EXPECT_EQ(Parsed({"asterisk", "apply"}).global.timeout, std::chrono::seconds(60));
  EXPECT_EQ(Parsed({"asterisk", "apply", "--timeout", "5"}).global.timeout,
            std::chrono::seconds(5));
  const auto given =
      CommandOf<AsteriskApplyOptions>({"asterisk", "apply", "--pbx", "main", "--dry-run"});
  EXPECT_EQ(given.pbx, "main");
  EXPECT_TRUE(given.dry_run);
}

TEST(CommandLineTest, Voicemail) {
  EXPECT_EQ(CommandOf<VoicemailOptions>({"voicemail"}).user, "");
  EXPECT_EQ(CommandOf<VoicemailOptions>({"voicemail", "alice"}).user, "alice");
  EXPECT_FALSE(CommandOf<WatchOptions>({"watch", "alice"}).mailboxes);
  EXPECT_TRUE(CommandOf<WatchOptions>({"watch", "alice", "--mailboxes"}).mailboxes);
}

TEST(CommandLineTest, DoNotDisturb) {
  EXPECT_EQ(CommandOf<DoNotDisturbOptions>({"dnd", "on"}).on, true);
  EXPECT_EQ(CommandOf<DoNotDisturbOptions>({"dnd", "off"}).on, false);
  EXPECT_EQ(CommandOf<DoNotDisturbOptions>({"dnd"}).on, std::nullopt);
}

TEST(CommandLineTest, Forward) {
  const auto set =
      CommandOf<ForwardSetOptions>({"forward", "set", "no-answer", "+33123", "--user", "bob"});
  EXPECT_EQ(set.condition, v1::FORWARDING_CONDITION_NO_ANSWER);
  EXPECT_EQ(set.destination, "+33123");
  EXPECT_EQ(set.user, "bob");
  EXPECT_FALSE(set.off);
  const auto off = CommandOf<ForwardSetOptions>({"forward", "set", "BUSY", "--off"});
  EXPECT_EQ(off.condition, v1::FORWARDING_CONDITION_BUSY);
  EXPECT_EQ(off.destination, "");
  EXPECT_TRUE(off.off);
  EXPECT_EQ(CommandOf<ForwardClearOptions>({"forward", "clear"}).condition,
            v1::FORWARDING_CONDITION_UNSPECIFIED);
  EXPECT_EQ(CommandOf<ForwardClearOptions>({"forward", "clear", "unconditional"}).condition,
            v1::FORWARDING_CONDITION_UNCONDITIONAL);
  EXPECT_EQ(CommandOf<ForwardGetOptions>({"forward", "get", "--user", "bob"}).user, "bob");
  EXPECT_EQ(Refused({"forward", "set"}).code, ExitCode::kUsage);
  EXPECT_THAT(Refused({"forward", "set", "always", "2000"}).text,
              HasSubstr("'always' is none of unconditional, busy, no-answer"));
}

TEST(CommandLineTest, RingTimeAndVoicemailOfUsers) {
  const auto add = CommandOf<UsersAddOptions>(
      {"users", "add", "bob", "--ring-seconds", "20", "--voicemail", "1002@sales",
       "--voicemail-email", "bob@example.org", "--voicemail-password-file", "pin.txt"});
  EXPECT_EQ(add.flags.ring_seconds, 20u);
  EXPECT_EQ(add.flags.voicemail, "1002@sales");
  EXPECT_EQ(add.flags.voicemail_email, "bob@example.org");
  EXPECT_EQ(add.flags.voicemail_password_file, "pin.txt");
  const auto update = CommandOf<UsersUpdateOptions>({"users", "update", "bob", "--voicemail", ""});
  EXPECT_EQ(update.flags.voicemail, "");
  EXPECT_EQ(update.flags.ring_seconds, std::nullopt);
  EXPECT_EQ(Refused({"users", "add", "bob", "--ring-seconds", "301"}).code, ExitCode::kUsage);
}

TEST(CommandLineTest, Calls) {
  EXPECT_FALSE(CommandOf<CallsOptions>({"calls"}).watch);
  const auto calls = CommandOf<CallsOptions>({"calls", "--watch", "--user", "bob"});
  EXPECT_TRUE(calls.watch);
  EXPECT_TRUE(calls.reconnect);
  EXPECT_EQ(calls.user, "bob");
  EXPECT_EQ(CommandOf<CallOptions>({"call", "+33123"}).number, "+33123");
  EXPECT_EQ(CommandOf<CallOptions>({"call", "1", "--request-id", "abcdefgh"}).request_id,
            "abcdefgh");
  EXPECT_EQ(CommandOf<HangUpOptions>({"hangup", "main/1"}).call, "main/1");
  EXPECT_EQ(Refused({"call"}).code, ExitCode::kUsage);
  EXPECT_EQ(Refused({"hangup"}).code, ExitCode::kUsage);
}

TEST(CommandLineTest, Transfer) {
  using Step = TransferOptions::Step;
  const auto blind = CommandOf<TransferOptions>({"transfer", "main/1", "1003"});
  EXPECT_EQ(blind.step, Step::kBlind);
  EXPECT_EQ(blind.call, "main/1");
  EXPECT_EQ(blind.number, "1003");
  const auto attended = CommandOf<TransferOptions>({"transfer", "main/1", "1003", "--attended"});
  EXPECT_EQ(attended.step, Step::kAttended);
  EXPECT_EQ(CommandOf<TransferOptions>({"transfer", "main/1", "--complete"}).step, Step::kComplete);
  EXPECT_EQ(CommandOf<TransferOptions>({"transfer", "--cancel", "main/1"}).step, Step::kCancel);
  EXPECT_THAT(Refused({"transfer", "main/1"}).text, HasSubstr("NUMBER is required"));
  EXPECT_THAT(Refused({"transfer", "main/1", "1003", "--cancel"}).text,
              HasSubstr("NUMBER cannot be given"));
  EXPECT_THAT(Refused({"transfer", "main/1", "--cancel", "--complete"}).text,
              HasSubstr("one of --attended, --complete and --cancel"));
}

TEST(CommandLineTest, ListTakesSeveralStates) {
  EXPECT_THAT(CommandOf<ListOptions>({"list", "--state", "ringing,IN-USE"}).states,
              ElementsAre(v1::PRESENCE_STATE_RINGING, v1::PRESENCE_STATE_IN_USE));
  EXPECT_THAT(CommandOf<ListOptions>({"list", "--state", "BUSY", "--state", "ON_HOLD"}).states,
              ElementsAre(v1::PRESENCE_STATE_BUSY, v1::PRESENCE_STATE_ON_HOLD));
}

TEST(CommandLineTest, Watch) {
  const auto plain = CommandOf<WatchOptions>({"watch", "alice", "bob"});
  EXPECT_THAT(plain.users, ElementsAre("alice", "bob"));
  EXPECT_TRUE(plain.reconnect);
  EXPECT_FALSE(CommandOf<WatchOptions>({"watch", "--no-reconnect"}).reconnect);
  const auto zeromq =
      CommandOf<WatchOptions>({"watch", "--zeromq", "tcp://a:1", "tcp://a:2", "alice"});
  EXPECT_EQ(zeromq.zeromq_publish, "tcp://a:1");
  EXPECT_EQ(zeromq.zeromq_snapshot, "tcp://a:2");
  EXPECT_THAT(zeromq.users, ElementsAre("alice"));
  const WithEnvironment both("UNIPRESENCE_ZEROMQ", "tcp://b:1,tcp://b:2");
  EXPECT_EQ(CommandOf<WatchOptions>({"watch"}).zeromq_snapshot, "tcp://b:2");
}

TEST(CommandLineTest, UsersAddTakesAFileOrOneUser) {
  EXPECT_EQ(CommandOf<UsersAddOptions>({"users", "add", "--file", "u.yaml"}).file, "u.yaml");
  const auto one = CommandOf<UsersAddOptions>(
      {"users", "add", "bob", "--exten", "1002", "--context", "default", "--line-type", "ua",
       "--deskphone", "PJSIP/bob", "--webrtc", "PJSIP/bob_w", "--pbx", "main", "--role", "admin"});
  EXPECT_EQ(one.id, "bob");
  EXPECT_EQ(one.flags.exten, "1002");
  EXPECT_EQ(one.flags.line_type, v1::LINE_TYPE_UNIQUE_ACCOUNT);
  EXPECT_EQ(one.flags.devices[LineKind::kWebrtc], "PJSIP/bob_w");
  EXPECT_EQ(one.flags.role, v1::ROLE_ADMINISTRATOR);
  EXPECT_EQ(one.flags.display_name, std::nullopt);
  EXPECT_EQ(Refused({"users", "add"}).code, ExitCode::kUsage);
  EXPECT_EQ(Refused({"users", "add", "bob", "--file", "x"}).code, ExitCode::kUsage);
  EXPECT_THAT(Refused({"users", "add", "--exten", "1", "--file", "x"}).text, HasSubstr("--exten"));
}

TEST(CommandLineTest, OtherCommands) {
  EXPECT_EQ(CommandOf<LogoutOptions>({"logout", "--session", "s"}).session, "s");
  EXPECT_EQ(CommandOf<SessionListOptions>({"session", "list", "--user", "bob"}).user, "bob");
  EXPECT_EQ(CommandOf<ExplainOptions>({"explain", "bob", "--causes", "3"}).causes, 3);
  EXPECT_EQ(CommandOf<UsersListOptions>({"users", "list", "--query", "mar"}).query, "mar");
  EXPECT_EQ(CommandOf<UsersGetOptions>({"users", "get", "bob"}).id, "bob");
  EXPECT_THAT(CommandOf<UsersDeleteOptions>({"users", "delete", "a", "b"}).ids,
              ElementsAre("a", "b"));
  EXPECT_EQ(CommandOf<UsersUpdateOptions>({"users", "update", "bob", "--exten", "7"}).flags.exten,
            "7");
  EXPECT_THAT(CommandOf<PbxStatusOptions>({"pbx", "status", "main"}).pbxs, ElementsAre("main"));
  EXPECT_EQ(CommandOf<PbxReconcileOptions>({"pbx", "reconcile", "main"}).pbx, "main");
  CommandOf<ServerStatusOptions>({"server", "status"});
  EXPECT_EQ(CommandOf<CompletionOptions>({"completion", "zsh"}).shell, "zsh");
  CommandOf<VersionOptions>({"version"});
}

TEST(CommandLineTest, AnArgumentThatIsNotUtf8IsNamed) {
  for (const std::string argument : {"Soci\xE9t\xE9", "--user=\xCF\xE5", "\xC3", "\xED\xA0\x80"}) {
    const EarlyExit exit = Refused({"get", "presence", argument});
    EXPECT_EQ(exit.code, ExitCode::kUsage);
    EXPECT_THAT(exit.text, HasSubstr("is not UTF-8"));
  }
  EXPECT_THAT(Refused({"get", "presence", "Soci\xE9t\xE9"}).text,
              HasSubstr("'Soci\xEF\xBF\xBDt\xEF\xBF\xBD'"));
}

}  // namespace
}  // namespace unipresence::cli
