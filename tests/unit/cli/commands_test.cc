#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "clients/cli/commands/user_advice.h"
#include "clients/cli/failure.h"
#include "tests/unit/cli/command_fixture.h"

namespace unipresence::cli {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

class CommandsTest : public CommandFixture {
 protected:
  void SetUp() override { LogIn(); }
};

TEST_F(CommandsTest, GetPresenceOfOneselfAndOfAnother) {
  EXPECT_TRUE(RunCommand(GetPresenceOptions{}, NewContext()).ok());
  EXPECT_THAT(Values("user"), ElementsAre("alice"));
  EXPECT_TRUE(RunCommand(GetPresenceOptions{.users = {"bob"}}, NewContext()).ok());
  EXPECT_THAT(Values("user"), ElementsAre("bob"));
}

TEST_F(CommandsTest, GetPresenceOfNobodyPrintsNothing) {
  const absl::Status status =
      RunCommand(GetPresenceOptions{.users = {"eve"}}, NewContext(OutputFormat::kTable));
  EXPECT_TRUE(absl::IsNotFound(status));
  EXPECT_EQ(out_->Text(), "") << "no header either";
}

TEST_F(CommandsTest, VoicemailOfOneselfAndOfAnother) {
  for (const char* user : {"alice", "bob"}) {
    v1::Mailbox& box = server_.mailboxes[user];
    box.set_user(user);
    box.set_mailbox("1001@default");
    box.set_pbx("main");
    box.set_new_message_count(2);
  }
  server_.mailboxes["bob"].set_stale(true);
  EXPECT_TRUE(RunCommand(VoicemailOptions{}, NewContext()).ok());
  EXPECT_THAT(Values("user"), ElementsAre("alice"));
  EXPECT_EQ(Objects()[0]["new_message_count"], 2);
  EXPECT_TRUE(RunCommand(VoicemailOptions{}, NewContext(OutputFormat::kTable)).ok());
  EXPECT_EQ(out_->Text(), "alice: 2 new, 0 old in 1001@default on main\n");
  EXPECT_TRUE(RunCommand(VoicemailOptions{.user = "bob"}, NewContext(OutputFormat::kTable)).ok());
  EXPECT_THAT(out_->Text(), HasSubstr("(not read yet)"));
  server_.mailboxes["bob"].mutable_update_time()->set_seconds(1);
  EXPECT_TRUE(RunCommand(VoicemailOptions{.user = "bob"}, NewContext(OutputFormat::kTable)).ok());
  EXPECT_THAT(out_->Text(), HasSubstr("(the last known; why: unipresence pbx status)"));
  const absl::Status none = RunCommand(VoicemailOptions{.user = "carol"}, NewContext());
  EXPECT_EQ(ExitCodeOf(none), ExitCode::kNotFound);
  EXPECT_THAT(FormatFailure({.command = "voicemail", .server = "x"}, none),
              HasSubstr("'carol' has no voicemail box"));
}

TEST_F(CommandsTest, GetPresencesInTheOrderAskedFor) {
  EXPECT_TRUE(RunCommand(GetPresenceOptions{.users = {"carol", "alice"}}, NewContext()).ok());
  EXPECT_THAT(Values("user"), ElementsAre("carol", "alice"));
}

TEST_F(CommandsTest, GetPresencesTellsWhoIsMissingAndPrintsTheOthers) {
  server_.missing_named = 1;  // the server may name but some of them
  const absl::Status status =
      RunCommand(GetPresenceOptions{.users = {"eve", "alice", "mallory", "bob"}}, NewContext());
  EXPECT_EQ(ExitCodeOf(status), ExitCode::kNotFound);
  EXPECT_THAT(Values("user"), ElementsAre("alice", "bob"));
  const std::string text = FormatFailure({.command = "get presence", .server = "x"}, status);
  EXPECT_THAT(text, HasSubstr("'eve', nor 'mallory'"));
  EXPECT_THAT(text, HasSubstr("users list"));
}

TEST_F(CommandsTest, GetPresencesOfNobodyAtAll) {
  const absl::Status status = RunCommand(GetPresenceOptions{.users = {"x", "y"}}, NewContext());
  EXPECT_TRUE(absl::IsNotFound(status));
  EXPECT_THAT(out_->Lines(), IsEmpty());
}

TEST_F(CommandsTest, MoreUsersThanOneBatchTakes) {
  std::vector<std::string> users;
  for (int i = 0; i < 2'500; ++i) {
    users.push_back(fmt::format("u{}", i));
    server_.presences[users.back()].set_user(users.back());
  }
  EXPECT_TRUE(RunCommand(GetPresenceOptions{.users = users}, NewContext()).ok());
  EXPECT_EQ(Values("user"), users);
}

TEST_F(CommandsTest, ListReadsAllPages) {
  server_.page_size = 2;
  EXPECT_TRUE(RunCommand(ListOptions{}, NewContext()).ok());
  EXPECT_THAT(Values("user"), ::testing::UnorderedElementsAre("alice", "bob", "carol"));
}

TEST_F(CommandsTest, ListOfOnePageIsSorted) {
  EXPECT_TRUE(RunCommand(ListOptions{}, NewContext()).ok());
  EXPECT_THAT(Values("user"), ElementsAre("alice", "bob", "carol"));
}

TEST_F(CommandsTest, ListOfStates) {
  server_.presences["bob"].set_state(v1::PRESENCE_STATE_BUSY);
  EXPECT_TRUE(RunCommand(ListOptions{.states = {v1::PRESENCE_STATE_BUSY}}, NewContext()).ok());
  EXPECT_THAT(Values("user"), ElementsAre("bob"));
}

TEST_F(CommandsTest, AnEmptyListHasAHeader) {
  server_.presences.clear();
  EXPECT_TRUE(RunCommand(ListOptions{}, NewContext(OutputFormat::kTable)).ok());
  EXPECT_THAT(out_->Lines(), ElementsAre(HasSubstr("USER")));
}

TEST_F(CommandsTest, AnEndedSessionAsksToLogIn) {
  server_.EndSessions();
  const absl::Status status = RunCommand(GetPresenceOptions{}, NewContext());
  EXPECT_EQ(ExitCodeOf(status), ExitCode::kNotLoggedIn);
}

TEST_F(CommandsTest, AServerThatIsAwayIsUnavailable) {
  server_.Stop();
  const absl::Status status = RunCommand(GetPresenceOptions{}, NewContext());
  EXPECT_EQ(ExitCodeOf(status), ExitCode::kUnavailable);
  context_->Report(status);
  EXPECT_THAT(errors_->Text(), HasSubstr(server_.address()));
}

TEST_F(CommandsTest, AnRpcThatTheServerLacksIsToldSo) {
  const absl::Status status = RunCommand(ExplainOptions{}, NewContext());
  EXPECT_EQ(ExitCodeOf(status), ExitCode::kFailure);
  context_->Report(status);
  EXPECT_THAT(errors_->Text(), HasSubstr("does not offer this"));
}

TEST_F(CommandsTest, SelectTellsWhereCallsRing) {
  EXPECT_TRUE(RunCommand(SelectOptions{.device = v1::LINE_KIND_WEBRTC, .user = ""},
                         NewContext(OutputFormat::kTable))
                  .ok());
  EXPECT_THAT(out_->Text(), HasSubstr("alice: WEBRTC is selected; calls ring on DESKPHONE"));
}

constexpr char kUsers[] = R"(
- {id: dave, display_name: Dave, exten: '1004', context: default, line_type: sip, username: dave,
   password: correct horse, lines: [{kind: deskphone, pbx: main, device: PJSIP/dave}]}
- {id: erin, display_name: Erin, exten: '1005', context: default, line_type: webrtc, username: erin,
   lines: [{kind: webrtc, pbx: main, device: PJSIP/erin_w}]}
- {id: frank, display_name: Frank, exten: '1006', context: default, line_type: sip, username: frank,
   lines: [{kind: deskphone, pbx: main, device: PJSIP/frank}]}
)";

