// Replication under broken links and stalled readers: whatever happens to the connection, the
// replica ends equal to the server's table. Real sockets, a publisher on its own thread.

#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <cstdlib>
#include <functional>
#include <map>
#include <random>
#include <string>

#include "clients/cpp/follower.h"
#include "tests/testing/cutting_proxy.h"
#include "tests/testing/publisher_thread.h"
#include "tests/testing/recording_listener.h"

namespace unipresence {
namespace {

using namespace std::chrono_literals;
using client::Follower;
using client::FollowerOptions;
using testing::CuttingProxy;
using testing::FakePresenceTable;
using testing::PublisherThread;
using testing::RecordingListener;
using Server = PublisherThread::Server;

constexpr int kUsers = 200;
constexpr std::chrono::seconds kPatience{100};

std::string Name(std::uint64_t i) { return "user" + std::to_string(i); }

// Changes and removals of random users, as many as `changes` each time.
PublisherThread::Task Storm(int changes, std::mt19937::result_type seed) {
  return [changes, random = std::mt19937(seed)](Server& server) mutable {
    for (int i = 0; i < changes; ++i) {
      const std::string user = Name(random() % kUsers);
      if (random() % 10 == 0) {
        server.table.Remove(user);
      } else {
        server.table.Set(user, static_cast<PresenceState>(random() % 8));
      }
    }
    server.publisher.Flush();
  };
}

publish::PublisherOptions FastHeartbeats() {
  return {.heartbeat_interval = 50ms, .refresh_period = 1s};
}

FollowerOptions Impatient(const std::string& publish, const std::string& snapshot) {
  return {.publish_address = publish,
          .snapshot_address = snapshot,
          .follow = {.page_bytes = 4096,
                     .request_timeout = 100ms,
                     .min_backoff = 1ms,
                     .max_backoff = 20ms,
                     .heartbeat_interval = 50ms,
                     .first_frame_timeout = 500ms},
          .reconnect_interval = 1ms,
          .reconnect_max_interval = 10ms};
}

class ReplicationTest : public ::testing::Test {
 protected:
  void PollUntil(Follower& follower, const std::function<bool()>& done) {
    const auto deadline = std::chrono::steady_clock::now() + kPatience;
    while (!done()) {
      const client::FollowSession::Counters& counters = follower.counters();
      ASSERT_LT(std::chrono::steady_clock::now(), deadline)
          << "it never happened; the follower is " << (follower.current() ? "" : "not ")
          << "current at " << follower.table().sequence() << " of " << server_.sequence() << ", "
          << counters.frames << " frames, " << counters.gaps << " gaps, " << counters.snapshots
          << " snapshots, " << counters.timeouts << " timeouts, " << counters.silences
          << " silences";
      follower.Poll(5ms);
    }
  }

  // The storm has ended: the replica must become, and be, what the server holds.
  void ExpectEndsEqual(Follower& follower, RecordingListener& listener) {
    const std::uint64_t sequence = server_.sequence();
    PollUntil(follower,
              [&] { return follower.current() && follower.table().sequence() == sequence; });
    const FakePresenceTable::Values expected = server_.values();
    ASSERT_EQ(listener.values, expected);
    FakePresenceTable::Values held;
    follower.table().ForEach(
        [&](const publish::PresenceValue& value) { held[value.user] = value; });
    ASSERT_EQ(held, expected);
  }

  // Cuts the connection after so many more bytes.
  void Cut(Follower& follower, CuttingProxy& proxy, std::int64_t after, bool reset) {
    const int cuts = proxy.cuts();
    proxy.CutAfter(after, reset);
    PollUntil(follower, [&] { return proxy.cuts() > cuts; });
  }

