// ForwardingService, and settings that are changed from a phone: by the same commands, durable in
// the store, in force in the engine.

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <functional>
#include <optional>
#include <set>
#include <thread>
#include <utility>

#include "aggregator/base/valid_text.h"
#include "aggregator/pipeline/call_control.h"
#include "tests/integration/grpc_test_server.h"
#include "tests/testing/answer.h"
#include "tests/testing/temp_folder.h"

namespace unipresence::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class GrpcForwardingTest : public ::testing::Test {
 protected:
  using Answered = std::pair<grpc::Status, v1::Forwarding>;

  GrpcForwardingTest() {
    server_.AddUsers();
    root_.emplace(GrpcTestClient::LogIn(server_, "root"));
    alice_.emplace(GrpcTestClient::LogIn(server_, "alice"));
  }

  static v1::Forward ForwardTo(const std::string& destination, bool enabled = true) {
    v1::Forward forward;
    forward.set_destination(destination);
    forward.set_enabled(enabled);
    return forward;
  }
  Answered Get(const GrpcTestClient& client, const std::string& user = {}) {
    v1::GetForwardingRequest request;
    request.set_user(user);
    return client.Call<v1::ForwardingService>(&v1::ForwardingService::Stub::GetForwarding, request);
  }
  Answered Update(const GrpcTestClient& client, const v1::Forwarding& forwarding,
                  const std::vector<std::string>& mask) {
    v1::UpdateForwardingRequest request;
    *request.mutable_forwarding() = forwarding;
    for (const std::string& path : mask) request.mutable_update_mask()->add_paths(path);
    return client.Call<v1::ForwardingService>(&v1::ForwardingService::Stub::UpdateForwarding,
                                              request);
  }
  Answered SetBusy(const std::string& destination, bool enabled = true) {
    v1::Forwarding forwarding;
    *forwarding.mutable_busy() = ForwardTo(destination, enabled);
    return Update(*alice_, forwarding, {"busy"});
  }
  absl::Status Adopt(const PhoneSetting& setting) {
    Answer<absl::Status> answer;
    server_.Run([&](Core& core) { server_.services().AdoptPhoneSetting(core, setting, answer); });
    return answer.Wait();
  }
  StoredUser Stored(const std::string& id) {
    Answer<absl::StatusOr<StoredUser>> answer;
    EXPECT_TRUE(server_.store()
                    .Call<StoredUser>([id](Transaction& t) { return t.users.Get(id); }, answer)
                    .ok());
    return *answer.Wait();
  }
  Forwardings InEngine(const std::string& user) {
    Forwardings forwardings;
    server_.Run([&](Core& core) { forwardings = core.engine.GetForwardings(user).value(); });
    return forwardings;
  }

  GrpcTestServer server_;
  std::optional<GrpcTestClient> root_;
  std::optional<GrpcTestClient> alice_;
};

TEST_F(GrpcForwardingTest, NothingIsSetAtFirst) {
  const auto [status, forwarding] = Get(*alice_);
  ASSERT_TRUE(status.ok()) << status.error_message();
  EXPECT_EQ(forwarding.user(), "alice");
  EXPECT_FALSE(forwarding.has_unconditional());
  EXPECT_FALSE(forwarding.has_busy());
  EXPECT_FALSE(forwarding.has_no_answer());
  EXPECT_FALSE(forwarding.do_not_disturb());
  EXPECT_FALSE(forwarding.has_update_time());
  EXPECT_FALSE(forwarding.etag().empty());
}

