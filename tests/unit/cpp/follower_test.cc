#include "clients/cpp/follower.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <optional>

#include "tests/testing/publisher_thread.h"
#include "tests/testing/recording_listener.h"

namespace unipresence::client {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;
using ::unipresence::testing::PublisherThread;
using ::unipresence::testing::RecordingListener;
using Server = PublisherThread::Server;

std::string Name(int i) { return "user" + std::to_string(i); }

class FollowerTest : public ::testing::Test {
 protected:
  static constexpr std::chrono::seconds kPatience{100};
  // Silence that counts as a lost link is longer than a busy machine may hold the server up.
  static constexpr Duration kSlowHeartbeat = 10s;

  FollowerOptions OptionsFor(const PublisherThread& server,
                             std::vector<std::string> users = {}) const {
    return {.publish_address = server.publish_endpoint(),
            .snapshot_address = server.snapshot_endpoint(),
            .follow = {.users = std::move(users), .min_backoff = 1ms, .max_backoff = 50ms},
            .reconnect_interval = 10ms,
            .reconnect_max_interval = 50ms};
  }

  static void AddUsers(PublisherThread& server, int count) {
    server.Run([&](Server& it) {
      for (int i = 0; i < count; ++i) it.table.Set(Name(i), PresenceState::kAvailable);
    });
  }

  void PollUntil(Follower& follower, const std::function<bool()>& done) {
    const auto deadline = std::chrono::steady_clock::now() + kPatience;
    while (!done()) {
      ASSERT_LT(std::chrono::steady_clock::now(), deadline) << "it never happened";
      follower.Poll(50ms);
    }
  }

  // Until the follower holds what the server holds.
  void ExpectEqual(Follower& follower, PublisherThread& server) {
    const std::uint64_t sequence = server.sequence();
    PollUntil(follower,
              [&] { return follower.current() && follower.table().sequence() >= sequence; });
    EXPECT_EQ(listener_.values, server.values());
    EXPECT_EQ(follower.table().size(), listener_.values.size());
  }

