// What changing a user does to the presence, above all while a PBX is away.

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "aggregator/engine/engine.h"
#include "tests/testing/fake_clock.h"
#include "tests/testing/recording_sink.h"

namespace unipresence {
namespace {

const Line kDeskphone{LineKind::kDeskphone, "main", "PJSIP/alice"};
const Line kWebrtc{LineKind::kWebrtc, "main", "PJSIP/alice_w"};
const Line kBranch{LineKind::kWebrtc, "branch", "PJSIP/alice_w"};

User Alice(std::vector<Line> lines = {kDeskphone, kWebrtc}) {
  User user;
  user.id = "alice";
  user.display_name = "Alice";
  user.exten = "1000";
  user.context = "default";
  user.username = "alice";
  user.line_type = lines.size() == 2 ? LineType::kUniqueAccount : LineType::kSip;
  user.lines = std::move(lines);
  user.voicemail = Voicemail{.number = "1000"};
  return user;
}

DeviceChange State(std::string_view device, DeviceState state) {
  return {.cause = CauseKind::kResync, .state = state, .device = device};
}

class EngineUsersTest : public ::testing::Test {
 protected:
  // alice is logged in with WebRTC selected, and emits a call on her deskphone, which the bare
  // state does not tell: every part of what is known decides.
  EngineUsersTest() {
    main_ = engine_.pbxs().Add("main", "127.0.0.1:5038");
    branch_ = engine_.pbxs().Add("branch", "127.0.0.2:5038");
    Add(Alice());
    Sync(main_, {State("PJSIP/alice", DeviceState::kNotInUse),
                 State("PJSIP/alice_w", DeviceState::kNotInUse),
                 State("PJSIP/spare", DeviceState::kBusy),
                 {.kind = DeviceChange::Kind::kCalls,
                  .cause = CauseKind::kResync,
                  .emitting = true,
                  .in_call = true,
                  .holding = true,
                  .device = "PJSIP/alice"}});
    engine_.mailboxes().Apply(main_, std::vector<MailboxChange>{{.counts = {.new_messages = 3},
                                                                 .mailbox = "1000@default"}});
    EXPECT_TRUE(engine_.SetLoggedIn("alice", true, CauseKind::kLogin).ok());
    EXPECT_TRUE(engine_.SetDoNotDisturb("alice", true).ok());
    EXPECT_EQ(Shown(), "IN_USE DESKPHONE_EMITTED_CALL WEBRTC [INUSE holding, NOT_INUSE]");
  }

  void Add(const User& user) { ASSERT_TRUE(engine_.AddUser(user, {}).ok()); }
  void Update(const User& user) { ASSERT_TRUE(engine_.UpdateUser(user).ok()); }

  void Sync(PbxIndex pbx, const std::vector<DeviceChange>& rows) {
    engine_.BeginResync(pbx, "22.10.1");
    engine_.Apply(pbx, rows);
    engine_.EndResync(pbx);
    Work();
  }
  void Work() {
    while (engine_.Sweep(10)) {
    }
  }
  void Lose(PbxIndex pbx) {
    engine_.LinkLost(pbx, "reset");
    Work();
    engine_.routing_backlog().Close(pbx);
    sink_.updates.clear();
    sink_.mailboxes.clear();
  }

  std::string Shown(const std::string& user = "alice") {
    std::string shown;
    EXPECT_TRUE(engine_.Read(user, [&](const PresenceSource::Entry& entry) {
      const Presence& presence = entry.presence;
      shown = std::string(ToString(presence.state)) + " " + std::string(ToString(presence.rule)) +
              " " + std::string(ToString(presence.device_in_use)) + " [";
      for (const LinePresence& line : presence.lines) {
        if (&line != &presence.lines.front()) shown += ", ";
        shown += std::string(ToString(line.state)) + (line.holding ? " holding" : "") +
                 (line.held ? " held" : "");
      }
      shown += presence.stale ? "] stale" : "]";
    }));
    return shown;
  }