class UsersAddTest : public CommandsTest {
 protected:
  UsersAddOptions FileOptions() {
    UsersAddOptions options;
    options.file = folder_.Write("users.yaml", kUsers);
    return options;
  }
};

TEST_F(UsersAddTest, AddsThoseOfAFile) {
  EXPECT_TRUE(RunCommand(FileOptions(), NewContext()).ok());
  EXPECT_THAT(Values("id"), ElementsAre("dave", "erin", "frank"));
  ASSERT_THAT(server_.created_users(), SizeIs(3));
  EXPECT_EQ(server_.created_users()[0].password(), "correct horse");
  EXPECT_EQ(server_.created_users()[1].lines(0).device(), "PJSIP/erin_w");
}

TEST_F(UsersAddTest, TheOthersAreAddedWhenOneIsRefused) {
  server_.on_create_user = [](const v1::User& user) {
    if (user.id() == "frank") return grpc::Status::OK;
    return ServerError(grpc::StatusCode::ALREADY_EXISTS, v1::ERROR_REASON_EXTENSION_TAKEN, "taken");
  };
  const absl::Status status = RunCommand(FileOptions(), NewContext(OutputFormat::kTable));
  EXPECT_EQ(ExitCodeOf(status), ExitCode::kConflict);
  EXPECT_THAT(out_->Lines(), ElementsAre("added frank"));
  context_->Report(status);
  EXPECT_THAT(errors_->Text(), HasSubstr("user 'dave': taken"));
  EXPECT_THAT(errors_->Text(), HasSubstr("user 'erin': taken"));
}

