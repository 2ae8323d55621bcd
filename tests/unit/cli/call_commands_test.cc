// calls, call, hangup and transfer against a server that does what it is told.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "clients/cli/failure.h"
#include "tests/unit/cli/command_fixture.h"

namespace unipresence::cli {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::MatchesRegex;

v1::Call MakeCall(const std::string& id) {
  v1::Call call;
  call.set_id(id);
  call.set_state(v1::CALL_STATE_ANSWERED);
  call.mutable_other_party()->set_name("Bob");
  return call;
}

class CallCommandsTest : public CommandFixture {
 protected:
  void SetUp() override { LogIn(); }
};

TEST_F(CallCommandsTest, CallsListsThem) {
  server_.calls = {MakeCall("main/1"), MakeCall("main/2")};
  EXPECT_TRUE(RunCommand(CallsOptions{}, NewContext()).ok());
  EXPECT_THAT(Values("id"), ElementsAre("main/1", "main/2"));
  EXPECT_TRUE(RunCommand(CallsOptions{}, NewContext(OutputFormat::kTable)).ok());
  EXPECT_THAT(out_->Text(), HasSubstr("OTHER PARTY"));
  EXPECT_THAT(out_->Text(), HasSubstr("Bob"));
}

TEST_F(CallCommandsTest, EachCallHasARequestIdOfItsOwn) {
  EXPECT_TRUE(RunCommand(CallOptions{.number = "1002"}, NewContext()).ok());
  EXPECT_THAT(Values("id"), ElementsAre("main/placed"));
  EXPECT_TRUE(RunCommand(CallOptions{.number = "1002"}, NewContext(OutputFormat::kTable)).ok());
  EXPECT_EQ(out_->Text(), "main/placed: PJSIP/alice rings; pick it up to call 1002\n");
  EXPECT_TRUE(RunCommand(CallOptions{.number = "1", .request_id = "mine-1234"}, NewContext()).ok());
  const std::vector<std::string> commands = server_.call_commands();
  ASSERT_EQ(commands.size(), 3u);
  EXPECT_THAT(commands[0],
              MatchesRegex("place destination: \"1002\" request_id: \"[0-9a-f]{32}\""));
  EXPECT_NE(commands[0], commands[1]);
  EXPECT_THAT(commands[2], HasSubstr("mine-1234"));
}

TEST_F(CallCommandsTest, HangUpAndTransfersSayWhatWasDone) {
  using Step = TransferOptions::Step;
  EXPECT_TRUE(RunCommand(HangUpOptions{.call = "main/1"}, NewContext(OutputFormat::kTable)).ok());
  EXPECT_EQ(out_->Text(), "main/1: hung up\n");
  TransferOptions transfer{.call = "main/1", .number = "1003"};
  EXPECT_TRUE(RunCommand(transfer, NewContext(OutputFormat::kTable)).ok());
  EXPECT_EQ(out_->Text(), "main/1: transferred to 1003\n");
  transfer.step = Step::kAttended;
  EXPECT_TRUE(RunCommand(transfer, NewContext(OutputFormat::kTable)).ok());
  EXPECT_THAT(out_->Text(), HasSubstr("Bob: on hold; 1003 is called"));
  transfer = {.call = "main/1", .number = "", .step = Step::kComplete};
  EXPECT_TRUE(RunCommand(transfer, NewContext()).ok());
  EXPECT_THAT(Values("event"), ElementsAre("TRANSFERRED"));
  transfer.step = Step::kCancel;
  EXPECT_TRUE(RunCommand(transfer, NewContext()).ok());
  EXPECT_THAT(Values("id"), ElementsAre("main/1"));
  EXPECT_THAT(
      server_.call_commands(),
      ElementsAre("hangup call: \"main/1\"", "transfer call: \"main/1\" destination: \"1003\"",
                  "start call: \"main/1\" destination: \"1003\"", "complete call: \"main/1\"",
                  "cancel call: \"main/1\""));
}

TEST_F(CallCommandsTest, ACallThatHasEndedIsNotFound) {
  const absl::Status status = RunCommand(HangUpOptions{.call = "gone"}, NewContext());
  EXPECT_EQ(ExitCodeOf(status), ExitCode::kNotFound);
  EXPECT_EQ(out_->Text(), "");
}

TEST_F(CallCommandsTest, WatchPrintsEachListOnceAndGoesOnAfterABreak) {
  std::atomic<int> streams{0};
  server_.on_watch_calls = [&](const v1::WatchCallsRequest&, FakeServer::CallWriter& writer) {
    v1::WatchCallsResponse response;
    writer.Write(response);
    writer.Write(response);  // a sign of life
    *response.add_calls() = MakeCall("main/1");
    writer.Write(response);
    if (++streams == 1) return grpc::Status(grpc::StatusCode::UNAVAILABLE, "gone for a moment");
    while (writer.Write(response)) std::this_thread::sleep_for(std::chrono::milliseconds(5));
    return grpc::Status::CANCELLED;
  };
  CommandContext& context = NewContext();
  absl::Status status;
  std::thread watcher([&] { status = RunCommand(CallsOptions{.watch = true}, context); });
  while (out_->Lines().size() < 5) std::this_thread::yield();
  context.interrupt().Raise();
  watcher.join();
  EXPECT_TRUE(status.ok()) << status;
  EXPECT_THAT(Values("event"), ElementsAre("CALLS", "CALLS", "DISCONNECTED", "CALLS", "CALLS"));
  EXPECT_EQ(Objects()[1]["calls"][0]["id"], "main/1");
}

TEST_F(CallCommandsTest, WatchForPeopleSaysWhenThereIsNothing) {
  server_.on_watch_calls = [&](const v1::WatchCallsRequest& request,
                               FakeServer::CallWriter& writer) {
    v1::WatchCallsResponse response;
    response.set_stale(true);
    writer.Write(response);
    return grpc::Status(grpc::StatusCode::NOT_FOUND, "no such user " + request.user());
  };
  const CallsOptions options{.user = "eve", .watch = true};
  EXPECT_TRUE(absl::IsNotFound(RunCommand(options, NewContext(OutputFormat::kTable))));
  EXPECT_EQ(out_->Text(), "-- no calls (stale: a PBX is not heard) --\n");
}

// A server that sends what Protobuf does not let its clients read.
TEST_F(CallCommandsTest, AListThatCannotBeReadIsNotOneThatTheServerDoesNotOffer) {
  server_.calls = {MakeCall("main/1")};
  server_.calls[0].mutable_other_party()->set_name("Soci\xE9t\xE9");
  const absl::Status status = RunCommand(CallsOptions{}, NewContext());
  EXPECT_TRUE(absl::IsDataLoss(status)) << status;
  EXPECT_EQ(ExitCodeOf(status), ExitCode::kFailure);
  EXPECT_THAT(FormatFailure({.command = "calls", .server = "x"}, status),
              HasSubstr("the server sent a message that cannot be read"));
}

TEST_F(CallCommandsTest, AWatchEndsAtAMessageThatCannotBeReadThoughTheStreamGoesOn) {
  server_.on_watch_calls = [&](const v1::WatchCallsRequest&, FakeServer::CallWriter& writer) {
    v1::WatchCallsResponse response;
    writer.Write(response);
    *response.add_calls() = MakeCall("main/1");
    response.mutable_calls(0)->mutable_other_party()->set_name("Soci\xE9t\xE9");
    while (writer.Write(response)) std::this_thread::sleep_for(std::chrono::milliseconds(5));
    return grpc::Status::CANCELLED;
  };
  const absl::Status status = RunCommand(CallsOptions{.watch = true}, NewContext());
  EXPECT_TRUE(absl::IsDataLoss(status)) << status;
  EXPECT_EQ(out_->Lines().size(), 1U);
}

TEST_F(CallCommandsTest, ARequestThatIsNotUtf8IsNotSent) {
  const absl::Status status = RunCommand(CallsOptions{.user = "Soci\xE9t\xE9"}, NewContext());
  EXPECT_TRUE(absl::IsInvalidArgument(status)) << status;
  EXPECT_THAT(std::string(status.message()), HasSubstr("user is not UTF-8"));
}

}  // namespace
}  // namespace unipresence::cli
