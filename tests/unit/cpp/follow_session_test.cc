#include "clients/cpp/follow_session.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <deque>
#include <optional>
#include <set>

#include "aggregator/publish/codec.h"
#include "aggregator/publish/snapshot_responder.h"
#include "aggregator/publish/subscription_table.h"
#include "tests/testing/fake_clock.h"
#include "tests/testing/fake_presence_table.h"
#include "tests/testing/recording_listener.h"

namespace unipresence::client {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using ::unipresence::testing::FakeClock;
using ::unipresence::testing::FakePresenceTable;
using ::unipresence::testing::RecordingListener;

// A server without sockets, a wire that the test cuts and empties, and a session. Time stands still
// but in Run.
class World final : public UpdateSink {
 public:
  explicit World(FollowOptions options = {})
      : options_(options), session(std::move(options), listener, clock.Now(), 7) {
    last_step = session.Advance(clock.Now(), true);
  }

  // --- The server.
  void OnUpdate(const PresenceUpdate& update) override {
    if (frame_.updates_size() == 0) {
      frame_.set_epoch(server.epoch());
      frame_.set_first_sequence(update.sequence);
    }
    publish::ToProto(update, *frame_.add_updates());
    v1::UserFrame user;
    user.set_epoch(server.epoch());
    publish::ToProto(update, *user.mutable_update());
    const std::string id(update.presence.user);
    SendUser(id, user);
  }
  void Flush() override {
    if (frame_.updates_size() > 0) Send(publish::kStreamTopic, frame_.SerializeAsString());
    frame_.Clear();
  }
  void Heartbeat() {
    v1::StreamFrame frame;
    frame.set_epoch(server.epoch());
    frame.mutable_heartbeat()->set_sequence(server.sequence());
    frame.mutable_heartbeat()->mutable_interval()->set_seconds(1);
    Send(filtered() ? publish::kHeartbeatTopic : publish::kStreamTopic, frame.SerializeAsString());
  }
  void Refresh() {
    for (const std::string& id : options_.users) {
      publish::ByteBuffer bytes;
      const bool known = server.Read(id, [&](const PresenceSource::Entry& entry) {
        publish::AppendRefresh(entry.presence, entry.sequence, bytes);
      });
      if (!known) publish::AppendRefreshOfUnknown(id, server.sequence(), bytes);
      v1::UserFrame frame;
      frame.set_epoch(server.epoch());
      EXPECT_TRUE(frame.mutable_update()->ParseFromString(std::string(bytes.view())));
      SendUser(id, frame);
    }
  }
  void Set(const std::string& user, PresenceState state = PresenceState::kBusy) {
    server.Set(user, state);
    Flush();
  }

  // --- The wire.
  void Send(std::string_view topic, const std::string& payload) {
    if (connected) wire.push_back(std::string(topic) + payload);
  }
  void SendUser(const std::string& id, const v1::UserFrame& frame) {
    const auto& users = options_.users;
    if (std::find(users.begin(), users.end(), id) != users.end()) {
      Send(publish::UserTopic(id), frame.SerializeAsString());
    }
  }
  void Connect() {
    if (std::exchange(connected, true)) return;
    Heartbeat();
  }
  void Disconnect() {
    if (std::exchange(connected, false)) session.OnDisconnected(clock.Now());
  }

  // --- The session.
  bool filtered() const { return !options_.users.empty(); }
  void ReadOne() {
    if (wire.empty()) return;
    const std::string message = std::move(wire.front());
    wire.pop_front();
    session.OnMessage(message, clock.Now());
  }
  // Hands in what is there and does what the session says, until there is nothing to do.
  void Settle() {
    for (int i = 0; i < 10'000; ++i) {
      while (!wire.empty()) ReadOne();
      Step();
      if (!request) return;
      Answer();
    }
    ADD_FAILURE() << "never at rest";
  }
  void Step() {
    last_step = session.Advance(clock.Now(), wire.empty());
    EXPECT_GE(last_step.next, clock.Now());
    if (last_step.reopen_stream) {
      wire.clear();
      connected = false;
      if (reachable) Connect();
    }
    if (last_step.reopen_snapshot) request.reset();
    if (!last_step.request.empty()) {
      request = last_step.request;
      ++requests;
    }
  }
  // The server answers the request that is under way.
  void Answer() {
    if (!request) return;
    const std::string bytes = *std::exchange(request, std::nullopt);
    if (deaf) return;
    publish::SnapshotResponder responder(server);
    responder.Begin(bytes);
    std::size_t budget = 10'000'000;
    EXPECT_TRUE(responder.Work(budget));
    session.OnReply(responder.reply(), clock.Now());
  }
  // Lets time pass, with the server's heartbeats.
  void Run(Duration time) {
    for (const MonotonicTime end = clock.Now() + time; clock.Now() < end;) {
      clock.Advance(100ms);
      if (++ticks_ % 10 == 0 && reachable) Heartbeat();
      Settle();
    }
  }

