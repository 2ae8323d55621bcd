// WatchPresences over a real gRPC connection: what a client holds at the end is what the engine
// says, whatever happens in between.

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <grpcpp/generic/generic_stub.h>
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <random>
#include <thread>

#include "aggregator/publish/codec.h"
#include "server/streaming/watch_stream.h"
#include "tests/integration/grpc_test_server.h"
#include "tests/testing/passing_time.h"
#include "tests/testing/users.h"

namespace unipresence::testing {
namespace {

using std::chrono::seconds;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

class GrpcWatchTest : public ::testing::Test {
 protected:
  void Start(GrpcTestServer::Options options = {}) {
    server_.emplace(std::move(options));
    server_->AddUsers();
    client_.emplace(GrpcTestClient::LogIn(*server_, "root", v1::SESSION_KIND_CLIENT));
  }

  // What the engine says now.
  std::map<std::string, std::string> Truth() {
    std::map<std::string, std::string> truth;
    server_->Run([&](Core& core) {
      std::uint64_t cursor = 0;
      do {
        cursor = core.engine.Read(cursor, 1000, [&](const PresenceSource::Entry& entry) {
          v1::Presence presence;
          publish::ToProto(entry.presence, presence);
          truth[presence.user()] = presence.SerializeAsString();
        });
      } while (cursor != 0);
    });
    return truth;
  }
  static std::map<std::string, std::string> Held(const GrpcTestWatch& watch) {
    std::map<std::string, std::string> held;
    for (const auto& [user, presence] : watch.held()) held[user] = presence.SerializeAsString();
    return held;
  }
  // A change that comes last: who has seen it has been sent everything before.
  void Mark(DeviceState state) { server_->Change("PJSIP/dave", state); }
  bool ReadMark(GrpcTestWatch& watch, v1::PresenceState state) {
    return watch.ReadUntil("dave", state);
  }
  void Storm(int changes, int users, unsigned seed) {
    std::mt19937 random(seed);
    constexpr DeviceState kStates[] = {DeviceState::kNotInUse, DeviceState::kInUse,
                                       DeviceState::kRinging, DeviceState::kUnavailable};
    for (int i = 0; i < changes; ++i) {
      server_->Change(fmt::format("PJSIP/user{}", random() % static_cast<unsigned>(users)),
                      kStates[random() % 4]);
    }
  }

