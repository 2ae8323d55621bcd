#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "aggregator/engine/engine.h"
#include "tests/testing/fake_clock.h"
#include "tests/testing/recording_sink.h"

namespace unipresence {
namespace {

struct Taken {  // a Routing that owns its strings
  bool again = false;
  bool removed = false;
  std::string context;
  std::string exten;
  std::string user;
  std::string device_in_use;
  std::string deskphone;
  std::string webrtc;
  std::string busy_forward;
  std::string mailbox;
  PresenceState state = PresenceState::kUnknown;
  bool do_not_disturb = false;
  int ring_seconds = 0;
};

User Person(const std::string& id, const std::string& exten, const std::string& deskphone_pbx,
            const std::string& webrtc_pbx) {
  User user;
  user.id = id;
  user.exten = exten;
  user.context = "default";
  user.line_type = LineType::kUniqueAccount;
  user.username = id;
  user.lines = {{LineKind::kDeskphone, deskphone_pbx, "PJSIP/" + id},
                {LineKind::kWebrtc, webrtc_pbx, "PJSIP/" + id + "_w"}};
  return user;
}

class EngineRoutingTest : public ::testing::Test {
 protected:
  EngineRoutingTest() {
    main_ = engine_.pbxs().Add("main", "127.0.0.1:5038");
    branch_ = engine_.pbxs().Add("branch", "127.0.0.2:5038");
    engine_.routing_backlog().StartRound(main_);
    engine_.routing_backlog().StartRound(branch_);
  }

  void Add(const User& user, const UserSettings& settings = {}) {
    ASSERT_TRUE(engine_.AddUser(user, settings).ok());
  }

  void Sync() {
    engine_.BeginResync(main_, "22.10.1");
    for (const std::string device : {"PJSIP/alice", "PJSIP/alice_w"}) {
      engine_.Apply(main_, std::vector<DeviceChange>{{.cause = CauseKind::kResync,
                                                      .state = DeviceState::kNotInUse,
                                                      .device = device}});
    }
    engine_.EndResync(main_);
    while (engine_.Sweep(10)) {
    }
  }

  std::vector<Taken> TakeAll(PbxIndex pbx) {
    std::vector<Taken> all;
    while (engine_.routing_backlog().Take(pbx, [&](const Routing& routing, bool again) {
      all.push_back({again, routing.removed, std::string(routing.context),
                     std::string(routing.exten), std::string(routing.user),
                     std::string(routing.device_in_use),
                     std::string(routing.devices[LineKind::kDeskphone]),
                     std::string(routing.devices[LineKind::kWebrtc]),
                     std::string(routing.forwards[1]), std::string(routing.mailbox), routing.state,
                     routing.do_not_disturb, routing.ring_seconds});
    })) {
    }
    return all;
  }