  FakeClock clock;
  FakePresenceTable server{1, this};
  std::deque<std::string> wire;
  std::optional<std::string> request;
  int requests = 0;
  bool connected = true;
  bool reachable = true;  // reopening connects
  bool deaf = false;      // requests are not answered
  RecordingListener listener;
  FollowSession::Step last_step;

 private:
  FollowOptions options_;
  v1::StreamFrame frame_;
  int ticks_ = 0;

 public:
  FollowSession session;
};

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
  world_.Run(12s);
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

// --- Some users
// -------------------------------------------------------------------------------------

FollowOptions Some(std::vector<std::string> users, std::size_t per_request = 1000) {
  return {.users = std::move(users), .page_bytes = 4096, .users_per_request = per_request};
}

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

// --- The law
// ----------------------------------------------------------------------------------------

void Disturb(World& world) {
  switch (*rc::gen::inRange(0, 20)) {
    case 0:
      if (!world.wire.empty()) world.wire.pop_back();
      break;
    case 1:
      world.wire.resize(*rc::gen::inRange<std::size_t>(0, world.wire.size() + 1));
      world.Disconnect();
      break;
    case 2:
      world.Connect();
      break;
    case 3:
      if (*rc::gen::inRange(0, 6) == 0) world.server.Restart(world.server.epoch() + 1);
      break;
    case 4:
      world.request.reset();
      break;
    case 5:
      world.session.OnMessage(*rc::gen::arbitrary<std::string>(), world.clock.Now());
      break;
    case 6:
      world.session.OnReply(*rc::gen::arbitrary<std::string>(), world.clock.Now());
      break;
    case 7:
      world.clock.Advance(10s);  // this process stalls
      break;
    default:
      world.clock.Advance(Duration(*rc::gen::inRange<std::int64_t>(0, 300'000'000)));
      break;
  }
}

void RunTheLaw(World& world, const std::vector<std::string>& users) {
  for (int i = 0; i < 40; ++i) world.server.Set("u" + std::to_string(i), PresenceState::kBusy);
  world.Flush();
  const int steps = *rc::gen::inRange(0, 200);
  for (int i = 0; i < steps; ++i) {
    for (int changes = *rc::gen::inRange(0, 4); changes > 0; --changes) {
      const std::string user = "u" + std::to_string(*rc::gen::inRange(0, 50));
      if (*rc::gen::inRange(0, 4) == 0) {
        world.server.Remove(user);
      } else {
        world.server.Set(user, static_cast<PresenceState>(*rc::gen::inRange(0, 8)));
      }
    }
    world.Flush();
    Disturb(world);
    if (*rc::gen::inRange(0, 8) == 0) world.Heartbeat();
    for (int reads = *rc::gen::inRange(0, 4); reads > 0; --reads) world.ReadOne();
    world.Step();
    if (*rc::gen::arbitrary<bool>()) world.Answer();
  }
  world.Connect();
  world.Run(30s);
  world.Refresh();
  world.Run(1s);
  std::map<std::string, publish::PresenceValue> expected = world.server.values();
  if (!users.empty()) {
    const std::set<std::string> followed(users.begin(), users.end());
    std::erase_if(expected, [&](const auto& item) { return !followed.contains(item.first); });
  }
  RC_ASSERT(world.listener.current);
  RC_ASSERT(world.listener.values == expected);
  RC_ASSERT(world.session.table().size() == expected.size());
}

RC_GTEST_PROP(FollowSessionProperty, AFollowerOfEveryoneEndsEqualToTheServersTable, ()) {
  World world({.page_bytes = 4096});
  RunTheLaw(world, {});
}

RC_GTEST_PROP(FollowSessionProperty, AFollowerOfSomeEndsEqualToTheServersTable, ()) {
  std::vector<std::string> users;
  for (int i = 0; i < 50; i += 3) users.push_back("u" + std::to_string(i));
  World world(Some(users, 5));
  RunTheLaw(world, users);
}

}  // namespace
}  // namespace unipresence::client