TEST_F(UsersAddTest, StopsWhenTheServerCanDoNoMore) {
  int calls = 0;
  server_.on_create_user = [&](const v1::User&) {
    ++calls;
    return ServerError(grpc::StatusCode::UNAVAILABLE, v1::ERROR_REASON_STORE_UNAVAILABLE, "full");
  };
  EXPECT_EQ(ExitCodeOf(RunCommand(FileOptions(), NewContext())), ExitCode::kUnavailable);
  EXPECT_EQ(calls, 1);
}

TEST_F(UsersAddTest, ExistingUsersMayBeSkipped) {
  server_.on_create_user = [](const v1::User&) {
    return ServerError(grpc::StatusCode::ALREADY_EXISTS, v1::ERROR_REASON_USER_EXISTS, "exists");
  };
  EXPECT_EQ(ExitCodeOf(RunCommand(FileOptions(), NewContext())), ExitCode::kConflict);
  UsersAddOptions options = FileOptions();
  options.skip_existing = true;
  EXPECT_TRUE(RunCommand(options, NewContext()).ok());
  EXPECT_THAT(Values("event"), ElementsAre("SKIPPED", "SKIPPED", "SKIPPED"));
}

TEST_F(UsersAddTest, AWrongFileAddsNobody) {
  UsersAddOptions options;
  options.file = folder_.Write("users.yaml", std::string(kUsers) + "- {id: 'not an id'}\n");
  EXPECT_EQ(ExitCodeOf(RunCommand(options, NewContext())), ExitCode::kInvalid);
  EXPECT_THAT(server_.created_users(), IsEmpty());
  options.file = folder_.File("none.yaml");
  EXPECT_EQ(ExitCodeOf(RunCommand(options, NewContext())), ExitCode::kNotFound);
}

TEST_F(UsersAddTest, OneUserByFlags) {
  UsersAddOptions options;
  options.id = "grace";
  options.flags.exten = "1007";
  options.flags.context = "default";
  options.flags.pbx = "main";
  options.flags.devices[LineKind::kDeskphone] = "PJSIP/grace";
  options.flags.password.file = password_file_;
  EXPECT_TRUE(RunCommand(options, NewContext()).ok());
  ASSERT_THAT(server_.created_users(), SizeIs(1));
  EXPECT_EQ(server_.created_users()[0].line_type(), v1::LINE_TYPE_SIP);
  EXPECT_EQ(server_.created_users()[0].password(), "correct horse");
}

TEST_F(CommandsTest, AUserWhoMayBeMeant) {
  for (const char* id : {"alice", "carol"}) server_.users[id].set_id(id);
  server_.users["carol"].set_display_name("Carol Petit");
  server_.users["carol"].set_exten("1002");
  const auto advice = [this](const std::string& user) {
    CommandContext& context = NewContext(OutputFormat::kTable);
    return AdviceOnUser(RunCommand(ExplainOptions{.user = user, .causes = 0}, context), context);
  };
  // The fake has no ExplainPresence: a presence that is not there tells it all the same.
  const auto missing = [this](const std::string& user) {
    CommandContext& context = NewContext(OutputFormat::kTable);
    return AdviceOnUser(RunCommand(GetPresenceOptions{.users = {user}}, context), context);
  };
  EXPECT_EQ(missing("carl"), "did you mean carol (Carol Petit, 1002)? all: unipresence users list");
  EXPECT_EQ(missing("1002"), "did you mean carol (Carol Petit, 1002)? all: unipresence users list");
  EXPECT_EQ(missing("carol petit"),
            "did you mean carol (Carol Petit, 1002)? all: unipresence users list");
  EXPECT_EQ(missing("alcie"), "did you mean alice? all: unipresence users list");
  EXPECT_EQ(missing("nobody-at-all"), "");
  EXPECT_EQ(advice("carl"), "") << "another error";
}

TEST_F(CommandsTest, TheListHasNamesAndNumbers) {
  server_.users["bob"].set_id("bob");
  server_.users["bob"].set_display_name("Bob Bernard");
  server_.users["bob"].set_exten("1001");
  EXPECT_TRUE(RunCommand(ListOptions{}, NewContext(OutputFormat::kTable)).ok());
  EXPECT_THAT(out_->Text(), ::testing::HasSubstr("Bob Bernard  1001    AVAILABLE"));
  const int reads = server_.directory_reads();
  EXPECT_TRUE(RunCommand(ListOptions{}, NewContext(OutputFormat::kJson)).ok());
  EXPECT_EQ(server_.directory_reads(), reads) << "JSON is of presences alone";
}

}  // namespace
}  // namespace unipresence::cli
