#include "aggregator/engine/engine.h"

#include <gtest/gtest.h>

#include <set>
#include <string>
#include <vector>

#include "tests/testing/fake_clock.h"
#include "tests/testing/recording_sink.h"

namespace unipresence {
namespace {

User UniqueAccount(const std::string& id, const std::string& pbx = "main") {
  User user;
  user.id = id;
  user.display_name = id;
  user.exten = "1000";
  user.context = "default";
  user.line_type = LineType::kUniqueAccount;
  user.username = id;
  user.lines = {{LineKind::kDeskphone, pbx, "PJSIP/" + id},
                {LineKind::kWebrtc, pbx, "PJSIP/" + id + "_w"}};
  return user;
}

DeviceChange State(std::string_view device, DeviceState state,
                   CauseKind cause = CauseKind::kDeviceStateChange) {
  return {.kind = DeviceChange::Kind::kState, .cause = cause, .state = state, .device = device};
}

DeviceChange Contact(std::string_view device, bool reachable) {
  return {.kind = DeviceChange::Kind::kContact,
          .cause = CauseKind::kContactStatus,
          .reachable = reachable,
          .device = device};
}

DeviceChange Calls(std::string_view device, bool emitting,
                   CauseKind cause = CauseKind::kNewchannel) {
  return {.kind = DeviceChange::Kind::kCalls,
          .cause = cause,
          .emitting = emitting,
          .in_call = emitting,
          .device = device};
}

class EngineTest : public ::testing::Test {
 protected:
  EngineTest() { pbx_ = engine_.pbxs().Add("main", "127.0.0.1:5038"); }

  void AddAlice() { ASSERT_TRUE(engine_.AddUser(UniqueAccount("alice"), {}).ok()); }

  void Sync(PbxIndex pbx, const std::vector<DeviceChange>& rows) {
    engine_.BeginResync(pbx, "22.10.1");
    engine_.Apply(pbx, rows);
    engine_.EndResync(pbx);
    while (engine_.Sweep(10)) {
    }
  }
  void SyncIdle() {
    Sync(pbx_, {State("PJSIP/alice", DeviceState::kNotInUse, CauseKind::kResync),
                State("PJSIP/alice_w", DeviceState::kNotInUse, CauseKind::kResync)});
  }
  void Apply(DeviceChange change) { engine_.Apply(pbx_, std::vector<DeviceChange>{change}); }
  void LogIn() { ASSERT_TRUE(engine_.SetLoggedIn("alice", true, CauseKind::kLogin).ok()); }

  const testing::RecordedUpdate& Last() const { return sink_.updates.back(); }