  testing::FakeClock clock_;
  testing::RecordingSink sink_;
  Engine engine_{{.epoch = 7}, clock_, sink_};
  PbxIndex main_ = 0;
  PbxIndex branch_ = 0;
};

constexpr char kAsItWas[] = "IN_USE DESKPHONE_EMITTED_CALL WEBRTC [INUSE holding, NOT_INUSE] stale";

TEST_F(EngineUsersTest, NameAndNumberWhileThePbxIsAwayPublishNothing) {
  Lose(main_);
  User alice = Alice();
  alice.display_name = "Alice Liddell";
  alice.exten = "1009";
  alice.ring_seconds = 60;
  Update(alice);
  EXPECT_EQ(Shown(), kAsItWas);
  EXPECT_TRUE(sink_.updates.empty());
  EXPECT_TRUE(sink_.mailboxes.empty());
}

TEST_F(EngineUsersTest, NameAndNumberWhileThePbxIsThereArePublishedNeither) {
  sink_.updates.clear();
  engine_.pbxs().TakeListingWanted(main_);
  User alice = Alice();
  alice.display_name = "Alice Liddell";
  alice.exten = "1009";
  Update(alice);
  EXPECT_TRUE(sink_.updates.empty());
  EXPECT_FALSE(engine_.pbxs().TakeListingWanted(main_)) << "no device is new";
}

TEST_F(EngineUsersTest, AnUpdateWhileSyncingTakesNothingOfListsThatAreNotComplete) {
  Lose(main_);
  engine_.BeginResync(main_, "22.10.1");
  engine_.Apply(main_, std::vector<DeviceChange>{State("PJSIP/alice", DeviceState::kNotInUse)});
  Update(Alice());
  EXPECT_EQ(Shown(), kAsItWas);
  Update(Alice({kWebrtc}));
  Update(Alice({kWebrtc, kDeskphone}));
  EXPECT_EQ(Shown(), "AVAILABLE SELECTED_WEBRTC WEBRTC [NOT_INUSE, UNKNOWN] stale")
      << "nobody's line holds any more what was published of the deskphone";
}

TEST_F(EngineUsersTest, ALineThatIsTakenAwayLeavesTheOtherAsItWas) {
  Lose(main_);
  Update(Alice({kDeskphone}));
  EXPECT_EQ(Shown(), "IN_USE SINGLE_LINE DESKPHONE [INUSE holding] stale");
  ASSERT_EQ(sink_.updates.size(), 1u) << "a line less is seen";
  EXPECT_EQ(sink_.updates[0].cause, CauseKind::kUserUpdated);
  EXPECT_EQ(sink_.updates[0].previous, PresenceState::kInUse);
  Update(Alice());
  EXPECT_EQ(Shown(), kAsItWas) << "the PBX has told of that device before it went away";
}

TEST_F(EngineUsersTest, AnotherDeviceIsUnknownWhileThePbxIsAwayAndTheOtherLineStays) {
  Lose(main_);
  Update(Alice({kDeskphone, {LineKind::kWebrtc, "main", "PJSIP/tablet"}}));
  EXPECT_EQ(Shown(), "IN_USE WEBRTC_UNREACHABLE DESKPHONE [INUSE holding, UNKNOWN] stale");
  Sync(main_,
       {State("PJSIP/alice", DeviceState::kInUse), State("PJSIP/tablet", DeviceState::kNotInUse)});
  EXPECT_EQ(sink_.updates.back().line_states,
            (std::vector<DeviceState>{DeviceState::kInUse, DeviceState::kNotInUse}));
}

TEST_F(EngineUsersTest, DevicesThatChangeTheirKindKeepWhatIsKnown) {
  Lose(main_);
  Update(Alice({{LineKind::kDeskphone, "main", "PJSIP/alice_w"},
                {LineKind::kWebrtc, "main", "PJSIP/alice"}}));
  EXPECT_EQ(Shown(), "IN_USE SELECTED_WEBRTC WEBRTC [NOT_INUSE, INUSE holding] stale");
}

TEST_F(EngineUsersTest, ALineThatMovesToAPbxThatIsThereLeavesTheOtherAsItWas) {
  Sync(branch_, {State("PJSIP/alice_w", DeviceState::kRinging)});
  Lose(main_);
  Update(Alice({kDeskphone, kBranch}));
  EXPECT_EQ(Shown(), "IN_USE WEBRTC_UNREACHABLE DESKPHONE [INUSE holding, UNKNOWN] stale");
  EXPECT_TRUE(engine_.pbxs().TakeListingWanted(branch_));
  engine_.Apply(branch_, std::vector<DeviceChange>{State("PJSIP/alice_w", DeviceState::kNotInUse)});
  EXPECT_EQ(Shown(), kAsItWas);
  Update(Alice());
  EXPECT_EQ(Shown(), kAsItWas) << "back on the PBX that is away";
}

TEST_F(EngineUsersTest, ADeviceThatAnotherUserHasIsKnownByHim) {
  User bob = Alice({kDeskphone});
  bob.id = bob.exten = "bob";
  bob.voicemail.reset();
  Lose(main_);
  Add(bob);
  EXPECT_EQ(Shown("bob"), "IN_USE SINGLE_LINE DESKPHONE [INUSE holding] stale");
  ASSERT_TRUE(engine_.RemoveUser("alice").ok());
  EXPECT_EQ(Shown("bob"), "IN_USE SINGLE_LINE DESKPHONE [INUSE holding] stale");
}

TEST_F(EngineUsersTest, AUserMadeAgainWhileThePbxIsAwayShowsTheLastKnownLines) {
  Lose(main_);
  ASSERT_TRUE(engine_.RemoveUser("alice").ok());
  const std::uint64_t removed = sink_.updates.back().revision;
  Add(Alice());
  EXPECT_EQ(Shown(), "IN_USE LOGGED_OUT DESKPHONE [INUSE holding, NOT_INUSE] stale");
  EXPECT_GT(sink_.updates.back().revision, removed) << "it may jump and never goes back";
}

TEST_F(EngineUsersTest, AUserMadeAgainAfterTheListsWentWithoutItsDeviceIsUnknown) {
  Sync(
      main_,
      {State("PJSIP/alice_w", DeviceState::kNotInUse),
       {.kind = DeviceChange::Kind::kCalls, .cause = CauseKind::kResync, .device = "PJSIP/alice"}});
  Lose(main_);
  ASSERT_TRUE(engine_.RemoveUser("alice").ok());
  Add(Alice());
  EXPECT_EQ(Shown(), "UNKNOWN LOGGED_OUT DESKPHONE [UNKNOWN, NOT_INUSE] stale");
}

TEST_F(EngineUsersTest, AfterTheReturnOnlyRealDifferencesArePublished) {
  Lose(main_);
  User alice = Alice();
  alice.exten = "1009";
  Update(alice);
  Sync(main_, {State("PJSIP/alice", DeviceState::kNotInUse),
               State("PJSIP/alice_w", DeviceState::kNotInUse),
               {.kind = DeviceChange::Kind::kCalls,
                .cause = CauseKind::kResync,
                .emitting = true,
                .in_call = true,
                .holding = true,
                .device = "PJSIP/alice"}});
  ASSERT_EQ(sink_.updates.size(), 1u);
  EXPECT_FALSE(sink_.updates[0].stale);
  EXPECT_EQ(Shown(), "IN_USE DESKPHONE_EMITTED_CALL WEBRTC [INUSE holding, NOT_INUSE]");
}

TEST_F(EngineUsersTest, TheNewNumberIsToldAndTheOldOneTakenBack) {
  std::vector<std::string> told;
  const auto take = [&] {
    while (engine_.routing_backlog().Take(main_, [&](const Routing& routing, bool) {
      told.push_back((routing.removed ? "-" : "") + std::string(routing.exten));
    })) {
    }
    return std::exchange(told, {});
  };
  engine_.routing_backlog().StartRound(main_);
  take();
  User alice = Alice();
  alice.exten = "1009";
  Update(alice);
  EXPECT_TRUE(engine_.routing_backlog().Waits(main_, "alice"));
  EXPECT_EQ(take(), (std::vector<std::string>{"-1000", "1009"}));
  alice.display_name = "Alice Liddell";
  ASSERT_TRUE(engine_.SetDoNotDisturb("alice", false).ok());
  Update(alice);
  EXPECT_EQ(take(), (std::vector<std::string>{"1009"})) << "what waited is not lost";
  Lose(main_);
  alice.exten = "1010";
  Update(alice);
  engine_.routing_backlog().StartRound(main_);
  EXPECT_EQ(take(), (std::vector<std::string>{"-1009", "1010"})) << "told when the PBX is back";
}

TEST_F(EngineUsersTest, MailboxCountsAreKept) {
  Lose(main_);
  User alice = Alice({kDeskphone});
  alice.voicemail->password = "4711";
  Update(alice);
  EXPECT_TRUE(engine_.mailboxes().Read(
      "alice", [](const Mailbox& box) { EXPECT_EQ(box.counts.new_messages, 3u); }));
  EXPECT_TRUE(sink_.mailboxes.empty());
}

TEST_F(EngineUsersTest, ADirectionThatNobodyKnowsIsExplainedAndChangesNothing) {
  sink_.updates.clear();
  DeviceChange calls{.kind = DeviceChange::Kind::kCalls,
                     .cause = CauseKind::kReconcile,
                     .direction_unknown = true,
                     .emitting = true,
                     .in_call = true,
                     .holding = true,
                     .device = "PJSIP/alice"};
  engine_.Apply(main_, std::vector<DeviceChange>{calls});
  EXPECT_TRUE(engine_.Explain("alice")->lines[0].direction_unknown);
  EXPECT_FALSE(engine_.Explain("alice")->lines[1].direction_unknown);
  EXPECT_TRUE(sink_.updates.empty());
  EXPECT_EQ(engine_.pbxs()[main_].corrections, 0u);
}

}  // namespace
}  // namespace unipresence