TEST_F(GrpcForwardingTest, IsStoredInForceShownAndAnswered) {
  server_.clock().Advance(std::chrono::seconds(7));
  v1::Forwarding change;
  *change.mutable_unconditional() = ForwardTo("+33123", false);
  *change.mutable_no_answer() = ForwardTo("2000");
  change.set_do_not_disturb(true);
  const auto [status, forwarding] = Update(*alice_, change, {});
  ASSERT_TRUE(status.ok()) << status.error_message();
  EXPECT_EQ(forwarding.unconditional().destination(), "+33123");
  EXPECT_FALSE(forwarding.unconditional().enabled());
  EXPECT_EQ(forwarding.no_answer().destination(), "2000");
  EXPECT_TRUE(forwarding.no_answer().enabled());
  EXPECT_FALSE(forwarding.has_busy());
  EXPECT_TRUE(forwarding.do_not_disturb());
  EXPECT_EQ(forwarding.update_time().seconds(), server_.clock().WallNow() / 1'000'000);
  EXPECT_EQ(Get(*alice_).second.SerializeAsString(), forwarding.SerializeAsString());

  Forwardings expected;
  expected[ForwardingCondition::kUnconditional] = {"+33123", false};
  expected[ForwardingCondition::kNoAnswer] = {"2000", true};
  EXPECT_EQ(Stored("alice").settings.forwardings, expected);
  EXPECT_EQ(InEngine("alice"), expected);
  const v1::Presence presence = root_->GetPresence("alice").second;
  EXPECT_THAT(presence.active_forwardings(), ElementsAre(v1::FORWARDING_CONDITION_NO_ANSWER));
  EXPECT_TRUE(presence.do_not_disturb());
  v1::ExplainPresenceRequest explain;
  EXPECT_THAT(
      alice_->Call<v1::PresenceService>(&v1::PresenceService::Stub::ExplainPresence, explain)
          .second.sentence(),
      HasSubstr("Forwarding is on: no_answer."));
}

TEST_F(GrpcForwardingTest, WatchersSeeWhatIsSwitchedOn) {
  GrpcTestWatch watch(*root_, {"alice"});
  ASSERT_TRUE(watch.ReadUntilCurrent());
  ASSERT_TRUE(SetBusy("2000").first.ok());
  while (watch.held().at("alice").active_forwardings().empty()) ASSERT_TRUE(watch.Read());
  EXPECT_THAT(watch.held().at("alice").active_forwardings(),
              ElementsAre(v1::FORWARDING_CONDITION_BUSY));
}

struct MaskRow {
  std::string name;
  std::vector<std::string> mask;
  Forward busy;    // of the request
  Forward after;   // starting from 2000, enabled
  bool dnd_after;  // the request says true, false before
};

TEST_F(GrpcForwardingTest, TheMaskSaysWhatChanges) {
  const MaskRow rows[] = {
      {"whole", {"busy"}, {"3000", false}, {"3000", false}, false},
      {"cleared", {"busy"}, {"", false}, {"", false}, false},
      {"destination", {"busy.destination"}, {"3000", false}, {"3000", true}, false},
      {"enabled", {"busy.enabled"}, {"", false}, {"2000", false}, false},
      {"both parts", {"busy.enabled", "busy.destination"}, {"3000", false}, {"3000", false}, false},
      {"do-not-disturb", {"do_not_disturb"}, {"3000", false}, {"2000", true}, true},
      {"another one", {"no_answer"}, {"3000", false}, {"2000", true}, false},
      {"all", {}, {"3000", true}, {"3000", true}, true},
  };
  for (const MaskRow& row : rows) {
    SCOPED_TRACE(row.name);
    v1::Forwarding before;
    *before.mutable_busy() = ForwardTo("2000");
    ASSERT_TRUE(Update(*alice_, before, {}).first.ok());
    v1::Forwarding change;
    if (!row.busy.destination.empty()) {
      *change.mutable_busy() = ForwardTo(row.busy.destination, row.busy.enabled);
    }
    change.set_do_not_disturb(true);
    const auto [status, forwarding] = Update(*alice_, change, row.mask);
    ASSERT_TRUE(status.ok()) << status.error_message();
    EXPECT_EQ(forwarding.do_not_disturb(), row.dnd_after);
    EXPECT_EQ(InEngine("alice")[ForwardingCondition::kBusy], row.after);
    EXPECT_EQ(forwarding.has_busy(), !row.after.destination.empty());
    EXPECT_FALSE(forwarding.has_no_answer());
  }
}