  testing::FakeClock clock_;
  testing::RecordingSink sink_;
  Engine engine_{{.deskphone_call = DeskphoneCall::kEmitted, .epoch = 7}, clock_, sink_};
  PbxIndex pbx_ = 0;
};

TEST_F(EngineTest, AUserNobodyHeardOfIsUnknownAndStale) {
  AddAlice();
  ASSERT_EQ(sink_.updates.size(), 1u);
  EXPECT_EQ(Last().state, PresenceState::kUnknown);
  EXPECT_TRUE(Last().stale);
  EXPECT_EQ(Last().revision, 1u);
  EXPECT_EQ(Last().cause, CauseKind::kUserCreated);
}

TEST_F(EngineTest, AUserOfAnEarlierStartIsNotCreated) {
  ASSERT_TRUE(engine_.AddUser(User{.id = "alice"}, {}, CauseKind::kServerStart).ok());
  EXPECT_EQ(Last().cause, CauseKind::kServerStart);
}

TEST_F(EngineTest, ResyncPublishesOnlyTheOutcome) {
  AddAlice();
  sink_.updates.clear();
  engine_.BeginResync(pbx_, "22");
  Apply(State("PJSIP/alice", DeviceState::kInUse));
  Apply(State("PJSIP/alice", DeviceState::kNotInUse));
  Apply(State("PJSIP/alice_w", DeviceState::kNotInUse));
  EXPECT_TRUE(sink_.updates.empty());
  engine_.EndResync(pbx_);
  EXPECT_FALSE(engine_.Sweep(10));
  ASSERT_EQ(sink_.updates.size(), 1u);
  EXPECT_EQ(Last().state, PresenceState::kAvailable);
  EXPECT_FALSE(Last().stale);
  EXPECT_EQ(Last().cause, CauseKind::kResync);
}

TEST_F(EngineTest, PublishesOnChangeOnlyAndOncePerRead) {
  AddAlice();
  SyncIdle();
  sink_.updates.clear();
  sink_.flushes = 0;
  engine_.Apply(pbx_, std::vector<DeviceChange>{State("PJSIP/alice", DeviceState::kNotInUse),
                                                State("PJSIP/alice", DeviceState::kRinging),
                                                State("PJSIP/alice", DeviceState::kRinging),
                                                State("PJSIP/nobody", DeviceState::kInUse),
                                                State("PJSIP/alice", DeviceState::kInUse)});
  ASSERT_EQ(sink_.updates.size(), 2u);
  EXPECT_EQ(sink_.flushes, 1);
  EXPECT_EQ(sink_.updates[0].state, PresenceState::kRinging);
  EXPECT_EQ(sink_.updates[1].state, PresenceState::kInUse);
  EXPECT_EQ(sink_.updates[1].previous, PresenceState::kRinging);
  EXPECT_EQ(sink_.updates[1].sequence, sink_.updates[0].sequence + 1);
  EXPECT_EQ(sink_.updates[1].revision, sink_.updates[0].revision + 1);
  EXPECT_EQ(sink_.updates[1].cause_device, "PJSIP/alice");
  EXPECT_EQ(sink_.updates[1].cause_pbx, "main");
  EXPECT_EQ(engine_.unknown_device_changes(), 1u);
}

TEST_F(EngineTest, AnEmittedCallShowsAtOnceAndBreaksPrecedence) {
  AddAlice();
  SyncIdle();
  LogIn();
  EXPECT_EQ(Last().rule, Rule::kSelectedWebrtc);
  EXPECT_EQ(Last().device_in_use, LineKind::kWebrtc);
  Apply(Calls("PJSIP/alice", true));
  EXPECT_EQ(Last().state, PresenceState::kInUse);
  EXPECT_EQ(Last().rule, Rule::kDeskphoneEmittedCall);
  EXPECT_EQ(Last().device_in_use, LineKind::kWebrtc);
  EXPECT_EQ(Last().line_states[0], DeviceState::kInUse);  // although the report still lags
  Apply(Calls("PJSIP/alice", false, CauseKind::kHangup));
  EXPECT_EQ(Last().state, PresenceState::kAvailable);
  EXPECT_EQ(Last().rule, Rule::kSelectedWebrtc);
}

TEST_F(EngineTest, AReceivedCallOfTheDeskphoneDoesNotBreakPrecedence) {
  AddAlice();
  SyncIdle();
  LogIn();
  Apply(State("PJSIP/alice", DeviceState::kInUse));
  EXPECT_EQ(Last().state, PresenceState::kAvailable);
  EXPECT_EQ(Last().rule, Rule::kSelectedWebrtc);
}

TEST(EngineOptionsTest, AnyDeskphoneCallCountsWhenTheDeploymentSaysSo) {
  testing::FakeClock clock;
  testing::RecordingSink sink;
  Engine engine({.deskphone_call = DeskphoneCall::kAny, .epoch = 1}, clock, sink);
  const PbxIndex pbx = engine.pbxs().Add("main", "x:1");
  ASSERT_TRUE(engine.AddUser(UniqueAccount("alice"), {}).ok());
  engine.BeginResync(pbx, "");
  engine.Apply(pbx, std::vector<DeviceChange>{State("PJSIP/alice", DeviceState::kNotInUse),
                                              State("PJSIP/alice_w", DeviceState::kNotInUse)});
  engine.EndResync(pbx);
  engine.Sweep(10);
  ASSERT_TRUE(engine.SetLoggedIn("alice", true, CauseKind::kLogin).ok());
  engine.Apply(pbx, std::vector<DeviceChange>{{.kind = DeviceChange::Kind::kCalls,
                                               .cause = CauseKind::kNewstate,
                                               .in_call = true,
                                               .device = "PJSIP/alice"}});
  EXPECT_EQ(sink.updates.back().rule, Rule::kDeskphoneEmittedCall);
  EXPECT_EQ(sink.updates.back().state, PresenceState::kInUse);
}

TEST_F(EngineTest, ALostWebrtcContactFallsBackToTheDeskphone) {
  AddAlice();
  SyncIdle();
  LogIn();
  Apply(Contact("PJSIP/alice_w", false));
  EXPECT_EQ(Last().rule, Rule::kWebrtcUnreachable);
  EXPECT_EQ(Last().device_in_use, LineKind::kDeskphone);
  Apply(Contact("PJSIP/alice_w", true));
  EXPECT_EQ(Last().rule, Rule::kSelectedWebrtc);
}

TEST_F(EngineTest, WhileTheLinkIsDownThePresenceStaysAndIsStale) {
  AddAlice();
  SyncIdle();
  Apply(State("PJSIP/alice", DeviceState::kInUse));
  engine_.LinkLost(pbx_, "connection reset");
  engine_.Sweep(10);
  EXPECT_TRUE(Last().stale);
  EXPECT_EQ(Last().state, PresenceState::kInUse);
  EXPECT_EQ(Last().cause, CauseKind::kLinkLost);
  const std::size_t count = sink_.updates.size();
  engine_.BeginResync(pbx_, "22");
  Apply(State("PJSIP/alice", DeviceState::kNotInUse));
  EXPECT_EQ(sink_.updates.size(), count);
  // A command meanwhile is fused with what was last known, not with a half list.
  LogIn();
  EXPECT_EQ(Last().line_states[0], DeviceState::kInUse);
  EXPECT_TRUE(Last().stale);
  Apply(State("PJSIP/alice_w", DeviceState::kNotInUse));
  engine_.EndResync(pbx_);
  engine_.Sweep(10);
  EXPECT_FALSE(Last().stale);
  EXPECT_EQ(Last().line_states[0], DeviceState::kNotInUse);
}

TEST_F(EngineTest, DevicesAbsentFromTheListsBecomeUnknown) {
  AddAlice();
  SyncIdle();
  engine_.LinkLost(pbx_, "gone");
  Sync(pbx_, {State("PJSIP/alice", DeviceState::kNotInUse, CauseKind::kResync)});
  EXPECT_EQ(Last().line_states[0], DeviceState::kNotInUse);
  EXPECT_EQ(Last().line_states[1], DeviceState::kUnknown);
  // Neither a contact nor a state from before the resync is evidence.
  engine_.LinkLost(pbx_, "gone");
  engine_.BeginResync(pbx_, "22");
  Apply(Contact("PJSIP/alice_w", true));
  engine_.EndResync(pbx_);
  engine_.Sweep(10);
  EXPECT_EQ(Last().line_states[0], DeviceState::kUnknown);
  EXPECT_EQ(Last().line_states[1], DeviceState::kUnknown);
}

TEST_F(EngineTest, AReconcileCountsWhatItCorrected) {
  AddAlice();
  SyncIdle();
  Apply(State("PJSIP/alice", DeviceState::kNotInUse, CauseKind::kReconcile));
  EXPECT_EQ(engine_.pbxs()[pbx_].corrections, 0u);
  Apply(State("PJSIP/alice", DeviceState::kInUse, CauseKind::kReconcile));
  EXPECT_EQ(engine_.pbxs()[pbx_].corrections, 1u);
}

TEST_F(EngineTest, OneOfTwoPbxsDownMarksOnlyItsUsers) {
  const PbxIndex other = engine_.pbxs().Add("other", "127.0.0.1:5039");
  AddAlice();
  ASSERT_TRUE(engine_.AddUser(UniqueAccount("bob", "other"), {}).ok());
  SyncIdle();
  Sync(other,
       {State("PJSIP/bob", DeviceState::kNotInUse), State("PJSIP/bob_w", DeviceState::kNotInUse)});
  sink_.updates.clear();
  engine_.LinkLost(other, "gone");
  while (engine_.Sweep(1)) {
  }
  ASSERT_EQ(sink_.updates.size(), 1u);
  EXPECT_EQ(Last().user, "bob");
  EXPECT_FALSE(engine_.pbxs().AllSynced());
}

TEST_F(EngineTest, SelectionIsKeptThroughLogout) {
  AddAlice();
  SyncIdle();
  LogIn();
  ASSERT_TRUE(engine_.SelectDevice("alice", LineKind::kDeskphone).ok());
  EXPECT_EQ(Last().rule, Rule::kSelectedDeskphone);
  ASSERT_TRUE(engine_.SelectDevice("alice", LineKind::kWebrtc).ok());
  ASSERT_TRUE(engine_.SetLoggedIn("alice", false, CauseKind::kLogout).ok());
  EXPECT_EQ(Last().device_in_use, LineKind::kDeskphone);
  EXPECT_EQ(engine_.Explain("alice")->inputs.selected, LineKind::kWebrtc);
}

TEST_F(EngineTest, SelectingALineThatIsNotThereIsRefused) {
  User carol = UniqueAccount("carol");
  carol.line_type = LineType::kSip;
  carol.lines.pop_back();
  ASSERT_TRUE(engine_.AddUser(carol, {}).ok());
  const absl::Status status = engine_.SelectDevice("carol", LineKind::kWebrtc);
  EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(engine_.SelectDevice("dave", LineKind::kWebrtc).code(), absl::StatusCode::kNotFound);
}

TEST_F(EngineTest, DoNotDisturbIsAFieldAndNoState) {
  AddAlice();
  SyncIdle();
  const PresenceState before = Last().state;
  ASSERT_TRUE(engine_.SetDoNotDisturb("alice", true).ok());
  EXPECT_TRUE(Last().do_not_disturb);
  EXPECT_EQ(Last().state, before);
}

TEST_F(EngineTest, RemovalIsPublishedAndARevisionNeverStepsBack) {
  AddAlice();
  SyncIdle();
  const std::uint64_t revision = Last().revision;
  ASSERT_TRUE(engine_.RemoveUser("alice").ok());
  EXPECT_TRUE(Last().removed);
  EXPECT_EQ(Last().revision, revision + 1);
  EXPECT_EQ(engine_.removal_sequence(), engine_.sequence());
  EXPECT_EQ(engine_.user_count(), 0u);
  Apply(State("PJSIP/alice", DeviceState::kInUse));
  EXPECT_TRUE(Last().removed);
  AddAlice();
  EXPECT_GT(Last().revision, revision + 1);
}

TEST_F(EngineTest, AUserAddedLateAsksForAListing) {
  SyncIdle();
  EXPECT_FALSE(engine_.pbxs().TakeListingWanted(pbx_));
  AddAlice();
  EXPECT_TRUE(engine_.pbxs().TakeListingWanted(pbx_));
  EXPECT_FALSE(engine_.pbxs().TakeListingWanted(pbx_));
}

TEST_F(EngineTest, ADeviceOfTwoUsersMovesBoth) {
  AddAlice();
  User boss = UniqueAccount("boss");
  boss.lines[0].device = "PJSIP/alice";
  ASSERT_TRUE(engine_.AddUser(boss, {}).ok());
  SyncIdle();
  sink_.updates.clear();
  Apply(State("PJSIP/alice", DeviceState::kInUse));
  EXPECT_EQ(sink_.updates.size(), 2u);
  ASSERT_TRUE(engine_.RemoveUser("alice").ok());
  sink_.updates.clear();
  Apply(State("PJSIP/alice", DeviceState::kNotInUse));
  ASSERT_EQ(sink_.updates.size(), 1u);
  EXPECT_EQ(Last().user, "boss");
}

TEST_F(EngineTest, ExplainNamesInputsRuleAndTheLastCauses) {
  AddAlice();
  SyncIdle();
  LogIn();
  Apply(Calls("PJSIP/alice", true));
  const absl::StatusOr<Explanation> explanation = engine_.Explain("alice");
  ASSERT_TRUE(explanation.ok());
  EXPECT_EQ(explanation->result.rule, Rule::kDeskphoneEmittedCall);
  EXPECT_TRUE(explanation->inputs.emitting);
  ASSERT_EQ(explanation->lines.size(), 2u);
  EXPECT_EQ(explanation->lines[0].reported, DeviceState::kNotInUse);
  EXPECT_EQ(explanation->lines[0].state, DeviceState::kInUse);
  ASSERT_GE(explanation->steps.size(), 4u);
  EXPECT_EQ(explanation->steps[0].cause, CauseKind::kNewchannel);
  EXPECT_EQ(explanation->steps[0].device, "PJSIP/alice");
  EXPECT_EQ(explanation->steps[1].cause, CauseKind::kLogin);
  EXPECT_EQ(explanation->steps[2].cause, CauseKind::kResync);
  EXPECT_EQ(engine_.Explain("dave").status().code(), absl::StatusCode::kNotFound);
}

TEST_F(EngineTest, ReadVisitsEveryUserOnceInSlices) {
  for (int i = 0; i < 25; ++i) {
    ASSERT_TRUE(engine_.AddUser(UniqueAccount("user" + std::to_string(i)), {}).ok());
  }
  ASSERT_TRUE(engine_.RemoveUser("user3").ok());
  std::set<std::string> seen;
  std::uint64_t cursor = 0;
  do {
    cursor = engine_.Read(cursor, 10, [&](const PresenceSource::Entry& entry) {
      EXPECT_TRUE(seen.insert(std::string(entry.presence.user)).second);
    });
  } while (cursor != 0);
  EXPECT_EQ(seen.size(), 24u);
}

}  // namespace
}  // namespace unipresence
