#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <thread>

#include "tests/unit/cli/command_fixture.h"

namespace unipresence::cli {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

// A holder that hears nothing for so long gives its connection up.
constexpr std::chrono::milliseconds kLong(6'000);

class SessionCommandsTest : public CommandFixture {
 protected:
  // `login --hold` on a thread of its own.
  void StartHolding() {
    CommandContext& context = NewContext(OutputFormat::kJson, server_.address());
    holder_ = std::thread([this, &context] { held_ = RunCommand(AliceLogin(true), context); });
  }
  absl::Status JoinHolder() {
    holder_.join();
    return held_;
  }

  std::thread holder_;
  absl::Status held_;
};

TEST_F(SessionCommandsTest, LoginStoresTheSession) {
  LogIn();
  const auto stored = ReadSessionFile(session_file_);
  ASSERT_TRUE(stored.ok()) << stored.status();
  EXPECT_EQ(stored->server, server_.address());
  EXPECT_EQ(stored->user, "alice");
  EXPECT_EQ(stored->kind, "ASSISTANT");
  EXPECT_THAT(server_.Tokens(), ElementsAre(stored->token));
  EXPECT_THAT(Values("event"), ElementsAre("LOGGED_IN"));
  EXPECT_EQ(out_->Text().find(stored->token), std::string::npos) << "the token is a secret";
}

TEST_F(SessionCommandsTest, AClientSessionSaysSo) {
  LoginOptions options = AliceLogin();
  options.client = true;
  ASSERT_TRUE(RunCommand(options, NewContext(OutputFormat::kTable, server_.address())).ok());
  EXPECT_EQ(ReadSessionFile(session_file_)->kind, "CLIENT");
  EXPECT_THAT(out_->Text(), HasSubstr("not counting as logged in"));
}

TEST_F(SessionCommandsTest, AWrongPasswordLeavesTheFormerSession) {
  LogIn();
  folder_.Write("password", "wrong\n");
  const absl::Status status =
      RunCommand(AliceLogin(), NewContext(OutputFormat::kJson, server_.address()));
  EXPECT_TRUE(absl::IsUnauthenticated(status)) << status;
  EXPECT_TRUE(RunCommand(WhoamiOptions{}, NewContext()).ok());
}

TEST_F(SessionCommandsTest, ASessionThatCannotBeStoredIsEnded) {
  std::filesystem::create_directory(session_file_);
  EXPECT_FALSE(RunCommand(AliceLogin(), NewContext(OutputFormat::kJson, server_.address())).ok());
  EXPECT_THAT(server_.Tokens(), IsEmpty());
}

TEST_F(SessionCommandsTest, CommandsGoWhereTheSessionIs) {
  LogIn();
  EXPECT_TRUE(RunCommand(WhoamiOptions{}, NewContext()).ok());
  EXPECT_THAT(Values("session"), ElementsAre("session-1"));
}

TEST_F(SessionCommandsTest, TheTokenGoesToNoOtherServer) {
  LogIn();
  const absl::Status status =
      RunCommand(WhoamiOptions{}, NewContext(OutputFormat::kJson, "127.0.0.1:1"));
  EXPECT_TRUE(absl::IsUnauthenticated(status)) << status;
  EXPECT_THAT(std::string(status.message()), HasSubstr("127.0.0.1:1"));
}

TEST_F(SessionCommandsTest, WithoutSessionNothingIsAsked) {
  EXPECT_TRUE(absl::IsUnauthenticated(RunCommand(GetPresenceOptions{}, NewContext())));
  EXPECT_TRUE(absl::IsUnauthenticated(RunCommand(WatchOptions{}, NewContext())));
  EXPECT_TRUE(absl::IsUnauthenticated(RunCommand(LogoutOptions{}, NewContext())));
}

TEST_F(SessionCommandsTest, LogoutEndsTheSessionAndForgetsIt) {
  LogIn();
  EXPECT_TRUE(RunCommand(LogoutOptions{}, NewContext()).ok());
  EXPECT_THAT(server_.Tokens(), IsEmpty());
  EXPECT_FALSE(std::filesystem::exists(session_file_));
  EXPECT_THAT(Values("event"), ElementsAre("LOGGED_OUT"));
}

TEST_F(SessionCommandsTest, LogoutOfAnEndedSessionIsSuccess) {
  LogIn();
  server_.EndSessions();
  EXPECT_TRUE(RunCommand(LogoutOptions{}, NewContext(OutputFormat::kTable)).ok());
  EXPECT_FALSE(std::filesystem::exists(session_file_));
  EXPECT_THAT(out_->Text(), HasSubstr("had ended before"));
}

TEST_F(SessionCommandsTest, LogoutKeepsTheSessionIfTheServerIsAway) {
  LogIn();
  server_.Stop();
  EXPECT_TRUE(absl::IsUnavailable(RunCommand(LogoutOptions{}, NewContext())));
  EXPECT_TRUE(std::filesystem::exists(session_file_));
}

TEST_F(SessionCommandsTest, LogoutOfAnotherSessionKeepsTheOwn) {
  LogIn();
  LogIn();
  LogoutOptions options;
  options.session = "session-1";
  EXPECT_TRUE(RunCommand(options, NewContext()).ok());
  EXPECT_THAT(server_.Tokens(), ElementsAre("token-2"));
  EXPECT_TRUE(RunCommand(WhoamiOptions{}, NewContext()).ok());
  options.session = "session-7";
  EXPECT_TRUE(absl::IsNotFound(RunCommand(options, NewContext())));
}

TEST_F(SessionCommandsTest, HoldSendsSignsOfLifeAndLogsOutWhenInterrupted) {
  server_.time_to_live = kLong;
  StartHolding();
  server_.WaitForSignsOfLife(3);
  context_->interrupt().Raise();
  EXPECT_TRUE(JoinHolder().ok()) << held_;
  EXPECT_THAT(Values("event"), ElementsAre("LOGGED_IN", "HELD", "LOGGED_OUT"));
  EXPECT_EQ(server_.hold_streams(), 1);
  EXPECT_THAT(server_.Tokens(), IsEmpty());
  EXPECT_FALSE(std::filesystem::exists(session_file_));
}

TEST_F(SessionCommandsTest, HoldComesBackAfterALostConnection) {
  server_.time_to_live = kLong;
  StartHolding();
  while (out_->Text().find("HELD") == std::string::npos) std::this_thread::yield();
  server_.Stop();
  server_.Start(folder_.File("."));
  while (server_.hold_streams() < 2) std::this_thread::yield();
  // The answer to its first message comes before it is interrupted.
  while (out_->Text().rfind("HELD") == out_->Text().find("HELD")) std::this_thread::yield();
  context_->interrupt().Raise();
  EXPECT_TRUE(JoinHolder().ok()) << held_;
  const std::vector<std::string> events = Values("event");
  ASSERT_GE(events.size(), 5U);
  EXPECT_EQ(events[0], "LOGGED_IN");
  EXPECT_EQ(events[1], "HELD");
  EXPECT_EQ(events[2], "DISCONNECTED");
  EXPECT_EQ(events[events.size() - 2], "HELD");
  EXPECT_EQ(events.back(), "LOGGED_OUT");
  EXPECT_THAT(server_.Tokens(), IsEmpty());
}

TEST_F(SessionCommandsTest, HoldEndsWithAnErrorWhenTheSessionExpired) {
  server_.time_to_live = std::chrono::milliseconds(300);
  StartHolding();
  server_.WaitForSignsOfLife(1);
  server_.EndSessions();
  EXPECT_TRUE(absl::IsUnauthenticated(JoinHolder())) << held_;
  EXPECT_FALSE(std::filesystem::exists(session_file_)) << "it is of no use to anybody";
}

TEST_F(SessionCommandsTest, HoldEndsWellAfterLogout) {
  server_.time_to_live = std::chrono::milliseconds(300);
  StartHolding();
  server_.WaitForSignsOfLife(1);
  // Another run of the program, which must leave the holder's context alone.
  CapturedOutput out;
  CapturedOutput errors;
  GlobalOptions options;
  options.session_file = session_file_;
  CommandContext other(options, "logout", out.output(), errors.output());
  EXPECT_TRUE(RunCommand(LogoutOptions{}, other).ok());
  EXPECT_TRUE(JoinHolder().ok()) << held_;
  EXPECT_EQ(Values("event").back(), "LOGGED_OUT");
}

TEST_F(SessionCommandsTest, TheLauncherIsToldOnceTheSessionIsHeld) {
  server_.time_to_live = kLong;
  CommandContext& context = NewContext(OutputFormat::kTable, server_.address());
  int told = 0;
  context.on_held = [&] {
    ++told;
    context.interrupt().Raise();
  };
  EXPECT_TRUE(RunCommand(AliceLogin(true), context).ok());
  EXPECT_EQ(told, 1);
  EXPECT_THAT(out_->Lines(), ElementsAre(HasSubstr("logged in as alice"),
                                         HasSubstr("holding the session of alice"),
                                         HasSubstr("logged out alice")));
}

}  // namespace
}  // namespace unipresence::cli
