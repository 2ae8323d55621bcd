#include "clients/cpp/follow_session.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/cpp/follow_world.h"

namespace unipresence::client {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

TEST(FollowSessionTest, BecomesCurrentWithTheFirstFrameAndASnapshot) {
  World world;
  world.server.Set("alice", PresenceState::kAvailable);
  EXPECT_THAT(world.session.Topics(), ElementsAre(std::string("all\0", 4)));
  world.wire.clear();
  world.Settle();
  EXPECT_EQ(world.requests, 0) << "before a frame was heard updates may be missed";
  world.Flush();
  world.Heartbeat();
  world.Settle();
  EXPECT_TRUE(world.session.current());
  EXPECT_TRUE(world.listener.current);
  EXPECT_EQ(world.listener.values, world.server.values());
  EXPECT_THAT(world.listener.gaps, IsEmpty());
}

class FollowingTest : public ::testing::Test {
 protected:
  void SetUp() override {
    for (const char* user : {"a", "b", "c"}) world_.Set(user);
    world_.Heartbeat();
    world_.Settle();
    ASSERT_TRUE(world_.listener.current);
    world_.Run(20s);
    requests_ = world_.requests;
  }

  void ExpectHealed() {
    EXPECT_TRUE(world_.listener.current);
    EXPECT_EQ(world_.listener.values, world_.server.values());
  }
  int new_requests() const { return world_.requests - requests_; }