struct RefusalRow {
  std::string name;
  std::vector<std::string> mask;
  std::string destination;
  bool enabled;
  v1::ErrorReason reason;
};

TEST_F(GrpcForwardingTest, WhatIsNotRightIsRefusedAndChangesNothing) {
  ASSERT_TRUE(SetBusy("2000", false).first.ok());
  const std::string before = Get(*alice_).second.SerializeAsString();
  const RefusalRow rows[] = {
      {"letters", {"busy"}, "bob", true, v1::ERROR_REASON_DESTINATION_INVALID},
      {"another channel", {"busy"}, "2&PJSIP/x", false, v1::ERROR_REASON_DESTINATION_INVALID},
      {"a line break", {"busy"}, "2000\r\n", true, v1::ERROR_REASON_DESTINATION_INVALID},
      {"too long", {"busy"}, std::string(41, '1'), true, v1::ERROR_REASON_DESTINATION_INVALID},
      {"the own number", {"busy"}, "101", true, v1::ERROR_REASON_DESTINATION_INVALID},
      {"no number", {"busy"}, "", true, v1::ERROR_REASON_FIELD_REQUIRED},
      {"number taken away",
       {"busy.destination", "busy.enabled"},
       "",
       true,
       v1::ERROR_REASON_FIELD_REQUIRED},
      {"unknown path", {"sometimes"}, "2000", true, v1::ERROR_REASON_UPDATE_MASK_INVALID},
      {"unknown part", {"busy.when"}, "2000", true, v1::ERROR_REASON_UPDATE_MASK_INVALID},
      {"read only", {"etag"}, "2000", true, v1::ERROR_REASON_UPDATE_MASK_INVALID},
  };
  for (const RefusalRow& row : rows) {
    SCOPED_TRACE(row.name);
    v1::Forwarding change;
    *change.mutable_busy() = ForwardTo(row.destination, row.enabled);
    const grpc::Status status = Update(*alice_, change, row.mask).first;
    EXPECT_EQ(status.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
    EXPECT_EQ(ReasonOf(status), row.reason) << status.error_message();
    if (row.reason == v1::ERROR_REASON_DESTINATION_INVALID) {
      EXPECT_EQ(DetailOf(status).metadata().at("field"), "forwarding.busy.destination");
      EXPECT_EQ(DetailOf(status).metadata().at("destination"), ValidText(row.destination));
    }
    EXPECT_EQ(Get(*alice_).second.SerializeAsString(), before);
    EXPECT_THAT(root_->GetPresence("alice").second.active_forwardings(), IsEmpty());
  }
}

TEST_F(GrpcForwardingTest, AnEtagKeepsFromOverwritingWhatSomebodyElseChanged) {
  v1::Forwarding read = Get(*alice_).second;
  *read.mutable_busy() = ForwardTo("2000");
  const auto [first, changed] = Update(*alice_, read, {"busy"});
  ASSERT_TRUE(first.ok()) << first.error_message();
  EXPECT_NE(changed.etag(), read.etag());
  const grpc::Status second = Update(*alice_, read, {"busy"}).first;
  EXPECT_EQ(second.error_code(), grpc::StatusCode::ABORTED);
  EXPECT_EQ(ReasonOf(second), v1::ERROR_REASON_ETAG_MISMATCH);
  EXPECT_EQ(DetailOf(second).metadata().at("etag"), changed.etag());
  // The phone is somebody else, too.
  ASSERT_TRUE(Adopt({"alice", PhoneDoNotDisturb{true}}).ok());
  EXPECT_EQ(ReasonOf(Update(*alice_, changed, {"busy"}).first), v1::ERROR_REASON_ETAG_MISMATCH);
  read.set_etag(Get(*alice_).second.etag());
  EXPECT_TRUE(Update(*alice_, read, {"busy"}).first.ok());
}

TEST_F(GrpcForwardingTest, UsersSeeToTheirOwnAndAdministratorsToAll) {
  v1::Forwarding change;
  change.set_user("bob");
  *change.mutable_busy() = ForwardTo("2000");
  EXPECT_EQ(ReasonOf(Update(*alice_, change, {}).first), v1::ERROR_REASON_NOT_OWN_USER);
  EXPECT_EQ(ReasonOf(Get(*alice_, "bob").first), v1::ERROR_REASON_NOT_OWN_USER);
  EXPECT_EQ(InEngine("bob"), Forwardings());
  EXPECT_TRUE(Update(*root_, change, {}).first.ok());
  EXPECT_EQ(Get(*root_, "bob").second.busy().destination(), "2000");
  change.set_user("nobody");
  EXPECT_EQ(ReasonOf(Update(*root_, change, {}).first), v1::ERROR_REASON_USER_NOT_FOUND);
  EXPECT_EQ(ReasonOf(Get(*root_, "nobody").first), v1::ERROR_REASON_USER_NOT_FOUND);
}

// Each client changes its own condition, over and over: no change may undo another one.
TEST_F(GrpcForwardingTest, ConcurrentChangesDoNotLoseEachOther) {
  constexpr int kRounds = 25;
  std::vector<std::thread> clients;
  for (const std::string condition : {"unconditional", "busy", "no_answer"}) {
    clients.emplace_back([this, condition] {
      for (int i = 0; i <= kRounds; ++i) {
        v1::Forwarding change;
        v1::Forward& forward = condition == "unconditional" ? *change.mutable_unconditional()
                               : condition == "busy"        ? *change.mutable_busy()
                                                            : *change.mutable_no_answer();
        forward = ForwardTo(fmt::format("20{:02}", i));
        EXPECT_TRUE(Update(*alice_, change, {condition}).first.ok());
      }
    });
  }
  clients.emplace_back([this] {
    for (int i = 0; i <= kRounds; ++i) {
      EXPECT_TRUE(Adopt({"alice", PhoneDoNotDisturb{i % 2 == 1}}).ok());
    }
  });
  for (std::thread& client : clients) client.join();
  Forwardings expected;
  for (ForwardingCondition condition : kForwardingConditions) {
    expected[condition] = {fmt::format("20{:02}", kRounds), true};
  }
  EXPECT_EQ(Stored("alice").settings.forwardings, expected);
  EXPECT_EQ(InEngine("alice"), expected);
  EXPECT_TRUE(Stored("alice").settings.do_not_disturb);
  EXPECT_TRUE(alice_->GetPresence().second.do_not_disturb());
}

TEST(GrpcForwardingRestartTest, ForwardingsOutliveTheServer) {
  TempFolder folder;
  GrpcTestServer::Options options;
  options.folder = folder.path();
  v1::Forwarding before;
  {
    GrpcTestServer server(options);
    server.AddUsers();
    GrpcTestClient alice = GrpcTestClient::LogIn(server, "alice");
    v1::UpdateForwardingRequest request;
    request.mutable_forwarding()->mutable_busy()->set_destination("2000");
    request.mutable_forwarding()->mutable_busy()->set_enabled(true);
    const auto [status, forwarding] =
        alice.Call<v1::ForwardingService>(&v1::ForwardingService::Stub::UpdateForwarding, request);
    ASSERT_TRUE(status.ok()) << status.error_message();
    before = forwarding;
  }
  GrpcTestServer server(options);
  GrpcTestClient alice = GrpcTestClient::LogIn(server, "alice");
  EXPECT_EQ(alice
                .Call<v1::ForwardingService>(&v1::ForwardingService::Stub::GetForwarding,
                                             v1::GetForwardingRequest())
                .second.SerializeAsString(),
            before.SerializeAsString());
  EXPECT_THAT(alice.GetPresence().second.active_forwardings(),
              ElementsAre(v1::FORWARDING_CONDITION_BUSY));
}

// Knows the numbers that can be dialled.
class DialplanOnly final : public CallControl {
 public:
  explicit DialplanOnly(std::set<std::string> numbers) : numbers_(std::move(numbers)) {}

  void CheckDestination(std::string_view, std::string_view destination, Done done) override {
    ++asked;
    if (away) return std::move(done)(CallError(CallProblem::kPbxUnavailable, "away"));
    const bool reached = numbers_.contains(std::string(destination));
    std::move(done)(reached ? absl::OkStatus()
                            : CallError(CallProblem::kDestinationForbidden, "not from here"));
  }
  absl::StatusOr<LiveCalls> List(std::string_view) const override { return LiveCalls(); }
  void SetListener(std::function<void(const std::string&)>) override {}
  void Watch(const std::string&) override {}
  void Unwatch(const std::string&) override {}
  void Refresh(const std::string&) override {}
  void Place(PlaceCallOrder, CallDone done) override { std::move(done)(Never()); }
  void HangUp(std::string_view, std::string_view, Done done) override { std::move(done)(Never()); }
  void Transfer(std::string_view, std::string_view, std::string_view, Done done) override {
    std::move(done)(Never());
  }
  void StartAttendedTransfer(std::string_view, std::string_view, std::string_view,
                             TransferDone done) override {
    std::move(done)(Never());
  }
  void CompleteAttendedTransfer(std::string_view, std::string_view, Done done) override {
    std::move(done)(Never());
  }
  void CancelAttendedTransfer(std::string_view, std::string_view, CallDone done) override {
    std::move(done)(Never());
  }

  std::atomic<bool> away{false};
  std::atomic<int> asked{0};

 private:
  static absl::Status Never() { return absl::UnimplementedError("this test places no calls"); }
  const std::set<std::string> numbers_;
};

TEST_F(GrpcForwardingTest, ThePbxDecidesWhereAUserMayForwardTo) {
  DialplanOnly dialplan({"2000", "2001"});
  server_.Run([&](Core& core) { core.calls = &dialplan; });
  v1::Forwarding change;
  *change.mutable_busy() = ForwardTo("2000");
  *change.mutable_no_answer() = ForwardTo("0900123");
  const grpc::Status refused = Update(*alice_, change, {}).first;
  EXPECT_EQ(refused.error_code(), grpc::StatusCode::PERMISSION_DENIED);
  EXPECT_EQ(ReasonOf(refused), v1::ERROR_REASON_DESTINATION_FORBIDDEN);
  EXPECT_EQ(DetailOf(refused).metadata().at("destination"), "0900123");
  EXPECT_EQ(InEngine("alice"), Forwardings());
  EXPECT_TRUE(Update(*alice_, change, {"busy"}).first.ok());
  *change.mutable_no_answer() = ForwardTo("2001");
  EXPECT_TRUE(Update(*alice_, change, {}).first.ok());
  // What is no number at all is told so, and not asked for.
  EXPECT_EQ(ReasonOf(SetBusy("bob").first), v1::ERROR_REASON_DESTINATION_INVALID);
  // A PBX that is away keeps nobody from forwarding.
  dialplan.away = true;
  EXPECT_TRUE(SetBusy("0900123").first.ok());
  EXPECT_EQ(InEngine("alice")[ForwardingCondition::kBusy], (Forward{"0900123", true}));
  server_.Run([](Core& core) { core.calls = &NoCallControl(); });
}

// A PBX that is away answers at once, in the call that asks.
TEST_F(GrpcForwardingTest, ALongMaskAsksForEachDestinationOnce) {
  DialplanOnly dialplan({"2000", "2001"});
  server_.Run([&](Core& core) { core.calls = &dialplan; });
  std::vector<std::string> mask;
  for (int i = 0; i < 40'000; ++i) {
    mask.insert(mask.end(), {"busy", "no_answer.destination", "unconditional.destination"});
  }
  v1::Forwarding change;
  *change.mutable_unconditional() = ForwardTo("2000", false);
  *change.mutable_busy() = ForwardTo("2000");
  *change.mutable_no_answer() = ForwardTo("2001");
  for (const bool away : {true, false}) {
    dialplan.away = away;
    dialplan.asked = 0;
    const auto [status, forwarding] = Update(*alice_, change, mask);
    ASSERT_TRUE(status.ok()) << status.error_message();
    EXPECT_EQ(dialplan.asked, 2);
    EXPECT_TRUE(forwarding.busy().enabled());
    EXPECT_EQ(forwarding.unconditional().destination(), "2000");
    EXPECT_EQ(forwarding.no_answer().destination(), "2001");
    EXPECT_FALSE(forwarding.no_answer().enabled());
  }
  server_.Run([](Core& core) { core.calls = &NoCallControl(); });
}

// --- From the phone ---

TEST_F(GrpcForwardingTest, WhatThePhoneSetIsStoredAndInForce) {
  ASSERT_TRUE(Adopt({"alice", PhoneDoNotDisturb{true}}).ok());
  ASSERT_TRUE(Adopt({"alice", PhoneForward{ForwardingCondition::kBusy, "2000"}}).ok());
  ASSERT_TRUE(Adopt({"alice", PhoneSelection{LineKind::kDeskphone}}).ok());
  const v1::Presence presence = root_->GetPresence("alice").second;
  EXPECT_TRUE(presence.do_not_disturb());
  EXPECT_THAT(presence.active_forwardings(), ElementsAre(v1::FORWARDING_CONDITION_BUSY));
  EXPECT_EQ(presence.selected_device(), v1::LINE_KIND_DESKPHONE);
  const UserSettings settings = Stored("alice").settings;
  EXPECT_TRUE(settings.do_not_disturb);
  EXPECT_EQ(settings.forwardings, InEngine("alice"));
  EXPECT_EQ(settings.selected_device, LineKind::kDeskphone);

  // Off keeps the number.
  ASSERT_TRUE(Adopt({"alice", PhoneForward{ForwardingCondition::kBusy, ""}}).ok());
  EXPECT_EQ(InEngine("alice")[ForwardingCondition::kBusy], (Forward{"2000", false}));
  EXPECT_EQ(Stored("alice").settings.forwardings, InEngine("alice"));
}

TEST_F(GrpcForwardingTest, WhatThePhoneCannotHaveSetIsReportedAndChangesNothing) {
  const struct {
    std::string name;
    PhoneSetting setting;
    absl::StatusCode code;
  } rows[] = {
      {"unknown user", {"nobody", PhoneDoNotDisturb{true}}, absl::StatusCode::kNotFound},
      {"unknown user's choice",
       {"nobody", PhoneSelection{LineKind::kWebrtc}},
       absl::StatusCode::kNotFound},
      {"no such line",
       {"dave", PhoneSelection{LineKind::kWebrtc}},
       absl::StatusCode::kFailedPrecondition},
      {"no number",
       {"dave", PhoneForward{ForwardingCondition::kBusy, "12a"}},
       absl::StatusCode::kInvalidArgument},
      {"the own number",
       {"dave", PhoneForward{ForwardingCondition::kBusy, "104"}},
       absl::StatusCode::kInvalidArgument},
  };
  const StoredUser before = Stored("dave");
  for (const auto& row : rows) {
    SCOPED_TRACE(row.name);
    EXPECT_EQ(Adopt(row.setting).code(), row.code);
    EXPECT_EQ(Stored("dave"), before);
    EXPECT_EQ(InEngine("dave"), Forwardings());
  }
}

TEST_F(GrpcForwardingTest, AStoreThatRefusesIsReportedAtOnceAndChangesNothing) {
  server_.store().Stop();
  EXPECT_EQ(Adopt({"alice", PhoneDoNotDisturb{true}}).code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(SetBusy("2000").first.error_code(), grpc::StatusCode::UNAVAILABLE);
  EXPECT_EQ(ReasonOf(SetBusy("2000").first), v1::ERROR_REASON_STORE_UNAVAILABLE);
  EXPECT_FALSE(root_->GetPresence("alice").second.do_not_disturb());
}

}  // namespace
}  // namespace unipresence::testing
