// Who gets what: topics, the work saved for those that nobody wants, and refreshes.

#include <gmock/gmock.h>

#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <vector>

#include "tests/testing/zmq_peer.h"

namespace unipresence::publish {
namespace {

using namespace std::chrono_literals;
using ::testing::SizeIs;

std::string Name(int i) { return "user" + std::to_string(i); }

class PublisherTopicsTest : public ::unipresence::testing::PublisherFixture {
 protected:
  void Set(const std::string& user, PresenceState state) {
    table_.Set(user, state);
    publisher_->Flush();
  }

  std::uint64_t encoded() const { return publisher_->probe().updates_encoded.value(); }
};

TEST_F(PublisherTopicsTest, NothingIsEncodedForNobodyAndOnceForEverybody) {
  Start();
  Set("alice", PresenceState::kAvailable);
  EXPECT_EQ(encoded(), 0u);
  EXPECT_EQ(publisher_->probe().updates.value(), 1u);
  {
    zmq::socket_t bob = Subscribe({UserTopic("bob")});
    AwaitSubscriptions(1);
    Set("alice", PresenceState::kBusy);
    EXPECT_EQ(encoded(), 0u);
    zmq::socket_t alice = Subscribe({UserTopic("alice")});
    AwaitSubscriptions(2);
    zmq::socket_t all = Subscribe({kStreamTopic});
    ReceiveStream(all);
    zmq::socket_t all_too = Subscribe({kStreamTopic});
    ReceiveStream(all_too);
    Set("alice", PresenceState::kRinging);
    EXPECT_EQ(encoded(), 1u);
    EXPECT_EQ(publisher_->probe().user_frames.value(), 1u);
    EXPECT_EQ(publisher_->probe().stream_frames.value(), 1u);
    const v1::UserFrame frame = ReceiveUser(alice, "alice");
    EXPECT_EQ(frame.epoch(), 42u);
    EXPECT_EQ(frame.update().sequence(), 3u);
    EXPECT_EQ(frame.update().presence().revision(), 3u);
    ReceiveStream(all);  // the heartbeat for the second
    EXPECT_EQ(ReceiveStream(all).updates(0).SerializeAsString(),
              frame.update().SerializeAsString());
    EXPECT_EQ(TryReceive(bob), std::nullopt);
  }
  RunUntil([&] { return publisher_->probe().unsubscriptions.value() == 3; });
  Set("alice", PresenceState::kBusy);
  EXPECT_EQ(encoded(), 1u);
  EXPECT_EQ(publisher_->probe().wanted_users.value(), 0);
}

TEST_F(PublisherTopicsTest, EveryTopicThatSomebodyFollowsCounts) {
  Start();
  EXPECT_EQ(publisher_->probe().wanted_topics.value(), 0);
  {
    zmq::socket_t everyone = Subscribe({kStreamTopic});
    AwaitSubscriptions(1);
    EXPECT_EQ(publisher_->probe().wanted_topics.value(), 1);
    zmq::socket_t some = Subscribe({kHeartbeatTopic, UserTopic("alice"), kStreamTopic});
    AwaitSubscriptions(4);
    EXPECT_EQ(publisher_->probe().wanted_topics.value(), 3);
    EXPECT_EQ(publisher_->probe().wanted_users.value(), 1);
  }
  RunUntil([&] { return publisher_->probe().wanted_topics.value() == 0; });
}

TEST_F(PublisherTopicsTest, ATopicIsWantedUntilItsLastSubscriberIsGone) {
  Start();
  auto first = std::optional(Subscribe({UserTopic("alice")}));
  auto second = std::optional(Subscribe({UserTopic("alice")}));
  auto third = std::optional(Subscribe({UserTopic("alice"), UserTopic("bob")}));
  AwaitSubscriptions(4);
  second->set(zmq::sockopt::unsubscribe, UserTopic("alice"));
  first.reset();  // disconnects
  zmq::socket_t marker = Subscribe({UserTopic("marker")});
  AwaitSubscriptions(5);
  Set("alice", PresenceState::kAvailable);
  EXPECT_EQ(ReceiveUser(*third, "alice").update().presence().user(), "alice");
  EXPECT_EQ(publisher_->probe().unsubscriptions.value(), 0u);
  third.reset();
  RunUntil([&] { return publisher_->probe().unsubscriptions.value() == 2; });  // alice and bob
  EXPECT_EQ(publisher_->probe().wanted_users.value(), 1);
  Set("alice", PresenceState::kBusy);
  EXPECT_EQ(publisher_->probe().user_frames.value(), 1u);
}

TEST_F(PublisherTopicsTest, SubscribingAgainAfterTheLastOneLeftGoesOn) {
  Start();
  for (int round = 0; round < 3; ++round) {
    zmq::socket_t sub = Subscribe({kStreamTopic});
    EXPECT_EQ(ReceiveStream(sub).heartbeat().sequence(), static_cast<std::uint64_t>(2 * round));
    Set("alice", PresenceState::kAvailable);
    EXPECT_EQ(ReceiveStream(sub).first_sequence(), static_cast<std::uint64_t>(2 * round + 1));
    sub.close();
    const std::uint64_t gone = publisher_->probe().unsubscriptions.value() + 1;
    RunUntil([&] { return publisher_->probe().unsubscriptions.value() == gone; });
    Set("alice", PresenceState::kBusy);
  }
  EXPECT_EQ(encoded(), 3u);
}

TEST_F(PublisherTopicsTest, AHundredThousandAndOneSubscriptionsArrive) {
  constexpr int kUsers = 100'001;
  Start();
  zmq::socket_t sub(context_, zmq::socket_type::sub);
  sub.set(zmq::sockopt::linger, 0);
  sub.set(zmq::sockopt::sndhwm, 0);
  sub.set(zmq::sockopt::rcvhwm, 0);
  for (int i = 0; i < kUsers; ++i) sub.set(zmq::sockopt::subscribe, UserTopic(Name(i)));
  sub.connect(publisher_->publish_endpoint());
  AwaitSubscriptions(kUsers);
  EXPECT_EQ(publisher_->probe().wanted_users.value(), kUsers);
  for (const int i : {0, 1, 999, 1000, 1001, 50'000, kUsers - 1}) {
    Set(Name(i), PresenceState::kAvailable);
    EXPECT_EQ(ReceiveUser(sub, Name(i)).update().presence().user(), Name(i));
  }
  Set(Name(kUsers), PresenceState::kAvailable);
  EXPECT_EQ(encoded(), 7u);
}

TEST_F(PublisherTopicsTest, CurrentValuesAreRepeatedWithinTheRefreshPeriod) {
  constexpr int kUsers = 1000;
  Start();
  for (int i = 0; i < kUsers; ++i) Set(Name(i), PresenceState::kAvailable);
  zmq::socket_t sub = Subscribe({UserTopic("nobody")});
  for (int i = 0; i < kUsers; ++i) sub.set(zmq::sockopt::subscribe, UserTopic(Name(i)));
  AwaitSubscriptions(kUsers + 1);
  publisher_->OnTimer(clock_.Now());  // begins a round
  int largest_slice = 0;
  for (const MonotonicTime end = clock_.Now() + 30s; clock_.Now() < end;) {
    clock_.Advance(std::max<Duration>(publisher_->next_timer() - clock_.Now(), 1ms));
    publisher_->OnTimer(clock_.Now());
    for (bool more = true; more;) {
      const std::uint64_t before = publisher_->probe().refreshes.value();
      more = publisher_->HandleEvents();
      const std::uint64_t slice = publisher_->probe().refreshes.value() - before;
      largest_slice = std::max(largest_slice, static_cast<int>(slice));
    }
  }
  EXPECT_LT(largest_slice, 100);
  const std::uint64_t sent = publisher_->probe().refreshes.value();
  EXPECT_LT(sent, 2u * kUsers);
  std::set<std::string> refreshed;
  for (std::uint64_t i = 0; i < sent; ++i) {
    const std::string message = Receive(sub);
    const std::size_t nul = message.find('\0');
    v1::UserFrame frame;
    ASSERT_TRUE(frame.ParseFromString(message.substr(nul + 1)));
    EXPECT_TRUE(frame.update().refresh());
    const std::string user = message.substr(5, nul - 5);
    if (user == "nobody") {
      EXPECT_EQ(frame.update().removed().user(), user);
      EXPECT_EQ(frame.update().removed().revision(), 0u);
      EXPECT_EQ(frame.update().sequence(), 1000u);
    } else {
      EXPECT_EQ(frame.update().presence().user(), user);
      EXPECT_EQ(frame.update().presence().revision(), 1u);
    }
    refreshed.insert(user);
  }
  EXPECT_THAT(refreshed, SizeIs(kUsers + 1));
}

// --- Queues that are full ----------------------------------------------------------------------

// A SUB whose process takes next to nothing until it is read.
class FullQueueTest : public PublisherTopicsTest {
 protected:
  static constexpr int kUsers = 3000;
  static constexpr int kRounds = 40;

  void StartSmall() { Start({.send_queue_frames = 8}); }

  zmq::socket_t SubscribeNarrow() {
    zmq::socket_t socket(context_, zmq::socket_type::sub);
    socket.set(zmq::sockopt::linger, 0);
    socket.set(zmq::sockopt::sndhwm, 0);
    socket.set(zmq::sockopt::rcvhwm, 8);
    socket.set(zmq::sockopt::rcvbuf, 4096);
    for (int i = 0; i < kUsers; ++i) socket.set(zmq::sockopt::subscribe, UserTopic(Name(i)));
    socket.set(zmq::sockopt::subscribe, std::string(kHeartbeatTopic));
    socket.connect(publisher_->publish_endpoint());
    return socket;
  }

  // More than sockets can hold.
  void Burst() {
    for (int round = 0; round < kRounds; ++round) {
      for (int i = 0; i < kUsers; ++i) {
        table_.Set(Name(i), round % 2 == 0 ? PresenceState::kBusy : PresenceState::kAvailable);
      }
      publisher_->Flush();
    }
  }

  // Reads what comes until `done`; by user the highest revision, of heartbeats the numbers.
  void ReadUntil(zmq::socket_t& socket, const std::function<bool()>& done) {
    RunUntil(
        [&] {
          while (const std::optional<std::string> message = TryReceive(socket)) Take(*message);
          return done();
        },
        socket.get(zmq::sockopt::fd));
  }
  void Take(const std::string& message) {
    const std::size_t nul = message.find('\0');
    const std::string topic = message.substr(0, nul + 1);
    if (topic == kHeartbeatTopic) {
      v1::StreamFrame frame;
      ASSERT_TRUE(frame.ParseFromString(message.substr(nul + 1)));
      beats_.push_back(frame.heartbeat().number());
      return;
    }
    v1::UserFrame frame;
    ASSERT_TRUE(frame.ParseFromString(message.substr(nul + 1)));
    std::uint64_t& revision = revisions_[frame.update().presence().user()];
    revision = std::max(revision, frame.update().presence().revision());
  }
  bool AllNewest() const {
    return revisions_.size() == kUsers &&
           std::all_of(revisions_.begin(), revisions_.end(),
                       [](const auto& entry) { return entry.second == kRounds; });
  }

  std::map<std::string, std::uint64_t> revisions_;
  std::vector<std::uint64_t> beats_;
};

TEST_F(FullQueueTest, TheNewestValueOfEachUserWaitsForWhoReadsOn) {
  StartSmall();
  zmq::socket_t sub = SubscribeNarrow();
  AwaitSubscriptions(kUsers + 1);
  Burst();
  publisher_->HandleEvents();
  EXPECT_GT(publisher_->probe().waiting_users.value(), 0);
  EXPECT_LE(publisher_->next_timer(), clock_.Now() + 10ms);
  // The clock stands still: no refresh is due, and nobody is given up.
  ReadUntil(sub, [&] { return AllNewest(); });
  EXPECT_EQ(publisher_->probe().full_queues.value(), 0u);
  RunUntil([&] { return publisher_->probe().waiting_users.value() == 0; });
  EXPECT_LT(publisher_->probe().user_frames.value() + publisher_->probe().refreshes.value(),
            static_cast<std::uint64_t>(kUsers) * kRounds)
      << "what waited was told once, as it is now";
}

TEST_F(FullQueueTest, WhoStandsStillSlowsOthersForAMomentOnlyAndSeesThatHeLost) {
  StartSmall();
  zmq::socket_t stuck = SubscribeNarrow();
  AwaitSubscriptions(kUsers + 1);
  zmq::socket_t other = Subscribe({UserTopic(Name(0)), UserTopic(Name(kUsers - 1))});
  AwaitSubscriptions(kUsers + 3);
  Burst();
  publisher_->HandleEvents();
  ASSERT_GT(publisher_->probe().waiting_users.value(), 0);
  clock_.Advance(Publisher::kPatience);
  publisher_->OnTimer(clock_.Now());
  std::set<std::string> newest;
  RunUntil(
      [&] {
        while (const auto message = TryReceive(other)) {
          v1::UserFrame frame;
          EXPECT_TRUE(frame.ParseFromString(message->substr(message->find('\0') + 1)));
          if (frame.update().presence().revision() == kRounds) {
            newest.insert(frame.update().presence().user());
          }
        }
        return newest.size() == 2;
      },
      other.get(zmq::sockopt::fd));
  EXPECT_GT(publisher_->probe().full_queues.value(), 0u);
  RunUntil([&] { return publisher_->probe().waiting_users.value() == 0; });

  // Now he reads. When he has caught up, the next heartbeat shows the hole.
  const auto hole = [&] {
    for (std::size_t i = 1; i < beats_.size(); ++i) {
      if (beats_[i] > beats_[i - 1] + 1) return true;
    }
    return false;
  };
  ReadUntil(stuck, [&] {
    if (!hole()) {
      clock_.Advance(1s);
      publisher_->OnTimer(clock_.Now());
    }
    return hole();
  });
  EXPECT_EQ(beats_.front(), 1u);
}

}  // namespace
}  // namespace unipresence::publish