  std::optional<GrpcTestServer> server_;
  std::optional<GrpcTestClient> client_;
};

TEST_F(GrpcWatchTest, InitialValuesThenCurrentThenChanges) {
  Start();
  GrpcTestWatch watch(*client_);
  ASSERT_TRUE(watch.ReadUntilCurrent());
  EXPECT_EQ(watch.resets(), 0);
  EXPECT_EQ(Held(watch), Truth());
  server_->Change("PJSIP/alice", DeviceState::kRinging);
  ASSERT_TRUE(watch.ReadUntil("alice", v1::PRESENCE_STATE_RINGING));
  server_->Change("PJSIP/alice", DeviceState::kInUse);
  ASSERT_TRUE(watch.ReadUntil("alice", v1::PRESENCE_STATE_IN_USE));
  EXPECT_EQ(Held(watch), Truth());
}

TEST_F(GrpcWatchTest, AChangeCarriesPreviousStateAndCause) {
  Start();
  GrpcTestWatch watch(*client_, {"alice"});
  ASSERT_TRUE(watch.ReadUntilCurrent());
  server_->Change("PJSIP/alice", DeviceState::kRinging);
  const auto response = watch.Read();
  ASSERT_TRUE(response);
  ASSERT_EQ(response->updates_size(), 1);
  const v1::PresenceUpdate& update = response->updates(0);
  EXPECT_EQ(update.previous_state(), v1::PRESENCE_STATE_UNKNOWN);
  EXPECT_EQ(update.cause().kind(), v1::CAUSE_KIND_DEVICE_STATE_CHANGE);
  EXPECT_EQ(update.cause().device(), "PJSIP/alice");
  EXPECT_FALSE(update.refresh());
  EXPECT_EQ(update.sequence(), server_->sequence());
}

TEST_F(GrpcWatchTest, FilteredStreamsSeeTheirUsersOnly) {
  Start();
  GrpcTestWatch watch(*client_, {"bob", "alice", "bob", "ghost"});
  ASSERT_TRUE(watch.ReadUntilCurrent());
  EXPECT_THAT(watch.held(), SizeIs(2));
  EXPECT_THAT(watch.removed(), ElementsAre("ghost"));
  server_->Change("PJSIP/carol", DeviceState::kInUse);
  server_->Change("PJSIP/bob", DeviceState::kInUse);
  ASSERT_TRUE(watch.ReadUntil("bob", v1::PRESENCE_STATE_IN_USE));
  EXPECT_FALSE(watch.held().contains("carol"));
  // Created later: its values come.
  server_->AddUser(UniqueAccount("ghost", "199"));
  ASSERT_TRUE(watch.ReadUntil("ghost", v1::PRESENCE_STATE_UNKNOWN));
}

TEST_F(GrpcWatchTest, RemovedUsersAreTold) {
  Start();
  GrpcTestWatch everyone(*client_);
  GrpcTestWatch filtered(*client_, {"bob"});
  ASSERT_TRUE(everyone.ReadUntilCurrent());
  ASSERT_TRUE(filtered.ReadUntilCurrent());
  server_->Run([](Core& core) { EXPECT_TRUE(core.engine.RemoveUser("bob").ok()); });
  while (everyone.removed().empty()) ASSERT_TRUE(everyone.Read());
  while (filtered.removed().empty()) ASSERT_TRUE(filtered.Read());
  EXPECT_EQ(Held(everyone), Truth());
  EXPECT_THAT(filtered.held(), IsEmpty());
}

TEST_F(GrpcWatchTest, ResumeSendsOnlyWhatWasMissed) {
  Start();
  server_->AddEngineUsers(500);
  std::string token;
  for (const bool filtered : {false, true}) {
    const std::vector<std::string> users =
        filtered ? std::vector<std::string>{"alice", "bob", "dave"} : std::vector<std::string>{};
    {
      GrpcTestWatch watch(*client_, users);
      ASSERT_TRUE(watch.ReadUntilCurrent());
      token = watch.resume_token();
    }
    server_->Change("PJSIP/alice", DeviceState::kRinging);
    server_->Change("PJSIP/alice", DeviceState::kInUse);
    GrpcTestWatch again(*client_, users, token);
    ASSERT_TRUE(again.ReadUntilCurrent());
    EXPECT_EQ(again.resets(), 0);
    EXPECT_EQ(again.updates(), 2);
    EXPECT_EQ(again.merged(), 0u);
    EXPECT_EQ(again.held().at("alice").state(), v1::PRESENCE_STATE_IN_USE);
    // Nothing missed: CURRENT alone.
    GrpcTestWatch third(*client_, users, again.resume_token());
    ASSERT_TRUE(third.ReadUntilCurrent());
    EXPECT_EQ(third.updates(), 0);
    EXPECT_EQ(third.resets(), 0);
  }
}

TEST_F(GrpcWatchTest, ResumeWorksWhenTheLogDoesNotReachBack) {
  GrpcTestServer::Options options;
  options.services.watch.window = 1;
  options.services.watch.linger = seconds(1);
  Start(options);
  server_->AddEngineUsers(300);
  std::string token;
  {
    GrpcTestWatch watch(*client_);
    ASSERT_TRUE(watch.ReadUntilCurrent());
    token = watch.resume_token();
  }
  // Nobody watches for a while, so the log is given up.
  while (server_->probe().streams.watch_streams.value() > 0) std::this_thread::yield();
  bool wanted = true;
  while (wanted) {
    server_->clock().Advance(seconds(1));
    server_->Run([&](Core&) { wanted = server_->batches().wanted(); });
  }
  for (int i = 0; i < 7; ++i) {
    server_->Change(fmt::format("PJSIP/user{}", i * 40), DeviceState::kInUse);
  }
  // The session outlived the pause because time went on in steps below its time-to-live.
  client_.emplace(GrpcTestClient::LogIn(*server_, "root", v1::SESSION_KIND_CLIENT));
  GrpcTestWatch again(*client_, {}, token);
  ASSERT_TRUE(again.ReadUntilCurrent());
  EXPECT_EQ(again.resets(), 0);
  EXPECT_EQ(again.updates(), 7);
  // After a removal that nobody was told of, everything comes anew.
  server_->Run([](Core& core) { EXPECT_TRUE(core.engine.RemoveUser("user1").ok()); });
  GrpcTestWatch third(*client_, {"alice"}, token);  // other users: not that stream's token
  ASSERT_TRUE(third.ReadUntilCurrent());
  EXPECT_EQ(third.resets(), 1);
}

TEST_F(GrpcWatchTest, ResetAfterARestartAndForForeignTokens) {
  Start();
  std::string token;
  {
    GrpcTestWatch watch(*client_);
    ASSERT_TRUE(watch.ReadUntilCurrent());
    token = watch.resume_token();
  }
  GrpcTestServer::Options options;
  options.epoch = GrpcTestServer::kEpoch + 1;
  Start(options);
  for (const std::string& foreign :
       {token, std::string("x"), std::string(25, '\1'), std::string(1000, 'x')}) {
    GrpcTestWatch watch(*client_, {}, foreign);
    ASSERT_TRUE(watch.ReadUntilCurrent());
    EXPECT_EQ(watch.resets(), 1);
    EXPECT_EQ(Held(watch), Truth());
  }
}

// The first stream makes batches begin; those after it rely on it, though it is gone before it
// began.
TEST_F(GrpcWatchTest, AStreamCancelledBeforeItBeganLeavesNoHole) {
  Start();
  GrpcTestClient client = GrpcTestClient::LogIn(*server_, "alice", v1::SESSION_KIND_CLIENT);
  server_->Run([&](Core&) {
    GrpcTestWatch cancelled(client);
    while (server_->probe().streams.watch_streams.value() == 0) std::this_thread::yield();
    cancelled.Cancel();
    while (server_->probe().streams.watch_streams.value() > 0) std::this_thread::yield();
  });
  const std::string token =
      ResumeToken{.epoch = GrpcTestServer::kEpoch, .sequence = 1, .users_hash = 0}.Encode();
  GrpcTestWatch resumed(client, {}, token);
  ASSERT_TRUE(resumed.ReadUntilCurrent());
  GrpcTestWatch filtered(client, {"bob"});
  ASSERT_TRUE(filtered.ReadUntilCurrent());
  EXPECT_THAT(filtered.held(), SizeIs(1));
}

TEST_F(GrpcWatchTest, RevisionsAreContiguousForWhoKeepsUp) {
  Start();
  GrpcTestWatch watch(*client_, {"alice"});
  ASSERT_TRUE(watch.ReadUntilCurrent());
  for (int i = 0; i < 20; ++i) {
    const std::uint64_t revision = watch.held().at("alice").revision();
    const bool busy = i % 2 == 0;
    server_->Change("PJSIP/alice", busy ? DeviceState::kInUse : DeviceState::kNotInUse);
    ASSERT_TRUE(
        watch.ReadUntil("alice", busy ? v1::PRESENCE_STATE_IN_USE : v1::PRESENCE_STATE_AVAILABLE));
    EXPECT_EQ(watch.held().at("alice").revision(), revision + 1);
  }
}

TEST_F(GrpcWatchTest, JoiningInAStormLeavesNoHole) {
  Start();
  constexpr int kUsers = 1000;
  server_->AddEngineUsers(kUsers);
  std::atomic<bool> stop{false};
  std::thread storm([&] {
    for (unsigned seed = 0; !stop; ++seed) Storm(100, kUsers, seed);
  });
  std::vector<std::unique_ptr<GrpcTestWatch>> watches;
  for (int i = 0; i < 5; ++i) {
    watches.push_back(std::make_unique<GrpcTestWatch>(*client_));
    ASSERT_TRUE(watches.back()->ReadUntilCurrent());
    watches.push_back(std::make_unique<GrpcTestWatch>(
        *client_, std::vector<std::string>{"user1", "user2", "user3", "dave"}));
    ASSERT_TRUE(watches.back()->ReadUntilCurrent());
  }
  stop = true;
  storm.join();
  Mark(DeviceState::kInUse);
  const auto truth = Truth();
  for (const auto& watch : watches) {
    ASSERT_TRUE(ReadMark(*watch, v1::PRESENCE_STATE_IN_USE));
    for (const auto& [user, presence] : Held(*watch)) EXPECT_EQ(presence, truth.at(user)) << user;
    EXPECT_TRUE(watch->held().size() == truth.size() || watch->held().size() == 4);
  }
}

TEST_F(GrpcWatchTest, BrokenStreamsResumeInAStorm) {
  Start();
  constexpr int kUsers = 200;
  server_->AddEngineUsers(kUsers);
  std::atomic<bool> stop{false};
  std::thread storm([&] {
    for (unsigned seed = 0; !stop; ++seed) Storm(50, kUsers, seed);
  });
  // What a client holds over all its streams.
  std::map<std::string, v1::Presence> held;
  std::string token;
  std::mt19937 random(1);
  const auto follow = [&](bool to_the_end) {
    GrpcTestWatch watch(*client_, {}, token);
    const std::uint64_t reads = 1 + random() % 5;
    for (std::uint64_t i = 0; to_the_end || i < reads; ++i) {
      const auto response = watch.Read();
      ASSERT_TRUE(response);
      if (response->event() == v1::WATCH_EVENT_RESET) held.clear();
      for (const auto& update : response->updates()) {
        held[update.presence().user()] = update.presence();
      }
      token = watch.resume_token();
      if (to_the_end && held["dave"].state() == v1::PRESENCE_STATE_IN_USE) return;
    }
  };
  for (int i = 0; i < 200; ++i) follow(false);
  stop = true;
  storm.join();
  Mark(DeviceState::kInUse);
  follow(true);
  std::map<std::string, std::string> bytes;
  for (const auto& [user, presence] : held) bytes[user] = presence.SerializeAsString();
  EXPECT_EQ(bytes, Truth());
}

// Several changes of one user may come at once: what one read of a PBX's socket held.
TEST_F(GrpcWatchTest, WhoKeepsUpSeesEveryChange) {
  Start();
  GrpcTestWatch everyone(*client_);
  GrpcTestWatch filtered(*client_, {"alice", "dave"});
  ASSERT_TRUE(everyone.ReadUntilCurrent());
  ASSERT_TRUE(filtered.ReadUntilCurrent());
  const int all_before = everyone.updates();
  const int some_before = filtered.updates();
  const std::uint64_t before = server_->sequence();
  server_->Run([](Core& core) {
    std::vector<DeviceChange> changes;
    for (const DeviceState state : {DeviceState::kRinging, DeviceState::kInUse,
                                    DeviceState::kOnHold, DeviceState::kNotInUse}) {
      changes.push_back({.state = state, .device = "PJSIP/alice"});
      changes.push_back({.state = state, .device = "PJSIP/bob"});
    }
    core.engine.Apply(0, changes);
  });
  EXPECT_EQ(server_->sequence(), before + 8);
  Mark(DeviceState::kInUse);
  ASSERT_TRUE(ReadMark(everyone, v1::PRESENCE_STATE_IN_USE));
  ASSERT_TRUE(ReadMark(filtered, v1::PRESENCE_STATE_IN_USE));
  EXPECT_EQ(everyone.updates(), all_before + 9);
  EXPECT_EQ(filtered.updates(), some_before + 5);
  EXPECT_EQ(everyone.merged() + filtered.merged(), 0u);
  EXPECT_EQ(server_->probe().streams.watch_coalesced.value(), 0u);
}

TEST_F(GrpcWatchTest, ASlowReaderIsToldMergedChangesAndSlowsNobody) {
  GrpcTestServer::Options options;
  options.services.watch.window = 1000;
  Start(options);
  constexpr int kUsers = 2000;
  server_->AddEngineUsers(kUsers);
  GrpcTestWatch slow(GrpcTestClient(*server_, client_->token(), /*small_window=*/true));
  ASSERT_TRUE(slow.Read());  // and then nothing, while its window fills
  GrpcTestClient other = GrpcTestClient::LogIn(*server_, "alice", v1::SESSION_KIND_CLIENT);
  GrpcTestWatch fast(other);
  ASSERT_TRUE(fast.ReadUntilCurrent());
  const std::uint64_t before = server_->sequence();
  for (unsigned round = 0; round < 20; ++round) Storm(5000, kUsers, round);
  Mark(DeviceState::kInUse);
  ASSERT_TRUE(ReadMark(fast, v1::PRESENCE_STATE_IN_USE));
  EXPECT_EQ(Held(fast), Truth());
  const auto changes = static_cast<int>(server_->sequence() - before);
  // The log, and for each place of a reader and for the newest values an entry for each user.
  EXPECT_LE(server_->probe().streams.watch_log_entries.value(), 1250 + 3 * (kUsers + 5));

  ASSERT_TRUE(slow.ReadUntilCurrent());
  ASSERT_TRUE(ReadMark(slow, v1::PRESENCE_STATE_IN_USE));
  EXPECT_EQ(Held(slow), Truth());
  EXPECT_EQ(slow.resets(), 0);
  EXPECT_LT(slow.updates(), changes / 4);
  EXPECT_GT(slow.merged(), 0u);
  EXPECT_EQ(server_->probe().streams.watch_coalesced.value(), slow.merged() + fast.merged());
}

// What is kept for readers that are behind has a bound; beyond it they start over.
TEST_F(GrpcWatchTest, AReaderTooFarBehindStartsOver) {
  GrpcTestServer::Options options;
  options.services.watch.window = 100;
  options.services.watch.max_merged = 200;
  Start(options);
  constexpr int kUsers = 2000;
  server_->AddEngineUsers(kUsers);
  GrpcTestWatch slow(GrpcTestClient(*server_, client_->token(), /*small_window=*/true));
  ASSERT_TRUE(slow.Read());  // and then nothing, while its window fills
  for (unsigned round = 0; round < 4; ++round) Storm(3000, kUsers, round);
  EXPECT_LE(server_->probe().streams.watch_log_entries.value(), 125 + 200 + 2 * 10'000)
      << "the log, the bound, and what one batch may add";
  Mark(DeviceState::kInUse);
  ASSERT_TRUE(slow.ReadUntilCurrent());
  ASSERT_TRUE(ReadMark(slow, v1::PRESENCE_STATE_IN_USE));
  EXPECT_GE(slow.resets(), 1);
  EXPECT_EQ(Held(slow), Truth());
}

TEST_F(GrpcWatchTest, WhenTheHubLagsTooFarEveryStreamStartsOver) {
  GrpcTestServer::Options options;
  options.services.watch.max_waiting_bytes = 256 * 5;  // five updates
  Start(options);
  server_->AddEngineUsers(100);
  GrpcTestWatch everyone(*client_);
  GrpcTestWatch filtered(*client_, {"user1", "dave"});
  ASSERT_TRUE(everyone.ReadUntilCurrent());
  ASSERT_TRUE(filtered.ReadUntilCurrent());
  // One batch of more than that.
  server_->Run([](Core& core) {
    std::vector<DeviceChange> changes;
    std::vector<std::string> devices;
    for (int i = 0; i < 50; ++i) devices.push_back(fmt::format("PJSIP/user{}", i));
    for (const std::string& device : devices) {
      changes.push_back({.state = DeviceState::kInUse, .device = device});
    }
    core.engine.Apply(0, changes);
  });
  Mark(DeviceState::kInUse);
  ASSERT_TRUE(everyone.ReadUntilCurrent());
  ASSERT_TRUE(filtered.ReadUntilCurrent());
  ASSERT_TRUE(ReadMark(everyone, v1::PRESENCE_STATE_IN_USE));
  ASSERT_TRUE(ReadMark(filtered, v1::PRESENCE_STATE_IN_USE));
  EXPECT_GE(everyone.resets(), 1);
  EXPECT_GE(filtered.resets(), 1);
  EXPECT_EQ(Held(everyone), Truth());
  EXPECT_EQ(filtered.held().at("user1").state(), v1::PRESENCE_STATE_IN_USE);
  EXPECT_GE(server_->probe().streams.watch_dropped_batches.value(), 1u);
}

TEST_F(GrpcWatchTest, AStreamHoldsItsSessionAndEndsWithIt) {
  Start();
  GrpcTestClient alice = GrpcTestClient::LogIn(*server_, "alice");
  auto watch = std::make_unique<GrpcTestWatch>(alice);
  ASSERT_TRUE(watch->ReadUntilCurrent());
  server_->clock().Advance(seconds(60));
  server_->Expire();
  EXPECT_TRUE(client_->GetPresence("alice").second.logged_in() ||
              !client_->GetPresence().first.ok());
  // The end of the stream gives the session its full time again.
  watch.reset();
  while (server_->probe().streams.watch_streams.value() > 0) std::this_thread::yield();
  server_->clock().Advance(seconds(19));
  server_->Expire();
  EXPECT_TRUE(alice.GetPresence().first.ok());

  watch = std::make_unique<GrpcTestWatch>(alice);
  ASSERT_TRUE(watch->ReadUntilCurrent());
  EXPECT_TRUE(alice.LogOut().ok());
  const grpc::Status status = watch->Finish();
  EXPECT_EQ(status.error_code(), grpc::StatusCode::UNAUTHENTICATED);
  EXPECT_EQ(ReasonOf(status), v1::ERROR_REASON_SESSION_EXPIRED);
}

TEST_F(GrpcWatchTest, ASignOfLifeComesWhenThereIsNothingToTell) {
  Start();
  GrpcTestWatch everyone(*client_);
  GrpcTestWatch filtered(*client_, {"alice"});
  ASSERT_TRUE(everyone.ReadUntilCurrent());
  ASSERT_TRUE(filtered.ReadUntilCurrent());
  const PassingTime time(server_->clock());
  for (int i = 0; i < 3; ++i) {
    for (GrpcTestWatch* watch : {&everyone, &filtered}) {
      const auto response = watch->Read();
      EXPECT_TRUE(response);
      if (!response) break;
      EXPECT_EQ(response->updates_size(), 0);
      EXPECT_EQ(response->event(), v1::WATCH_EVENT_UPDATES);
      EXPECT_FALSE(response->resume_token().empty());
    }
  }
}

TEST_F(GrpcWatchTest, RequestsAndLimits) {
  GrpcTestServer::Options options;
  options.services.watch.max_streams_per_session = 3;
  options.services.watch.max_users = 10;
  options.services.watch.max_streams = 5;
  Start(options);
  EXPECT_EQ(ReasonOf(GrpcTestWatch(*client_, std::vector<std::string>(11, "x")).Finish()),
            v1::ERROR_REASON_TOO_MANY_ITEMS);
  EXPECT_EQ(ReasonOf(GrpcTestWatch(*client_, {""}).Finish()), v1::ERROR_REASON_FIELD_REQUIRED);
  EXPECT_EQ(ReasonOf(GrpcTestWatch(GrpcTestClient(*server_)).Finish()),
            v1::ERROR_REASON_TOKEN_MISSING);
  EXPECT_EQ(ReasonOf(GrpcTestWatch(GrpcTestClient(*server_, "nonsense")).Finish()),
            v1::ERROR_REASON_TOKEN_INVALID);
  std::vector<std::unique_ptr<GrpcTestWatch>> open;
  for (int i = 0; i < 3; ++i) {
    open.push_back(std::make_unique<GrpcTestWatch>(*client_));
    ASSERT_TRUE(open.back()->ReadUntilCurrent());
  }
  const grpc::Status of_session = GrpcTestWatch(*client_).Finish();
  EXPECT_EQ(of_session.error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED);
  EXPECT_EQ(ReasonOf(of_session), v1::ERROR_REASON_TOO_MANY_STREAMS);
  GrpcTestClient other = GrpcTestClient::LogIn(*server_, "alice", v1::SESSION_KIND_CLIENT);
  for (int i = 0; i < 2; ++i) {
    open.push_back(std::make_unique<GrpcTestWatch>(other));
    ASSERT_TRUE(open.back()->ReadUntilCurrent());
  }
  EXPECT_EQ(ReasonOf(GrpcTestWatch(other).Finish()), v1::ERROR_REASON_TOO_MANY_STREAMS);
  // Who leaves makes room.
  open.clear();
  while (server_->probe().streams.watch_streams.value() > 0) std::this_thread::yield();
  GrpcTestWatch again(*client_);
  EXPECT_TRUE(again.ReadUntilCurrent());
}

TEST_F(GrpcWatchTest, AThousandStreams) {
  GrpcTestServer::Options options;
  options.services.watch.max_streams_per_session = 1000;
  Start(options);
  server_->AddEngineUsers(20);
  std::vector<std::unique_ptr<GrpcTestWatch>> watches;
  for (int i = 0; i < 1000; ++i) {
    watches.push_back(std::make_unique<GrpcTestWatch>(
        *client_, i % 2 == 0 ? std::vector<std::string>{}
                             : std::vector<std::string>{"dave", fmt::format("user{}", i % 20)}));
  }
  for (const auto& watch : watches) ASSERT_TRUE(watch->ReadUntilCurrent());
  EXPECT_EQ(server_->probe().streams.watch_streams.value(), 1000);
  Storm(200, 20, 1);
  Mark(DeviceState::kInUse);
  const auto truth = Truth();
  for (const auto& watch : watches) {
    ASSERT_TRUE(ReadMark(*watch, v1::PRESENCE_STATE_IN_USE));
    for (const auto& [user, presence] : Held(*watch)) EXPECT_EQ(presence, truth.at(user));
  }
  watches.clear();
  while (server_->probe().streams.watch_streams.value() > 0) std::this_thread::yield();
}

TEST_F(GrpcWatchTest, StreamsThatComeAndGoInAStormLeaveNothingBehind) {
  Start();
  server_->AddEngineUsers(500);
  std::atomic<bool> stop{false};
  std::thread storm([&] {
    for (unsigned seed = 0; !stop; ++seed) Storm(50, 500, seed);
  });
  std::vector<std::thread> clients;
  for (unsigned c = 0; c < 4; ++c) {
    clients.emplace_back([this, c] {
      std::mt19937 random(c);
      for (int i = 0; i < 100; ++i) {
        GrpcTestWatch watch(*client_, random() % 2 == 0 ? std::vector<std::string>{}
                                                        : std::vector<std::string>{"user1"});
        for (std::uint64_t reads = random() % 4; reads > 0; --reads) watch.Read();
      }
    });
  }
  for (std::thread& client : clients) client.join();
  stop = true;
  storm.join();
  while (server_->probe().streams.watch_streams.value() > 0) std::this_thread::yield();
  GrpcTestWatch watch(*client_);
  EXPECT_TRUE(watch.ReadUntilCurrent());
}

TEST_F(GrpcWatchTest, StoppingEndsEveryStream) {
  Start();
  GrpcTestWatch first(*client_);
  GrpcTestWatch second(*client_, {"alice"});
  ASSERT_TRUE(first.ReadUntilCurrent());
  ASSERT_TRUE(second.ReadUntilCurrent());
  server_->Stop();
  for (GrpcTestWatch* watch : {&first, &second}) {
    const grpc::Status status = watch->Finish();
    EXPECT_EQ(status.error_code(), grpc::StatusCode::UNAVAILABLE);
    EXPECT_EQ(ReasonOf(status), v1::ERROR_REASON_SERVER_STOPPING);
  }
}

TEST_F(GrpcWatchTest, AStalledReaderDoesNotHoldUpTheStop) {
  Start();
  server_->AddEngineUsers(20'000);
  GrpcTestWatch stalled(GrpcTestClient(*server_, client_->token(), /*small_window=*/true));
  ASSERT_TRUE(stalled.Read());
  const auto start = std::chrono::steady_clock::now();
  server_->Stop();
  EXPECT_LT(std::chrono::steady_clock::now() - start, GrpcTestClient::kDeadline / 4);
}

TEST_F(GrpcWatchTest, MalformedRequestsAreRefused) {
  Start();
  grpc::GenericStub stub(client_->channel());
  for (const std::string& garbage : {std::string("\xff\xff\xff\xff\xff"), std::string(1000, '\x0a'),
                                     std::string("\x0a\x05"
                                                 "ab")}) {
    const auto context = client_->Context();
    grpc::CompletionQueue queue;
    const grpc::Slice slice(garbage);
    const auto call =
        stub.PrepareUnaryCall(context.get(), "/unipresence.v1.PresenceService/WatchPresences",
                              grpc::ByteBuffer(&slice, 1), &queue);
    call->StartCall();
    grpc::ByteBuffer response;
    grpc::Status status;
    call->Finish(&response, &status, nullptr);
    void* tag = nullptr;
    bool ok = false;
    queue.Next(&tag, &ok);
    EXPECT_EQ(status.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
    EXPECT_EQ(ReasonOf(status), v1::ERROR_REASON_FIELD_INVALID);
  }
}

}  // namespace
}  // namespace unipresence::testing
