// CallControlService over a real gRPC connection, with a PBX that obeys at once.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <thread>
#include <vector>

#include "tests/integration/grpc_test_server.h"
#include "tests/testing/fake_call_control.h"
#include "tests/testing/passing_time.h"
#include "unipresence/v1/call_control.grpc.pb.h"

namespace unipresence::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using Service = v1::CallControlService;

LiveCall MakeCall(const std::string& id, WallTimeMicros start, const std::string& number = "1001") {
  return {.id = id,
          .device = "PJSIP/alice",
          .pbx = "main",
          .direction = CallDirection::kReceived,
          .other_party = {.number = number, .name = "Bob"},
          .state = CallState::kRinging,
          .start_time = start,
          .linked_id = "L"};
}

class GrpcCallsTest : public ::testing::Test {
 protected:
  GrpcCallsTest() {
    server_.AddUsers();
    control_.calls = {{"alice", {}}, {"bob", {}}, {"root", {}}};
    server_.Run([this](Core& core) { core.calls = &control_; });
  }
  ~GrpcCallsTest() override { server_.Stop(); }

  void Change(const std::string& user, LiveCalls live) {
    server_.Run([&](Core&) { control_.Change(user, std::move(live)); });
  }
  std::vector<std::string> Commands() {
    std::vector<std::string> commands;
    server_.Run([&](Core&) { commands = control_.commands; });
    return commands;
  }

  FakeCallControl control_;
  GrpcTestServer server_;
};

// --- Lists ---