  testing::FakeClock clock_;
  testing::RecordingSink sink_;
  Engine engine_{{.epoch = 7}, clock_, sink_};
  PbxIndex main_ = 0;
  PbxIndex branch_ = 0;
};

TEST_F(EngineRoutingTest, WhoChangedManyTimesIsTakenOnceAsHeIsThen) {
  Add(Person("alice", "1001", "main", "main"));
  Sync();
  TakeAll(main_);
  ASSERT_TRUE(engine_.SetLoggedIn("alice", true, CauseKind::kLogin).ok());
  ASSERT_TRUE(engine_.SelectDevice("alice", LineKind::kDeskphone).ok());
  ASSERT_TRUE(engine_.SelectDevice("alice", LineKind::kWebrtc).ok());
  ASSERT_TRUE(engine_.SetDoNotDisturb("alice", true).ok());
  const std::vector<Taken> taken = TakeAll(main_);
  ASSERT_EQ(taken.size(), 1u);
  EXPECT_FALSE(taken[0].again);
  EXPECT_EQ(taken[0].context, "default");
  EXPECT_EQ(taken[0].exten, "1001");
  EXPECT_EQ(taken[0].user, "alice");
  EXPECT_EQ(taken[0].device_in_use, "PJSIP/alice_w");
  EXPECT_EQ(taken[0].deskphone, "PJSIP/alice");
  EXPECT_EQ(taken[0].webrtc, "PJSIP/alice_w");
  EXPECT_EQ(taken[0].state, PresenceState::kAvailable);
  EXPECT_TRUE(taken[0].do_not_disturb);
  EXPECT_EQ(taken[0].ring_seconds, kDefaultRingSeconds);
  EXPECT_TRUE(engine_.routing_backlog().queue(main_).empty());
}

TEST_F(EngineRoutingTest, ForwardingsAreToldWhenEnabledAndShownInThePresence) {
  Add(Person("alice", "1001", "main", "main"));
  Sync();
  TakeAll(main_);
  Forwardings forwardings;
  forwardings[ForwardingCondition::kBusy] = {.destination = "2000", .enabled = true};
  ASSERT_TRUE(engine_.SetForwardings("alice", forwardings).ok());
  ASSERT_EQ(sink_.updates.back().cause, CauseKind::kSetForwarding);
  std::vector<Taken> taken = TakeAll(main_);
  ASSERT_EQ(taken.size(), 1u);
  EXPECT_EQ(taken[0].busy_forward, "2000");
  ASSERT_TRUE(engine_.Read("alice", [](const PresenceSource::Entry& entry) {
    EXPECT_TRUE(entry.presence.active_forwardings.Contains(ForwardingCondition::kBusy));
    EXPECT_FALSE(entry.presence.active_forwardings.Contains(ForwardingCondition::kNoAnswer));
  }));

  // Another destination shows in no presence, but the PBX must know.
  const std::size_t updates = sink_.updates.size();
  forwardings[ForwardingCondition::kBusy].destination = "2001";
  ASSERT_TRUE(engine_.SetForwardings("alice", forwardings).ok());
  EXPECT_EQ(sink_.updates.size(), updates);
  taken = TakeAll(main_);
  ASSERT_EQ(taken.size(), 1u);
  EXPECT_EQ(taken[0].busy_forward, "2001");

  forwardings[ForwardingCondition::kBusy].enabled = false;
  ASSERT_TRUE(engine_.SetForwardings("alice", forwardings).ok());
  taken = TakeAll(main_);
  ASSERT_EQ(taken.size(), 1u);
  EXPECT_EQ(taken[0].busy_forward, "");
  EXPECT_EQ(engine_.GetForwardings("alice")->Active(ForwardingCondition::kBusy), "");
  EXPECT_EQ((*engine_.GetForwardings("alice"))[ForwardingCondition::kBusy].destination, "2001");
}

TEST_F(EngineRoutingTest, EachPbxIsToldOfItsOwnLines) {
  Add(Person("alice", "1001", "main", "branch"));
  Sync();
  ASSERT_TRUE(engine_.SetLoggedIn("alice", true, CauseKind::kLogin).ok());
  const std::vector<Taken> main = TakeAll(main_);
  const std::vector<Taken> branch = TakeAll(branch_);
  ASSERT_EQ(main.size(), 1u);
  ASSERT_EQ(branch.size(), 1u);
  EXPECT_EQ(main[0].device_in_use, "PJSIP/alice");
  EXPECT_EQ(main[0].webrtc, "");
  EXPECT_EQ(branch[0].device_in_use, "PJSIP/alice_w");
  EXPECT_EQ(branch[0].deskphone, "");
}

TEST_F(EngineRoutingTest, ARoundTellsEverybodyAgainAfterWhoChanged) {
  Add(Person("alice", "1001", "main", "main"));
  Add(Person("bob", "1002", "main", "main"));
  Add(Person("carol", "1003", "branch", "branch"));
  TakeAll(main_);
  engine_.routing_backlog().StartRound(main_);
  ASSERT_TRUE(engine_.SetDoNotDisturb("bob", true).ok());
  const std::vector<Taken> taken = TakeAll(main_);
  ASSERT_EQ(taken.size(), 3u);
  EXPECT_EQ(taken[0].user, "bob");
  EXPECT_FALSE(taken[0].again);
  EXPECT_EQ(taken[1].user, "alice");
  EXPECT_TRUE(taken[1].again);
  EXPECT_EQ(taken[2].user, "bob");
  EXPECT_TRUE(taken[2].again);
}

TEST_F(EngineRoutingTest, ANumberThatIsGivenUpIsTold) {
  Add(Person("alice", "1001", "main", "main"));
  TakeAll(main_);
  ASSERT_TRUE(engine_.UpdateUser(Person("alice", "1009", "main", "main")).ok());
  std::vector<Taken> taken = TakeAll(main_);
  ASSERT_EQ(taken.size(), 2u);
  EXPECT_TRUE(taken[0].removed);
  EXPECT_EQ(taken[0].exten, "1001");
  EXPECT_FALSE(taken[1].removed);
  EXPECT_EQ(taken[1].exten, "1009");
  ASSERT_TRUE(engine_.SetDoNotDisturb("alice", true).ok());
  ASSERT_TRUE(engine_.RemoveUser("alice").ok());
  taken = TakeAll(main_);
  ASSERT_EQ(taken.size(), 1u);
  EXPECT_TRUE(taken[0].removed);
  EXPECT_EQ(taken[0].exten, "1009");
}

TEST_F(EngineRoutingTest, APbxThatAUserLeavesIsTold) {
  Add(Person("alice", "1001", "main", "branch"));
  TakeAll(main_);
  TakeAll(branch_);
  ASSERT_TRUE(engine_.UpdateUser(Person("alice", "1001", "main", "main")).ok());
  const std::vector<Taken> branch = TakeAll(branch_);
  ASSERT_EQ(branch.size(), 1u);
  EXPECT_TRUE(branch[0].removed);
  EXPECT_EQ(branch[0].exten, "1001");
  const std::vector<Taken> main = TakeAll(main_);
  ASSERT_EQ(main.size(), 1u);
  EXPECT_FALSE(main[0].removed);
  EXPECT_EQ(main[0].webrtc, "PJSIP/alice_w");
}

TEST_F(EngineRoutingTest, WhatARoundIsAboutToVisitDoesNotWaitBeforeIt) {
  Add(Person("alice", "1001", "main", "main"));
  Add(Person("bob", "1002", "main", "main"));
  TakeAll(main_);
  engine_.routing_backlog().Close(main_);
  ASSERT_TRUE(engine_.SetDoNotDisturb("bob", true).ok());
  EXPECT_TRUE(engine_.routing_backlog().queue(main_).empty());
  engine_.BeginResync(main_, "22.10.1");
  engine_.Apply(main_, std::vector<DeviceChange>{{.cause = CauseKind::kResync,
                                                  .state = DeviceState::kNotInUse,
                                                  .device = "PJSIP/alice"}});
  engine_.EndResync(main_);
  engine_.routing_backlog().StartRound(main_);
  while (engine_.Sweep(10)) {
  }
  EXPECT_EQ(engine_.routing_backlog().queue(main_).changed(), 0u);
  // What a user does is told first all the same.
  ASSERT_TRUE(engine_.SetDoNotDisturb("bob", false).ok());
  const std::vector<Taken> taken = TakeAll(main_);
  ASSERT_EQ(taken.size(), 3u);
  EXPECT_EQ(taken[0].user, "bob");
  EXPECT_FALSE(taken[0].again);
  EXPECT_EQ(taken[1].user, "alice");
  EXPECT_EQ(taken[1].state, PresenceState::kAvailable);
  EXPECT_TRUE(taken[1].again);
}

TEST_F(EngineRoutingTest, ChangesDoNotWaitWhileNobodyTakesThem) {
  Add(Person("alice", "1001", "main", "main"));
  ASSERT_TRUE(engine_.SetDoNotDisturb("alice", true).ok());
  EXPECT_FALSE(engine_.routing_backlog().queue(main_).empty());
  engine_.routing_backlog().Close(main_);
  EXPECT_TRUE(engine_.routing_backlog().queue(main_).empty());
  ASSERT_TRUE(engine_.SetDoNotDisturb("alice", false).ok());
  EXPECT_TRUE(engine_.routing_backlog().queue(main_).empty());
  // A number that is given up is remembered.
  ASSERT_TRUE(engine_.RemoveUser("alice").ok());
  EXPECT_FALSE(engine_.routing_backlog().queue(main_).empty());
}

TEST_F(EngineRoutingTest, TheChoiceIsToldAlsoWhenItDecidesNothing) {
  Add(Person("alice", "1001", "main", "main"));
  TakeAll(main_);
  ASSERT_TRUE(engine_.SelectDevice("alice", LineKind::kDeskphone).ok());
  EXPECT_EQ(TakeAll(main_).size(), 1u);
}

TEST_F(EngineRoutingTest, WhatTheUserHasBesidesThePresenceIsTold) {
  User alice = Person("alice", "1001", "main", "main");
  alice.ring_seconds = 45;
  alice.voicemail = Voicemail{.number = "1001"};
  Add(alice);
  const std::vector<Taken> taken = TakeAll(main_);
  ASSERT_EQ(taken.size(), 1u);
  EXPECT_EQ(taken[0].ring_seconds, 45);
  EXPECT_EQ(taken[0].mailbox, "1001");
}

}  // namespace
}  // namespace unipresence
