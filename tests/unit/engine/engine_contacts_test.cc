// What contacts do to a line, and devices that a PBX does not know.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "aggregator/engine/engine.h"
#include "tests/testing/fake_clock.h"
#include "tests/testing/recording_sink.h"

namespace unipresence {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

User UniqueAccount(const std::string& id) {
  User user;
  user.id = id;
  user.exten = id;
  user.context = "default";
  user.line_type = LineType::kUniqueAccount;
  user.username = id;
  user.lines = {{LineKind::kDeskphone, "main", "PJSIP/" + id},
                {LineKind::kWebrtc, "main", "PJSIP/" + id + "_w"}};
  return user;
}

DeviceChange State(std::string_view device, DeviceState state,
                   CauseKind cause = CauseKind::kDeviceStateChange) {
  return {.kind = DeviceChange::Kind::kState, .cause = cause, .state = state, .device = device};
}

DeviceChange Contact(bool reachable, CauseKind cause = CauseKind::kContactStatus) {
  return {.kind = DeviceChange::Kind::kContact,
          .cause = cause,
          .reachable = reachable,
          .device = "PJSIP/alice_w"};
}

constexpr DeviceState kNoWay[] = {DeviceState::kUnavailable, DeviceState::kInvalid,
                                  DeviceState::kUnknown};

class EngineContactsTest : public ::testing::Test {
 protected:
  EngineContactsTest() {
    pbx_ = engine_.pbxs().Add("main", "127.0.0.1:5038");
    EXPECT_TRUE(engine_.AddUser(UniqueAccount("alice"), {}).ok());
    EXPECT_TRUE(engine_.SetLoggedIn("alice", true, CauseKind::kLogin).ok());
  }

  void Sync(const std::vector<DeviceChange>& rows) {
    engine_.BeginResync(pbx_, "22");
    engine_.Apply(pbx_, rows);
    engine_.EndResync(pbx_);
    while (engine_.Sweep(10)) {
    }
  }
  void Apply(DeviceChange change) { engine_.Apply(pbx_, std::vector<DeviceChange>{change}); }
  DeviceState Web() const { return engine_.Explain("alice")->lines[1].state; }
  LineKind InUse() const { return engine_.Explain("alice")->result.device_in_use; }
  bool NotListed(std::size_t line) const {
    return engine_.Explain("alice")->lines[line].not_listed;
  }