TEST_F(GrpcCallsTest, ListsOwnCallsOnly) {
  Change("alice", {.calls = {MakeCall("main/1", 1'700'000'000'000'000)}});
  const GrpcTestClient alice = GrpcTestClient::LogIn(server_, "alice");
  const auto [status, list] =
      alice.Call<Service>(&Service::Stub::ListCalls, v1::ListCallsRequest());
  ASSERT_TRUE(status.ok()) << status.error_message();
  ASSERT_THAT(list.calls(), SizeIs(1));
  const v1::Call& call = list.calls(0);
  EXPECT_EQ(call.id(), "main/1");
  EXPECT_EQ(call.user(), "alice");
  EXPECT_EQ(call.kind(), v1::LINE_KIND_DESKPHONE);
  EXPECT_EQ(call.device(), "PJSIP/alice");
  EXPECT_EQ(call.pbx(), "main");
  EXPECT_EQ(call.direction(), v1::CALL_DIRECTION_RECEIVED);
  EXPECT_EQ(call.state(), v1::CALL_STATE_RINGING);
  EXPECT_EQ(call.other_party().name(), "Bob");
  EXPECT_EQ(call.start_time().seconds(), 1'700'000'000);
  EXPECT_FALSE(call.has_answer_time());

  v1::ListCallsRequest request;
  request.set_user("alice");
  const GrpcTestClient bob = GrpcTestClient::LogIn(server_, "bob");
  EXPECT_EQ(ReasonOf(bob.Call<Service>(&Service::Stub::ListCalls, request).first),
            v1::ERROR_REASON_NOT_OWN_USER);
  const GrpcTestClient root = GrpcTestClient::LogIn(server_, "root");
  EXPECT_THAT(root.Call<Service>(&Service::Stub::ListCalls, request).second.calls(), SizeIs(1));
}

TEST_F(GrpcCallsTest, TheOtherPartyIsAUserOfThisServer) {
  server_.Run([this](Core& core) {
    std::string number;
    core.engine.routing_backlog().Read(
        0, "bob", [&](const Routing& routing, bool) { number = routing.exten; });
    ASSERT_NE(number, "");
    control_.calls["alice"].calls = {MakeCall("main/1", 1, number), MakeCall("main/2", 2, "0033")};
  });
  const GrpcTestClient alice = GrpcTestClient::LogIn(server_, "alice");
  const auto list = alice.Call<Service>(&Service::Stub::ListCalls, v1::ListCallsRequest()).second;
  ASSERT_THAT(list.calls(), SizeIs(2));
  EXPECT_EQ(list.calls(0).other_party().user(), "bob");
  EXPECT_EQ(list.calls(1).other_party().user(), "");
}

TEST_F(GrpcCallsTest, PagesGoOnBehindTheLastCall) {
  LiveCalls live;
  for (int i = 0; i < 5; ++i) live.calls.push_back(MakeCall("main/" + std::to_string(i), 10 + i));
  Change("alice", live);
  const GrpcTestClient alice = GrpcTestClient::LogIn(server_, "alice");
  v1::ListCallsRequest request;
  request.set_page_size(2);
  std::vector<std::string> ids;
  do {
    const auto [status, page] = alice.Call<Service>(&Service::Stub::ListCalls, request);
    ASSERT_TRUE(status.ok()) << status.error_message();
    for (const v1::Call& call : page.calls()) ids.push_back(call.id());
    request.set_page_token(page.next_page_token());
    // Calls that end meanwhile move nothing.
    server_.Run([this](Core&) {
      auto& calls = control_.calls["alice"].calls;
      calls.erase(calls.begin());
    });
  } while (!request.page_token().empty());
  EXPECT_THAT(ids, ElementsAre("main/0", "main/1", "main/2", "main/3", "main/4"));
  request.set_page_token("nonsense");
  EXPECT_EQ(ReasonOf(alice.Call<Service>(&Service::Stub::ListCalls, request).first),
            v1::ERROR_REASON_PAGE_TOKEN_INVALID);
}

// --- Commands ---

TEST_F(GrpcCallsTest, PlacesACall) {
  const GrpcTestClient alice = GrpcTestClient::LogIn(server_, "alice");
  v1::PlaceCallRequest request;
  request.set_destination("+33123");
  request.set_request_id("request-1");
  const auto [status, call] = alice.Call<Service>(&Service::Stub::PlaceCall, request);
  ASSERT_TRUE(status.ok()) << status.error_message();
  EXPECT_EQ(call.id(), "main/placed");
  EXPECT_EQ(call.state(), v1::CALL_STATE_ORIGINATING);
  EXPECT_THAT(Commands(), ElementsAre("place alice +33123 request-1"));
}

TEST_F(GrpcCallsTest, WhatIsNoNumberDoesNotReachThePbx) {
  const GrpcTestClient alice = GrpcTestClient::LogIn(server_, "alice");
  for (const std::string number :
       {"", "2000,1)&Foo", "2000\r\nAction: Logoff", "10 00", "${X}", "1+2"}) {
    v1::PlaceCallRequest place;
    place.set_destination(number);
    EXPECT_EQ(ReasonOf(alice.Call<Service>(&Service::Stub::PlaceCall, place).first),
              v1::ERROR_REASON_DESTINATION_INVALID)
        << number;
    v1::TransferCallRequest transfer;
    transfer.set_call("main/1");
    transfer.set_destination(number);
    EXPECT_EQ(ReasonOf(alice.Call<Service>(&Service::Stub::TransferCall, transfer).first),
              v1::ERROR_REASON_DESTINATION_INVALID);
    v1::StartAttendedTransferRequest start;
    start.set_call("main/1");
    start.set_destination(number);
    EXPECT_EQ(ReasonOf(alice.Call<Service>(&Service::Stub::StartAttendedTransfer, start).first),
              v1::ERROR_REASON_DESTINATION_INVALID);
  }
  v1::PlaceCallRequest place;
  place.set_destination("1000");
  place.set_request_id("short");
  EXPECT_EQ(ReasonOf(alice.Call<Service>(&Service::Stub::PlaceCall, place).first),
            v1::ERROR_REASON_FIELD_INVALID);
  EXPECT_EQ(
      ReasonOf(alice.Call<Service>(&Service::Stub::HangUpCall, v1::HangUpCallRequest()).first),
      v1::ERROR_REASON_FIELD_REQUIRED);
  EXPECT_THAT(Commands(), IsEmpty());
}

TEST_F(GrpcCallsTest, ProblemsComeWithTheirReasons) {
  Change("alice", {.calls = {MakeCall("main/1", 1)}});
  server_.Run([this](Core&) { control_.unreachable = {"9999"}; });
  const GrpcTestClient alice = GrpcTestClient::LogIn(server_, "alice");
  v1::PlaceCallRequest place;
  place.set_destination("9999");
  const grpc::Status forbidden = alice.Call<Service>(&Service::Stub::PlaceCall, place).first;
  EXPECT_EQ(forbidden.error_code(), grpc::StatusCode::PERMISSION_DENIED);
  EXPECT_EQ(ReasonOf(forbidden), v1::ERROR_REASON_DESTINATION_FORBIDDEN);
  v1::HangUpCallRequest hangup;
  hangup.set_call("main/7");
  const grpc::Status gone = alice.Call<Service>(&Service::Stub::HangUpCall, hangup).first;
  EXPECT_EQ(gone.error_code(), grpc::StatusCode::NOT_FOUND);
  EXPECT_EQ(ReasonOf(gone), v1::ERROR_REASON_CALL_NOT_FOUND);
  v1::CompleteAttendedTransferRequest complete;
  complete.set_call("main/1");
  const grpc::Status state =
      alice.Call<Service>(&Service::Stub::CompleteAttendedTransfer, complete).first;
  EXPECT_EQ(state.error_code(), grpc::StatusCode::FAILED_PRECONDITION);
  EXPECT_EQ(ReasonOf(state), v1::ERROR_REASON_CALL_STATE);
}

TEST_F(GrpcCallsTest, TransfersAreHandedOn) {
  Change("alice", {.calls = {MakeCall("main/1", 1)}});
  const GrpcTestClient alice = GrpcTestClient::LogIn(server_, "alice");
  v1::TransferCallRequest blind;
  blind.set_call("main/1");
  blind.set_destination("1002");
  EXPECT_TRUE(alice.Call<Service>(&Service::Stub::TransferCall, blind).first.ok());
  v1::StartAttendedTransferRequest start;
  start.set_call("main/1");
  start.set_destination("1002");
  const auto begun = alice.Call<Service>(&Service::Stub::StartAttendedTransfer, start);
  ASSERT_TRUE(begun.first.ok());
  EXPECT_EQ(begun.second.call().transfer_call(), begun.second.consultation().id());
  v1::CancelAttendedTransferRequest cancel;
  cancel.set_call("main/1");
  EXPECT_EQ(alice.Call<Service>(&Service::Stub::CancelAttendedTransfer, cancel).second.id(),
            "main/1");
  EXPECT_THAT(Commands(), ElementsAre("transfer alice main/1 1002", "consult alice main/1 1002",
                                      "cancel alice main/1"));
}

TEST_F(GrpcCallsTest, WithoutAPbxNothingIsPromised) {
  server_.Run([](Core& core) { core.calls = &NoCallControl(); });
  const GrpcTestClient alice = GrpcTestClient::LogIn(server_, "alice");
  EXPECT_EQ(ReasonOf(alice.Call<Service>(&Service::Stub::ListCalls, v1::ListCallsRequest()).first),
            v1::ERROR_REASON_PBX_UNAVAILABLE);
}

// --- Watching ---

class CallWatch {
 public:
  explicit CallWatch(const GrpcTestClient& client, const std::string& user = {})
      : stub_(Service::NewStub(client.channel())), context_(client.Context()) {
    v1::WatchCallsRequest request;
    request.set_user(user);
    reader_ = stub_->WatchCalls(context_.get(), request);
  }
  ~CallWatch() { context_->TryCancel(); }

  // The ids of the next list; "END" at the end of the stream.
  std::vector<std::string> Next() {
    v1::WatchCallsResponse response;
    if (!reader_->Read(&response)) return {"END"};
    std::vector<std::string> ids;
    for (const v1::Call& call : response.calls()) ids.push_back(call.id());
    if (response.stale()) ids.emplace_back("stale");
    return ids;
  }
  grpc::Status Finish() { return reader_->Finish(); }

 private:
  std::unique_ptr<Service::Stub> stub_;
  std::unique_ptr<grpc::ClientContext> context_;
  std::unique_ptr<grpc::ClientReader<v1::WatchCallsResponse>> reader_;
};

TEST_F(GrpcCallsTest, WatchTellsTheListAndEachChange) {
  Change("alice", {.calls = {MakeCall("main/1", 1)}});
  const GrpcTestClient alice = GrpcTestClient::LogIn(server_, "alice");
  CallWatch watch(alice);
  EXPECT_THAT(watch.Next(), ElementsAre("main/1"));
  Change("alice", {.calls = {MakeCall("main/1", 1), MakeCall("main/2", 2)}});
  EXPECT_THAT(watch.Next(), ElementsAre("main/1", "main/2"));
  Change("bob", {.calls = {MakeCall("main/9", 9)}});
  Change("alice", {.calls = {}, .stale = true});
  EXPECT_THAT(watch.Next(), ElementsAre("stale"));
}

TEST_F(GrpcCallsTest, ManyWatchersOfAUserShareOneReading) {
  const GrpcTestClient alice = GrpcTestClient::LogIn(server_, "alice");
  const GrpcTestClient root = GrpcTestClient::LogIn(server_, "root");
  CallWatch own(alice);
  CallWatch second(alice);
  CallWatch other(root, "alice");
  // Each gets a list for each of the three that began at or after it.
  for (CallWatch* watch : {&own, &second, &other}) EXPECT_THAT(watch->Next(), IsEmpty());
  int before = 0;
  server_.Run([&](Core&) {
    EXPECT_EQ(control_.watched["alice"], 3);
    before = control_.lists;
    // Three changes in one turn of the pipeline.
    control_.Change("alice", {.calls = {MakeCall("main/1", 1)}});
    control_.Change("alice", {.calls = {MakeCall("main/2", 1)}});
    control_.Change("alice", {.calls = {MakeCall("main/3", 1)}});
  });
  for (CallWatch* watch : {&own, &second, &other}) {
    std::vector<std::string> ids = watch->Next();
    while (ids.empty()) ids = watch->Next();
    EXPECT_THAT(ids, ElementsAre("main/3"));
  }
  server_.Run([&](Core&) { EXPECT_EQ(control_.lists, before + 1); });
}

TEST_F(GrpcCallsTest, WatchComesWithSignsOfLife) {
  const GrpcTestClient alice = GrpcTestClient::LogIn(server_, "alice");
  CallWatch watch(alice);
  EXPECT_THAT(watch.Next(), IsEmpty());
  const PassingTime time(server_.clock());
  for (int i = 1; i <= 2; ++i) {
    EXPECT_THAT(watch.Next(), IsEmpty());
    server_.Run([&](Core&) { EXPECT_GE(control_.refreshes, i); });
  }
}

TEST_F(GrpcCallsTest, WatchEndsWithItsSessionAndIsForgotten) {
  const GrpcTestClient alice = GrpcTestClient::LogIn(server_, "alice");
  CallWatch watch(alice);
  EXPECT_THAT(watch.Next(), IsEmpty());
  EXPECT_TRUE(alice.LogOut().ok());
  EXPECT_THAT(watch.Next(), ElementsAre("END"));
  EXPECT_EQ(ReasonOf(watch.Finish()), v1::ERROR_REASON_SESSION_EXPIRED);
  while (server_.probe().streams.call_streams.value() > 0) std::this_thread::yield();
  int watched = 1;
  while (watched > 0) server_.Run([&](Core&) { watched = control_.watched["alice"]; });
}

TEST_F(GrpcCallsTest, WatchIsRefusedToOthersAndForNobody) {
  const GrpcTestClient bob = GrpcTestClient::LogIn(server_, "bob");
  EXPECT_EQ(ReasonOf(CallWatch(bob, "alice").Finish()), v1::ERROR_REASON_NOT_OWN_USER);
  const GrpcTestClient root = GrpcTestClient::LogIn(server_, "root");
  EXPECT_EQ(ReasonOf(CallWatch(root, "eve").Finish()), v1::ERROR_REASON_USER_NOT_FOUND);
  EXPECT_EQ(ReasonOf(CallWatch(GrpcTestClient(server_)).Finish()), v1::ERROR_REASON_TOKEN_MISSING);
}

TEST_F(GrpcCallsTest, ASessionHasSoManyStreams) {
  const GrpcTestClient alice = GrpcTestClient::LogIn(server_, "alice");
  std::vector<std::unique_ptr<CallWatch>> watches;
  for (std::size_t i = 0; i < WatchOptions().max_streams_per_session; ++i) {
    watches.push_back(std::make_unique<CallWatch>(alice));
    EXPECT_THAT(watches.back()->Next(), IsEmpty());
  }
  EXPECT_EQ(ReasonOf(CallWatch(alice).Finish()), v1::ERROR_REASON_TOO_MANY_STREAMS);
}

TEST_F(GrpcCallsTest, WatchEndsWithTheUserAndWithTheServer) {
  const GrpcTestClient root = GrpcTestClient::LogIn(server_, "root");
  CallWatch of_bob(root, "bob");
  EXPECT_THAT(of_bob.Next(), IsEmpty());
  server_.Run([this](Core&) { control_.calls.erase("bob"); });
  {
    const PassingTime time(server_.clock());
    EXPECT_THAT(of_bob.Next(), ElementsAre("END"));
    EXPECT_EQ(ReasonOf(of_bob.Finish()), v1::ERROR_REASON_USER_NOT_FOUND);
  }
  // The first session may have expired since its stream ended.
  const GrpcTestClient again = GrpcTestClient::LogIn(server_, "root");
  CallWatch own(again);
  EXPECT_THAT(own.Next(), IsEmpty());
  server_.services().BeginStop();
  EXPECT_THAT(own.Next(), ElementsAre("END"));
  EXPECT_EQ(ReasonOf(own.Finish()), v1::ERROR_REASON_SERVER_STOPPING);
}

}  // namespace
}  // namespace unipresence::testing
