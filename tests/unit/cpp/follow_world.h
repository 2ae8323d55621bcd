#ifndef UNIPRESENCE_TESTS_UNIT_CPP_FOLLOW_WORLD_H_
#define UNIPRESENCE_TESTS_UNIT_CPP_FOLLOW_WORLD_H_

// A server, a wire and a FollowSession without sockets and threads.

#include <gtest/gtest.h>

#include <algorithm>
#include <deque>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "aggregator/publish/codec.h"
#include "aggregator/publish/snapshot_responder.h"
#include "aggregator/publish/subscription_table.h"
#include "clients/cpp/follow_session.h"
#include "tests/testing/fake_clock.h"
#include "tests/testing/fake_presence_table.h"
#include "tests/testing/recording_listener.h"

namespace unipresence::client {

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
    if (filtered()) frame.mutable_heartbeat()->set_number(++heartbeats_);
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
      clock.Advance(std::chrono::milliseconds(100));
      if (++ticks_ % 10 == 0 && reachable) Heartbeat();
      Settle();
    }
  }

  testing::FakeClock clock;
  testing::FakePresenceTable server{1, this};
  std::deque<std::string> wire;
  std::optional<std::string> request;
  int requests = 0;
  bool connected = true;
  bool reachable = true;  // reopening connects
  bool deaf = false;      // requests are not answered
  testing::RecordingListener listener;
  FollowSession::Step last_step;

 private:
  FollowOptions options_;
  v1::StreamFrame frame_;
  int ticks_ = 0;
  std::uint64_t heartbeats_ = 0;

 public:
  FollowSession session;
};

// A follower of some, with small pages.
inline FollowOptions Some(std::vector<std::string> users, std::size_t per_request = 1000) {
  return {.users = std::move(users), .page_bytes = 4096, .users_per_request = per_request};
}

}  // namespace unipresence::client

#endif  // UNIPRESENCE_TESTS_UNIT_CPP_FOLLOW_WORLD_H_