  testing::FakeClock clock_;
  testing::RecordingSink sink_;
  Engine engine_{{}, clock_, sink_};
  PbxIndex pbx_ = 0;
};

TEST_F(EngineContactsTest, NoContactOfASnapshotMakesALineAvailable) {
  for (const DeviceState state : kNoWay) {
    Sync({State("PJSIP/alice", DeviceState::kNotInUse, CauseKind::kResync),
          State("PJSIP/alice_w", state, CauseKind::kResync), Contact(true, CauseKind::kResync)});
    EXPECT_EQ(Web(), state);
    EXPECT_EQ(InUse(), LineKind::kDeskphone);
    // Nor in another order: of the states of one snapshot the last counts, whatever contacts say.
    Sync({Contact(true, CauseKind::kResync),
          State("PJSIP/alice_w", DeviceState::kNotInUse, CauseKind::kResync),
          Contact(true, CauseKind::kResync), State("PJSIP/alice_w", state, CauseKind::kResync)});
    EXPECT_EQ(Web(), state);
  }
}

TEST_F(EngineContactsTest, ADeviceThatNoListHasStaysUnknownWhateverItsContact) {
  Sync({Contact(true, CauseKind::kResync)});
  EXPECT_EQ(Web(), DeviceState::kUnknown);
  Apply(Contact(true, CauseKind::kReconcile));
  EXPECT_EQ(Web(), DeviceState::kUnknown);
  EXPECT_EQ(engine_.pbxs()[pbx_].corrections, 0u);
}

TEST_F(EngineContactsTest, NoContactOfAReconcileOrEventMakesALineAvailable) {
  Sync({State("PJSIP/alice", DeviceState::kNotInUse),
        State("PJSIP/alice_w", DeviceState::kNotInUse)});
  for (const DeviceState state : kNoWay) {
    Apply(State("PJSIP/alice_w", state));
    for (const CauseKind cause : {CauseKind::kReconcile, CauseKind::kContactStatus}) {
      for (const bool reachable : {true, false, true}) {
        Apply(Contact(reachable, cause));
        EXPECT_EQ(Web(), state);
        EXPECT_EQ(InUse(), LineKind::kDeskphone);
      }
    }
  }
  EXPECT_EQ(engine_.pbxs()[pbx_].corrections, 0u);
  // Asterisk says when it can be reached again.
  Apply(State("PJSIP/alice_w", DeviceState::kNotInUse));
  EXPECT_EQ(InUse(), LineKind::kWebrtc);
}

TEST_F(EngineContactsTest, WhatContactsTookTheyGiveBack) {
  Sync({State("PJSIP/alice_w", DeviceState::kNotInUse)});
  Apply(Contact(false));
  EXPECT_EQ(Web(), DeviceState::kUnavailable);
  EXPECT_EQ(engine_.Explain("alice")->lines[1].reported, DeviceState::kNotInUse);
  Apply(Contact(true));
  EXPECT_EQ(Web(), DeviceState::kNotInUse);
  Apply(Contact(false));
  Apply(State("PJSIP/alice_w", DeviceState::kUnavailable));
  Apply(Contact(true));
  EXPECT_EQ(Web(), DeviceState::kUnavailable);
}

TEST_F(EngineContactsTest, NoRowOfAListGivesBackWhatContactsTook) {
  for (const CauseKind cause : {CauseKind::kReconcile, CauseKind::kResync}) {
    Sync({State("PJSIP/alice_w", DeviceState::kNotInUse, CauseKind::kResync)});
    Apply(Contact(false));
    const std::uint64_t sequence = engine_.sequence();
    // As Asterisk lists an endpoint whose contact died a moment ago, again and again.
    for (int i = 0; i < 2; ++i) {
      Apply(State("PJSIP/alice_w", DeviceState::kNotInUse, cause));
      EXPECT_EQ(Web(), DeviceState::kUnavailable);
      Apply(Contact(false, cause));
      EXPECT_EQ(Web(), DeviceState::kUnavailable);
    }
    EXPECT_EQ(engine_.sequence(), sequence);
    Apply(Contact(true, cause));
    EXPECT_EQ(Web(), DeviceState::kNotInUse);
    Apply(Contact(false));
    Apply(State("PJSIP/alice_w", DeviceState::kNotInUse));
    EXPECT_EQ(Web(), DeviceState::kNotInUse);
  }
  Sync({State("PJSIP/alice_w", DeviceState::kNotInUse, CauseKind::kResync),
        Contact(false, CauseKind::kResync)});
  EXPECT_EQ(Web(), DeviceState::kUnavailable);
}

TEST_F(EngineContactsTest, WhoDialsIsThereUntilAsteriskSaysOtherwise) {
  Sync({State("PJSIP/alice_w", DeviceState::kNotInUse)});
  Apply({.kind = DeviceChange::Kind::kCalls,
         .cause = CauseKind::kNewchannel,
         .emitting = true,
         .in_call = true,
         .device = "PJSIP/alice_w"});
  EXPECT_EQ(Web(), DeviceState::kInUse);
  Apply(Contact(false));
  EXPECT_EQ(Web(), DeviceState::kInUse);
  Apply(State("PJSIP/alice_w", DeviceState::kUnavailable));
  EXPECT_EQ(Web(), DeviceState::kUnavailable);
}

TEST_F(EngineContactsTest, ALineInACallKeepsItsStateWithoutContact) {
  Sync({State("PJSIP/alice_w", DeviceState::kInUse)});
  Apply(Contact(false));
  EXPECT_EQ(Web(), DeviceState::kInUse);
  Apply(State("PJSIP/alice_w", DeviceState::kUnavailable));
  EXPECT_EQ(Web(), DeviceState::kUnavailable);
}

// --- Devices that the PBX lists nowhere ---

TEST_F(EngineContactsTest, ADeviceThatIsListedNowhereIsSaidOnce) {
  Sync({State("PJSIP/alice", DeviceState::kUnavailable)});
  EXPECT_FALSE(NotListed(1)) << "the lists may have been refused";
  EXPECT_THAT(engine_.pbxs().FindUnlisted(pbx_).names, ElementsAre("PJSIP/alice_w"));
  EXPECT_TRUE(NotListed(1));
  EXPECT_FALSE(NotListed(0));
  EXPECT_THAT(engine_.pbxs().Unlisted(pbx_).names, ElementsAre("PJSIP/alice_w"));
  EXPECT_THAT(engine_.pbxs().FindUnlisted(pbx_).names, IsEmpty());
  engine_.LinkLost(pbx_, "gone");
  EXPECT_FALSE(NotListed(1)) << "nobody knows now";
  EXPECT_EQ(engine_.pbxs().Unlisted(pbx_).count, 0u);
  Sync({State("PJSIP/alice", DeviceState::kUnavailable)});
  EXPECT_THAT(engine_.pbxs().FindUnlisted(pbx_).names, IsEmpty());
  EXPECT_EQ(engine_.pbxs().Unlisted(pbx_).count, 1u);
}

TEST_F(EngineContactsTest, ADeviceThatComesAndGoesIsSaidAgain) {
  Sync({State("PJSIP/alice", DeviceState::kNotInUse),
        State("PJSIP/alice_w", DeviceState::kInvalid)});
  EXPECT_EQ(engine_.pbxs().FindUnlisted(pbx_).count, 1u);
  Apply(State("PJSIP/alice_w", DeviceState::kNotInUse));
  EXPECT_FALSE(NotListed(1));
  EXPECT_EQ(engine_.pbxs().Unlisted(pbx_).count, 0u);
  EXPECT_EQ(engine_.pbxs().FindUnlisted(pbx_).count, 0u);
  Apply(State("PJSIP/alice_w", DeviceState::kInvalid));  // its endpoint was removed
  EXPECT_TRUE(NotListed(1));
  EXPECT_THAT(engine_.pbxs().FindUnlisted(pbx_).names, ElementsAre("PJSIP/alice_w"));
}

TEST_F(EngineContactsTest, OfADeviceThatNobodyAskedForNothingIsSaid) {
  Sync({State("PJSIP/alice", DeviceState::kNotInUse),
        State("PJSIP/alice_w", DeviceState::kNotInUse)});
  EXPECT_EQ(engine_.pbxs().FindUnlisted(pbx_).count, 0u);
  ASSERT_TRUE(engine_.AddUser(UniqueAccount("bob"), {}).ok());
  EXPECT_EQ(engine_.pbxs().FindUnlisted(pbx_).count, 0u) << "lists with bob follow";
  EXPECT_TRUE(engine_.pbxs().TakeListingWanted(pbx_));
  Apply(State("PJSIP/bob", DeviceState::kNotInUse, CauseKind::kReconcile));
  EXPECT_THAT(engine_.pbxs().FindUnlisted(pbx_).names, ElementsAre("PJSIP/bob_w"));
  // A device without a user is nobody's business, also when it had one.
  ASSERT_TRUE(engine_.RemoveUser("bob").ok());
  EXPECT_EQ(engine_.pbxs().Unlisted(pbx_).count, 0u);
  Apply(State("PJSIP/bob", DeviceState::kInvalid));
  EXPECT_EQ(engine_.pbxs().FindUnlisted(pbx_).count, 0u);
  EXPECT_EQ(engine_.pbxs()[pbx_].unlisted_devices, 0u);
  ASSERT_TRUE(engine_.AddUser(UniqueAccount("bob"), {}).ok());
  EXPECT_TRUE(engine_.pbxs().TakeListingWanted(pbx_));
  EXPECT_THAT(engine_.pbxs().FindUnlisted(pbx_).names, ElementsAre("PJSIP/bob", "PJSIP/bob_w"));
}

TEST_F(EngineContactsTest, ManyAreCountedAndTheFirstOfThemNamed) {
  for (int i = 0; i < 120; ++i) {
    ASSERT_TRUE(engine_.AddUser(UniqueAccount("u" + std::to_string(999 - i)), {}).ok());
  }
  Sync({State("PJSIP/alice", DeviceState::kNotInUse),
        State("PJSIP/alice_w", DeviceState::kNotInUse)});
  const PbxTable::UnlistedDevices found = engine_.pbxs().FindUnlisted(pbx_);
  EXPECT_EQ(found.count, 240u);
  ASSERT_EQ(found.names.size(), 100u);
  EXPECT_EQ(found.names.front(), "PJSIP/u880");
  EXPECT_EQ(found.names.back(), "PJSIP/u929_w");
}

}  // namespace
}  // namespace unipresence