  World world_;
  int requests_ = 0;
};

TEST_F(FollowingTest, UpdatesNeedNoSnapshot) {
  world_.Set("a", PresenceState::kRinging);
  world_.server.Remove("b");
  world_.Flush();
  world_.Settle();
  ExpectHealed();
  EXPECT_EQ(new_requests(), 0);
}

TEST_F(FollowingTest, AGapIsHealedByASnapshotAtOnce) {
  world_.Set("a", PresenceState::kRinging);
  world_.server.Remove("b");
  world_.Flush();
  world_.wire.clear();
  world_.Set("c", PresenceState::kRinging);
  world_.Settle();
  ExpectHealed();
  EXPECT_EQ(new_requests(), 1);
  EXPECT_THAT(world_.listener.gaps, ElementsAre(GapReason::kLost));
}

TEST_F(FollowingTest, ALostLastChangeIsSeenByTheNextHeartbeat) {
  world_.Set("a", PresenceState::kRinging);
  world_.wire.clear();
  world_.Run(1s);
  ExpectHealed();
  EXPECT_THAT(world_.listener.gaps, ElementsAre(GapReason::kLost));
}

TEST_F(FollowingTest, ARestartOfTheServer) {
  world_.server.Restart(2);
  world_.server.Remove("c");
  world_.Flush();
  world_.wire.clear();
  world_.Heartbeat();
  world_.Settle();
  ExpectHealed();
  EXPECT_THAT(world_.listener.gaps, ElementsAre(GapReason::kRestarted));
  EXPECT_EQ(world_.listener.resets, 1);
}

TEST_F(FollowingTest, AShortDisconnectionThatLostNothingNeedsNoSnapshot) {
  world_.Disconnect();
  EXPECT_THAT(world_.listener.gaps, ElementsAre(GapReason::kDisconnected));
  world_.Connect();
  world_.Settle();
  ExpectHealed();
  EXPECT_EQ(new_requests(), 0);
}

TEST_F(FollowingTest, ADisconnectionThatLostAChange) {
  world_.Disconnect();
  world_.Set("a", PresenceState::kRinging);
  world_.Connect();
  world_.Settle();
  ExpectHealed();
  EXPECT_EQ(new_requests(), 1);
}

TEST_F(FollowingTest, ASnapshotThatEndsWhileDisconnectedMakesNothingCurrent) {
  world_.Set("a", PresenceState::kRinging);
  world_.wire.clear();
  world_.Heartbeat();
  world_.ReadOne();
  world_.Step();
  world_.Disconnect();
  world_.Answer();
  EXPECT_FALSE(world_.listener.current);
  world_.Connect();
  world_.Settle();
  ExpectHealed();
}

TEST_F(FollowingTest, SilenceIsNoticedAfterThreeIntervalsAndEndsWithANewConnection) {
  world_.connected = false;  // half open: nobody says so
  world_.reachable = false;
  world_.Run(2900ms);
  EXPECT_TRUE(world_.listener.current);
  world_.Run(200ms);
  EXPECT_FALSE(world_.listener.current);
  EXPECT_THAT(world_.listener.gaps, ElementsAre(GapReason::kSilent));
  world_.Set("a", PresenceState::kRinging);
  world_.Run(15s);
  EXPECT_GE(world_.session.counters().silences, 2u);
  world_.reachable = true;
  world_.Run(30s);
  ExpectHealed();
}

TEST_F(FollowingTest, AStallOfThisProcessIsNoSilenceOfTheServer) {
  for (int i = 0; i < 60; ++i) {
    world_.clock.Advance(1s);
    world_.Heartbeat();
  }
  world_.Set("a", PresenceState::kRinging);
  world_.session.Advance(world_.clock.Now(), /*idle=*/false);
  world_.Settle();
  ExpectHealed();
  EXPECT_THAT(world_.listener.gaps, IsEmpty());
  // Even if not one frame has arrived when it wakes up.
  world_.clock.Advance(60s);
  world_.Step();
  EXPECT_FALSE(world_.last_step.reopen_stream);
}

TEST_F(FollowingTest, AProcessThatSeldomRunsNoticesSilenceAsWell) {
  world_.connected = false;
  world_.reachable = false;
  for (int i = 0; i < 5; ++i) {
    world_.clock.Advance(2s);  // an interval is 1 s
    world_.Step();
  }
  EXPECT_THAT(world_.listener.gaps, ElementsAre(GapReason::kSilent));
}

TEST_F(FollowingTest, AConnectionThatTakesLongerThanItsLimitIsGivenMoreTime) {
  world_.Disconnect();
  world_.reachable = false;
  std::vector<MonotonicTime> reopened;
  for (int i = 0; i < 3'000; ++i) {
    world_.clock.Advance(100ms);
    world_.Step();
    if (world_.last_step.reopen_stream) reopened.push_back(world_.clock.Now());
  }
  ASSERT_GE(reopened.size(), 5u);
  EXPECT_GE(reopened[2] - reopened[1], 25s);
  EXPECT_LE(reopened.back() - reopened[reopened.size() - 2], 35s) << "bounded";
  world_.reachable = true;
  world_.Run(35s);
  ExpectHealed();
  // The next time it is as quick as ever.
  world_.Disconnect();
  world_.Connect();
  world_.Settle();
  ExpectHealed();
}

// Each answer takes three times the time-out: asked for again and again with the same time-out it
// would never be in time.
TEST_F(FollowingTest, AServerThatAnswersSlowlyIsGivenTheTimeThatItNeeds) {
  for (int i = 0; i < 300; ++i) world_.server.Set("u" + std::to_string(i), PresenceState::kBusy);
  world_.Flush();
  world_.wire.clear();
  world_.Heartbeat();
  world_.ReadOne();
  ASSERT_FALSE(world_.listener.current);
  MonotonicTime answer_at = MonotonicTime::max();
  for (int i = 0; i < 3'000 && !world_.listener.current; ++i) {
    world_.clock.Advance(100ms);
    if (i % 10 == 0) world_.Heartbeat();
    while (!world_.wire.empty()) world_.ReadOne();
    if (world_.clock.Now() >= answer_at) {
      world_.Answer();
      answer_at = MonotonicTime::max();
    }
    world_.Step();
    if (!world_.last_step.request.empty()) answer_at = world_.clock.Now() + 15s;
  }
  ExpectHealed();
  EXPECT_LE(world_.session.counters().timeouts, 3u);
}

// A reader with little time to spare, and a queue that drops what does not fit: pages that were
// asked for without regard to the stream would make it lose frames for ever.
TEST(FollowSessionTest, ASlowReaderIsNotStarvedByItsOwnSnapshots) {
  constexpr int kFramesPerTick = 90;
  constexpr int kReadPerTick = 100;
  constexpr int kReadsThatAPageCosts = 200;
  constexpr std::size_t kQueue = 1'000;
  constexpr int kReadsPerStep = 256;
  World world(FollowOptions{.page_bytes = 4096});
  for (int i = 0; i < 3'000; ++i) world.server.Set("u" + std::to_string(i), PresenceState::kBusy);
  world.Flush();
  world.wire.clear();
  world.Heartbeat();
  world.ReadOne();
  ASSERT_FALSE(world.listener.current) << "a gap: a snapshot is needed";
  int owed = 0;  // reads
  int change = 0;
  for (int tick = 0; tick < 10'000 && !world.listener.current; ++tick) {
    world.clock.Advance(10ms);
    for (int i = 0; i < kFramesPerTick; ++i, ++change) {
      world.Set("a", change % 2 == 0 ? PresenceState::kBusy : PresenceState::kAvailable);
      if (world.wire.size() > kQueue) world.wire.pop_back();
    }
    if (tick % 100 == 0) world.Heartbeat();
    for (owed += kReadPerTick; owed > 0;) {
      int reads = 0;
      for (; reads < kReadsPerStep && !world.wire.empty(); ++reads) world.ReadOne();
      owed -= std::max(reads, 1);
      world.last_step = world.session.Advance(world.clock.Now(), reads < kReadsPerStep);
      if (world.last_step.request.empty()) continue;
      world.request = world.last_step.request;
      world.Answer();
      owed -= kReadsThatAPageCosts;
    }
  }
  EXPECT_TRUE(world.listener.current);
}

TEST_F(FollowingTest, NobodyIsSilentWhileThereIsSomethingToRead) {
  for (int i = 0; i < 100; ++i) {
    world_.clock.Advance(100ms);
    EXPECT_FALSE(world_.session.Advance(world_.clock.Now(), /*idle=*/false).reopen_stream);
  }
}

TEST_F(FollowingTest, APageWithoutAnAnswerIsAskedForAgainOnANewConnection) {
  world_.deaf = true;
  world_.Set("a");
  world_.wire.clear();
  world_.Heartbeat();
  world_.Settle();
  EXPECT_EQ(new_requests(), 1);
  world_.Run(4800ms);
  EXPECT_EQ(new_requests(), 1);
  world_.deaf = false;
  world_.Run(400ms);
  EXPECT_EQ(new_requests(), 2);
  EXPECT_EQ(world_.session.counters().timeouts, 1u);
  ExpectHealed();
}

TEST_F(FollowingTest, ALateAnswerIsDropped) {
  world_.Set("a");
  world_.wire.clear();
  world_.Heartbeat();
  world_.ReadOne();
  world_.Step();
  const std::string first = *std::exchange(world_.request, std::nullopt);
  publish::SnapshotResponder late(world_.server);
  late.Begin(first);
  std::size_t budget = 1000;
  ASSERT_TRUE(late.Work(budget));
  world_.server.Remove("b");
  world_.Flush();
  world_.wire.clear();
  world_.Heartbeat();  // another gap: the first snapshot is worthless
  world_.Settle();
  world_.session.OnReply(late.reply(), world_.clock.Now());
  EXPECT_FALSE(world_.listener.current);
  world_.Run(1s);
  ExpectHealed();
}

TEST_F(FollowingTest, GapsInARowAreHealedWithGrowingDelays) {
  for (int i = 0; i < 100; ++i) {
    world_.Set("a", i % 2 == 0 ? PresenceState::kBusy : PresenceState::kAvailable);
    world_.wire.clear();
    world_.Heartbeat();
    world_.Run(100ms);
  }
  EXPECT_LE(new_requests(), 10);
  world_.Run(10s);
  ExpectHealed();
}

TEST_F(FollowingTest, RefusedPagesAreAskedForAgain) {
  v1::SnapshotReply refusal;
  refusal.mutable_error()->set_reason(v1::ERROR_REASON_SERVER_STARTING);
  world_.Set("a");
  world_.wire.clear();
  world_.Heartbeat();
  world_.ReadOne();
  world_.Step();
  v1::SnapshotRequest request;
  ASSERT_TRUE(request.ParseFromString(*std::exchange(world_.request, std::nullopt)));
  refusal.set_request_id(request.request_id());
  world_.session.OnReply(refusal.SerializeAsString(), world_.clock.Now());
  world_.Step();
  EXPECT_EQ(new_requests(), 1) << "not at once";
  world_.Run(200ms);
  EXPECT_EQ(new_requests(), 2);
  EXPECT_EQ(world_.session.counters().refused, 1u);
  ExpectHealed();
}

TEST_F(FollowingTest, GarbageIsCountedAndChangesNothing) {
  for (const std::string& message :
       {std::string(), std::string("all"), std::string("all\0\xff", 5), std::string("all\0", 4),
        std::string("heartbeat\0", 10), std::string("user/a\0", 7), std::string(100, '\0')}) {
    world_.session.OnMessage(message, world_.clock.Now());
  }
  world_.session.OnReply("\xff", world_.clock.Now());
  EXPECT_EQ(world_.session.counters().bad_messages, 8u);
  ExpectHealed();
}

// --- Some users --------------------------------------------------------------------------------

TEST(FollowSomeTest, PullsItsUsersAndThenFollows) {
  World world(Some({"a", "b", "nobody"}));
  EXPECT_THAT(world.session.Topics(), SizeIs(4));
  for (const char* user : {"a", "b", "c"}) world.Set(user);
  world.wire.clear();
  world.Heartbeat();
  world.Settle();
  EXPECT_TRUE(world.listener.current);
  EXPECT_THAT(world.listener.values, SizeIs(2));
  EXPECT_EQ(world.requests, 1);
  world.Run(3s);
  EXPECT_EQ(world.requests, 2) << "once more, when all topics are surely active";
  EXPECT_EQ(world.listener.currents, 1);
  world.Set("nobody");
  world.server.Remove("a");
  world.Settle();
  EXPECT_THAT(world.listener.values, SizeIs(2));
  EXPECT_EQ(world.listener.values.count("nobody"), 1u);
}

TEST(FollowSomeTest, ManyUsersAreAskedForInPortionsAndPages) {
  std::vector<std::string> users;
  for (int i = 0; i < 250; ++i) users.push_back("u" + std::to_string(i));
  World world(Some(users, 100));
  for (const std::string& user : users) world.server.Set(user, PresenceState::kBusy);
  world.wire.clear();
  world.Heartbeat();
  world.Settle();
  EXPECT_TRUE(world.listener.current);
  EXPECT_EQ(world.listener.values, world.server.values());
  EXPECT_GT(world.requests, 3);
}

TEST(FollowSomeTest, ANewConnectionIsVerified) {
  World world(Some({"a", "b"}));
  world.Set("a");
  world.Set("b");
  world.Heartbeat();
  world.Run(3s);
  world.Disconnect();
  EXPECT_FALSE(world.listener.current);
  world.Set("a", PresenceState::kRinging);
  world.server.Remove("b");
  world.Connect();
  world.Run(200ms);
  EXPECT_TRUE(world.listener.current);
  EXPECT_EQ(world.listener.values, world.server.values());
}

TEST(FollowSomeTest, TheRefreshRepairsALostLastChange) {
  World world(Some({"a", "b"}));
  world.Set("a");
  world.Set("b");
  world.Heartbeat();
  world.Run(3s);
  world.Set("a", PresenceState::kRinging);
  world.server.Remove("b");
  world.wire.clear();
  world.Refresh();
  world.Settle();
  EXPECT_EQ(world.listener.values, world.server.values());
}

TEST(FollowSomeTest, AHeartbeatThatIsMissingTellsThatFramesWereLost) {
  World world(Some({"a", "b"}));
  world.Set("a");
  world.Set("b");
  world.Heartbeat();
  world.Run(3s);
  ASSERT_TRUE(world.listener.current);
  world.Heartbeat();
  world.Set("a", PresenceState::kRinging);
  world.server.Remove("b");
  world.wire.clear();
  world.Heartbeat();
  world.ReadOne();
  EXPECT_FALSE(world.listener.current);
  EXPECT_EQ(world.listener.gaps.back(), GapReason::kLost);
  world.Run(1s);
  EXPECT_TRUE(world.listener.current);
  EXPECT_EQ(world.listener.values, world.server.values());
  EXPECT_EQ(world.session.counters().gaps, 1u);
}

TEST(FollowSomeTest, PagesThatWereAskedForBeforeALossDoNotHealIt) {
  World world(Some({"a"}));
  world.Set("a");
  world.Heartbeat();
  world.Settle();
  world.Heartbeat();
  world.ReadOne();
  world.Step();
  world.clock.Advance(200ms);
  world.Step();
  ASSERT_TRUE(world.request) << "the second pull";
  const std::string asked_before = *std::exchange(world.request, std::nullopt);
  publish::SnapshotResponder responder(world.server);
  responder.Begin(asked_before);
  std::size_t budget = 1000;
  ASSERT_TRUE(responder.Work(budget));
  const std::string page(responder.reply());
  world.Heartbeat();
  world.Set("a", PresenceState::kRinging);
  world.wire.clear();
  world.Heartbeat();
  world.ReadOne();
  world.session.OnReply(page, world.clock.Now());
  EXPECT_FALSE(world.listener.current);
  world.Run(3s);
  EXPECT_TRUE(world.listener.current);
  EXPECT_EQ(world.listener.values, world.server.values());
}

TEST(FollowSomeTest, HeartbeatsThatCountAnewAreNoLoss) {
  World world(Some({"a"}));
  world.Set("a");
  world.Heartbeat();
  world.Run(3s);
  world.Heartbeat();
  const std::string beat = world.wire.back();
  world.Settle();
  world.wire.push_back(beat);  // a connection is there twice
  world.Settle();
  world.Disconnect();
  world.Heartbeat();  // nobody hears it
  world.Connect();
  world.Run(3s);
  world.server.Restart(2);
  world.Run(3s);
  EXPECT_TRUE(world.listener.current);
  EXPECT_EQ(world.session.counters().gaps, 0u);
}

// A second pull is planned and follows at once, even one that the first failure has not delayed.
TEST(FollowSomeTest, ASecondPullThatARestartMakesWorthlessIsRepeatedWithDelays) {
  World world(Some({"a"}));
  world.Set("a");
  world.Heartbeat();
  world.Settle();
  world.Heartbeat();
  world.ReadOne();
  world.Step();
  world.clock.Advance(200ms);
  world.Step();
  ASSERT_TRUE(world.request) << "the second pull";
  world.clock.Advance(20s);  // calm
  world.Disconnect();
  world.Connect();
  world.Answer();
  world.server.Restart(2);  // which the snapshots tell before the stream does
  const int before = world.requests;
  for (int i = 0; i < 9; ++i) {
    world.Settle();
    world.clock.Advance(100ms);
  }
  EXPECT_GT(world.requests, before + 1);
  EXPECT_LE(world.requests, before + 6);
  world.Run(3s);
  EXPECT_TRUE(world.listener.current);
  EXPECT_EQ(world.listener.values, world.server.values());
}

TEST(FollowSomeTest, ARestartOfTheServer) {
  World world(Some({"a"}));
  world.Set("a");
  world.Heartbeat();
  world.Run(3s);
  world.server.Restart(2);
  world.Heartbeat();
  world.Run(200ms);
  EXPECT_TRUE(world.listener.current);
  EXPECT_EQ(world.listener.values, world.server.values());
  EXPECT_THAT(world.listener.gaps, ElementsAre(GapReason::kRestarted));
}

}  // namespace
}  // namespace unipresence::client