  RecordingListener listener_;
};

TEST_F(FollowerTest, FollowsEveryone) {
  PublisherThread server(1, {.heartbeat_interval = kSlowHeartbeat});
  AddUsers(server, 3000);
  Follower follower(OptionsFor(server), listener_);
  ASSERT_TRUE(follower.Open().ok());
  ExpectEqual(follower, server);
  server.Run([](Server& it) {
    it.table.Set("user7", PresenceState::kRinging);
    it.table.Remove("user8");
    it.table.Set("new", PresenceState::kBusy);
  });
  const int causes = listener_.causes;
  ExpectEqual(follower, server);
  EXPECT_EQ(listener_.causes, causes + 2) << "each change is told with what made it";
  EXPECT_EQ(follower.counters().snapshots, 1u);
  EXPECT_EQ(follower.counters().bad_messages, 0u);
  EXPECT_EQ(follower.table().Find("user7")->state, PresenceState::kRinging);
}

TEST_F(FollowerTest, FollowsSomeUsers) {
  PublisherThread server(1);
  AddUsers(server, 100);
  Follower follower(OptionsFor(server, {"user3", "user5", "nobody"}), listener_);
  ASSERT_TRUE(follower.Open().ok());
  PollUntil(follower, [&] { return follower.current(); });
  EXPECT_THAT(listener_.values, ::testing::SizeIs(2));
  server.Run([](Server& it) {
    for (const char* user : {"user3", "user4", "nobody"}) it.table.Set(user, PresenceState::kBusy);
    it.table.Remove("user5");
  });
  PollUntil(follower, [&] {
    return listener_.values.contains("nobody") && !listener_.values.contains("user5") &&
           listener_.values["user3"].state == PresenceState::kBusy;
  });
  EXPECT_FALSE(listener_.values.contains("user4"));
}

TEST_F(FollowerTest, AllSubscriptionsOfAHundredThousandUsersArrive) {
  constexpr int kUsers = 100'000;
  PublisherThread server(1);
  std::vector<std::string> users;
  for (int i = 0; i < kUsers; ++i) users.push_back(Name(i));
  AddUsers(server, 10);
  Follower follower(OptionsFor(server, users), listener_);
  ASSERT_TRUE(follower.Open().ok());
  std::int64_t wanted = 0;
  PollUntil(follower, [&] {
    server.Run([&](Server& it) { wanted = it.publisher.probe().wanted_users.value(); });
    return follower.current() && wanted == kUsers;
  });
  server.Run([](Server& it) { it.table.Set(Name(kUsers - 1), PresenceState::kBusy); });
  PollUntil(follower, [&] { return listener_.values.contains(Name(kUsers - 1)); });
}

TEST_F(FollowerTest, OnAThreadOfItsOwn) {
  PublisherThread server(1);
  AddUsers(server, 10);
  class Waiting final : public FollowListener {
   public:
    void OnCurrent() override { current.set_value(); }
    std::promise<void> current;
  } listener;
  Follower follower(OptionsFor(server), listener);
  ASSERT_TRUE(follower.Start().ok());
  EXPECT_EQ(listener.current.get_future().wait_for(kPatience), std::future_status::ready);
  follower.Stop();
  EXPECT_EQ(follower.table().size(), 10u);
  follower.Stop();
}

TEST_F(FollowerTest, InterruptEndsAPoll) {
  // Nobody is there, so nothing else ends it.
  Follower follower(
      {.publish_address = "tcp://127.0.0.1:1", .snapshot_address = "tcp://127.0.0.1:1"}, listener_);
  ASSERT_TRUE(follower.Open().ok());
  follower.Interrupt();  // also before it waits
  follower.Poll(1h);
  std::thread other([&] { follower.Interrupt(); });
  follower.Poll(1h);
  other.join();
}

TEST_F(FollowerTest, TheServerMayComeLaterAndComeBack) {
  const std::string directory = "ipc://" + ::testing::TempDir();
  const std::string unique = std::to_string(::getpid());
  const publish::PublisherOptions addresses = {
      .publish_address = directory + "late_publish." + unique,
      .snapshot_address = directory + "late_snapshot." + unique,
      .heartbeat_interval = kSlowHeartbeat};
  FollowerOptions options = {.publish_address = addresses.publish_address,
                             .snapshot_address = addresses.snapshot_address,
                             .follow = {.min_backoff = 1ms, .max_backoff = 50ms},
                             .reconnect_interval = 10ms,
                             .reconnect_max_interval = 50ms};
  Follower follower(options, listener_);
  ASSERT_TRUE(follower.Open().ok());
  follower.Poll(10ms);
  for (std::uint64_t epoch = 1; epoch <= 3; ++epoch) {
    SCOPED_TRACE(epoch);
    PublisherThread server(epoch, addresses);
    AddUsers(server, 100 * static_cast<int>(epoch));
    ExpectEqual(follower, server);
    EXPECT_EQ(follower.table().epoch(), epoch);
  }
  PollUntil(follower, [&] { return !follower.current(); });
  EXPECT_THAT(listener_.gaps, ::testing::Each(GapReason::kDisconnected));
  EXPECT_EQ(listener_.resets, 2);
}

// A server ends the connection of who asks for it, and the others of the list would get nothing.
TEST_F(FollowerTest, AnIdThatNobodyCanHaveIsNamed) {
  for (const std::string& id : {std::string(), std::string(65, 'x')}) {
    Follower follower({.publish_address = "tcp://127.0.0.1:1",
                       .snapshot_address = "tcp://127.0.0.1:1",
                       .follow = {.users = {"alice", id}}},
                      listener_);
    const absl::Status status = follower.Open();
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
    EXPECT_THAT(std::string(status.message()), HasSubstr("user '" + id + "'"));
  }
}

TEST_F(FollowerTest, BadAddressesAreNamed) {
  Follower bad_publish({.publish_address = "nonsense", .snapshot_address = "tcp://127.0.0.1:1"},
                       listener_);
  absl::Status status = bad_publish.Open();
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(status.message()), HasSubstr("'nonsense'"));
  Follower bad_snapshot({.publish_address = "tcp://127.0.0.1:1", .snapshot_address = "x://y"},
                        listener_);
  status = bad_snapshot.Start();
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(status.message()), HasSubstr("'x://y'"));
  Follower twice({.publish_address = "tcp://127.0.0.1:1", .snapshot_address = "tcp://127.0.0.1:1"},
                 listener_);
  EXPECT_TRUE(twice.Open().ok());
  EXPECT_EQ(twice.Open().code(), absl::StatusCode::kFailedPrecondition);
}

}  // namespace
}  // namespace unipresence::client
