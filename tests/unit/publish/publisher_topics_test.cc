// Who gets what: topics, the work saved for those that nobody wants, and refreshes.

#include <gmock/gmock.h>

#include <algorithm>
#include <optional>
#include <set>

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

}  // namespace
}  // namespace unipresence::publish