  PublisherThread server_{1, FastHeartbeats()};
};

TEST_F(ReplicationTest, AThousandKilledConnections) {
  constexpr int kKills = 1000;
  CuttingProxy publish(server_.publish_endpoint());
  CuttingProxy snapshot(server_.snapshot_endpoint());
  RecordingListener listener;
  Follower follower(Impatient(publish.endpoint(), snapshot.endpoint()), listener);
  ASSERT_TRUE(follower.Open().ok());
  std::mt19937 random(20221122);
  for (int kill = 0; kill < kKills; ++kill) {
    SCOPED_TRACE("kill " + std::to_string(kill));
    server_.SetStorm(Storm(static_cast<int>(1 + random() % 50), random()));
    // From inside the handshake to the middle of some later frame.
    Cut(follower, publish, kill % 3 == 0 ? random() % 200 : random() % 20'000, random() % 2 == 0);
    // A fifth of them also hit the snapshot that heals it.
    if (kill % 5 == 4) {
      snapshot.CutAfter(random() % 3'000, random() % 2 == 0);
      PollUntil(follower, [&, cuts = snapshot.cuts()] {
        if (snapshot.cuts() > cuts) return true;
        // Nothing was lost, or the snapshot came too soon: there must be another one.
        if (follower.current()) Cut(follower, publish, 0, true);
        return false;
      });
    }
    if (HasFatalFailure()) return;
    server_.SetStorm(nullptr);
    ExpectEndsEqual(follower, listener);
    if (HasFatalFailure()) return;
  }
  const client::FollowSession::Counters& counters = follower.counters();
  EXPECT_EQ(counters.bad_messages, 0u);
  EXPECT_GT(counters.gaps, 100u);
  std::printf("%d kills: %llu gaps, %llu snapshots, %llu timeouts, %d presences told\n", kKills,
              static_cast<unsigned long long>(counters.gaps),
              static_cast<unsigned long long>(counters.snapshots),
              static_cast<unsigned long long>(counters.timeouts), listener.presences);
}

TEST_F(ReplicationTest, AFollowerOfSomeUsersWhoseConnectionIsKilled) {
  CuttingProxy publish(server_.publish_endpoint());
  FollowerOptions options = Impatient(publish.endpoint(), server_.snapshot_endpoint());
  for (std::uint64_t i = 0; i < kUsers; i += 4) options.follow.users.push_back(Name(i));
  RecordingListener listener;
  Follower follower(options, listener);
  ASSERT_TRUE(follower.Open().ok());
  std::mt19937 random(7);
  for (int kill = 0; kill < 100; ++kill) {
    SCOPED_TRACE("kill " + std::to_string(kill));
    server_.SetStorm(Storm(20, random()));
    Cut(follower, publish, random() % 10'000, random() % 2 == 0);
    if (HasFatalFailure()) return;
    server_.SetStorm(nullptr);
    FakePresenceTable::Values expected = server_.values();
    std::erase_if(expected, [&](const auto& item) {
      return follower.table().Find(item.first) == std::nullopt &&
             std::find(options.follow.users.begin(), options.follow.users.end(), item.first) ==
                 options.follow.users.end();
    });
    PollUntil(follower, [&] { return follower.current() && listener.values == expected; });
    if (HasFatalFailure()) return;
  }
}

TEST_F(ReplicationTest, ALinkThatPassesNothingAnyMoreIsNoticedAndReplaced) {
  CuttingProxy publish(server_.publish_endpoint());
  RecordingListener listener;
  Follower follower(Impatient(publish.endpoint(), server_.snapshot_endpoint()), listener);
  ASSERT_TRUE(follower.Open().ok());
  for (int round = 0; round < 5; ++round) {
    server_.SetStorm(Storm(10, 1));
    PollUntil(follower, [&] { return follower.current(); });
    publish.SetStalled(true);
    PollUntil(follower, [&] { return !follower.current(); });
    EXPECT_EQ(listener.gaps.back(), client::GapReason::kSilent);
    PollUntil(follower, [&, silences = follower.counters().silences] {
      return follower.counters().silences > silences;
    });
    publish.SetStalled(false);
    server_.SetStorm(nullptr);
    ExpectEndsEqual(follower, listener);
    if (HasFatalFailure()) return;
  }
}

// A reader that stands still while far more is published than all queues hold.
class StalledReplicationTest : public ReplicationTest {
 protected:
  StalledReplicationTest() : narrow_server_(1, NarrowQueues()) {}

  static publish::PublisherOptions NarrowQueues() {
    publish::PublisherOptions options = FastHeartbeats();
    options.send_queue_frames = 20;
    return options;
  }
  // Thousands of full frames; the kernel's buffers hold a few hundred.
  static void Flood(PublisherThread& server) {
    server.Run([](Server& it) {
      PublisherThread::Task storm = Storm(400, 3);
      for (int i = 0; i < 1'000; ++i) storm(it);
    });
  }

  PublisherThread narrow_server_;
};

TEST_F(StalledReplicationTest, AFollowerThatDoesNotReadForAWhileEndsWithTheExactLastState) {
  FollowerOptions options =
      Impatient(narrow_server_.publish_endpoint(), narrow_server_.snapshot_endpoint());
  options.receive_queue_frames = 10;
  RecordingListener listener;
  Follower follower(options, listener);
  ASSERT_TRUE(follower.Open().ok());
  for (int round = 0; round < 3; ++round) {
    PollUntil(follower, [&] { return follower.current(); });
    const std::uint64_t gaps = follower.counters().gaps;
    Flood(narrow_server_);
    const std::uint64_t sequence = narrow_server_.sequence();
    PollUntil(follower,
              [&] { return follower.current() && follower.table().sequence() >= sequence; });
    EXPECT_GT(follower.counters().gaps, gaps) << "nothing was lost: the test tests nothing";
    ASSERT_EQ(listener.values, narrow_server_.values());
  }
}

// The same for a whole process that is stopped, with its I/O threads.
TEST_F(StalledReplicationTest, AProcessThatIsStoppedAndGoesOnEndsWithTheExactLastState) {
  std::array<int, 2> commands{};
  std::array<int, 2> answers{};
  ASSERT_EQ(::pipe2(commands.data(), O_CLOEXEC), 0);
  ASSERT_EQ(::pipe2(answers.data(), O_CLOEXEC), 0);
  // Exec, and not a mere fork, because the threads of this process hold locks.
  const pid_t child = ::fork();
  if (child == 0) {
    ::dup2(commands[0], 0);
    ::dup2(answers[1], 1);
    ::execl(UNIPRESENCE_REPLICATION_FOLLOWER, "replication_follower",
            narrow_server_.publish_endpoint().c_str(), narrow_server_.snapshot_endpoint().c_str(),
            nullptr);
    ::_exit(127);
  }
  ::close(commands[0]);
  ::close(answers[1]);
  FILE* lines = ::fdopen(answers[0], "r");
  // Asks the child for its table at that sequence: one line "user revision" each, then "end".
  const auto ask = [&](std::uint64_t sequence) {
    std::map<std::string, std::uint64_t> table;
    const std::string command = std::to_string(sequence) + "\n";
    EXPECT_EQ(::write(commands[1], command.data(), command.size()),
              static_cast<ssize_t>(command.size()));
    std::array<char, 256> line{};
    while (::fgets(line.data(), line.size(), lines) != nullptr && line[0] != '=') {
      const std::string text(line.data());
      const std::size_t space = text.find(' ');
      table[text.substr(0, space)] = std::stoull(text.substr(space));
    }
    return table;
  };
  const auto expected = [&] {
    std::map<std::string, std::uint64_t> table;
    for (const auto& [user, value] : narrow_server_.values()) table[user] = value.revision;
    return table;
  };
  Flood(narrow_server_);
  EXPECT_EQ(ask(narrow_server_.sequence()), expected());
  for (int round = 0; round < 3; ++round) {
    ::kill(child, SIGSTOP);
    Flood(narrow_server_);
    ::kill(child, SIGCONT);
    EXPECT_EQ(ask(narrow_server_.sequence()), expected());
  }
  ::close(commands[1]);
  ::fclose(lines);
  int status = 0;
  ::waitpid(child, &status, 0);
  EXPECT_EQ(status, 0);
}

}  // namespace
}  // namespace unipresence
