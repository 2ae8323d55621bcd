// Any bytes from strangers to the snapshot and publish sockets, and any bytes from a server to a
// follower: requests are answered, the table of subscriptions and the replica stay whole, and a
// proper server heals a follower whatever it was told before.
//
// Input: records of one byte for the kind, two for the length (little-endian), and the bytes
// themselves.

#include <google/protobuf/stubs/logging.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "aggregator/publish/snapshot_responder.h"
#include "aggregator/publish/subscription_table.h"
#include "clients/cpp/follow_session.h"
#include "tests/testing/fake_presence_table.h"
#include "unipresence/v1/replication.pb.h"

namespace {

using namespace unipresence;
using namespace std::chrono_literals;
using unipresence::testing::FakePresenceTable;

void Require(bool holds, const char* what) {
  if (holds) return;
  std::fprintf(stderr, "violated: %s\n", what);
  std::abort();
}

// The server's side of the sockets.
struct Server {
  Server() {
    for (int i = 0; i < 8; ++i) {
      table.Set("u" + std::to_string(i), static_cast<PresenceState>(i % 8));
    }
  }

  std::string Answer(std::string_view request) {
    responder.Begin(request);
    std::size_t budget = 100'000;
    Require(responder.Work(budget), "a request is answered");
    Require(responder.reply().size() <= publish::SnapshotResponder::kMaxBytes + (64 << 10),
            "a page is bounded");
    v1::SnapshotReply reply;
    Require(reply.ParseFromString(std::string(responder.reply())), "a reply is a SnapshotReply");
    Require(reply.epoch() == table.epoch(), "a reply tells the epoch");
    Require(responder.is_page() != reply.has_error(), "a page or an error");
    return std::string(responder.reply());
  }

  std::string Heartbeat() const {
    v1::StreamFrame frame;
    frame.set_epoch(table.epoch());
    frame.mutable_heartbeat()->set_sequence(table.sequence());
    return frame.SerializeAsString();
  }

  FakePresenceTable table{0x5eed};
  publish::SnapshotResponder responder{table};
  publish::SubscriptionTable subscriptions;
};

// An application that holds what it is told.
class Mirror final : public client::FollowListener {
 public:
  void OnPresence(const publish::PresenceValue& presence,
                  const publish::ReplicaChange& /*change*/) override {
    values[presence.user] = presence;
  }
  void OnRemoved(std::string_view user, const publish::ReplicaChange& /*change*/) override {
    Require(values.erase(std::string(user)) == 1, "only who was told of is removed");
  }
  void OnReset() override { values.clear(); }
  std::map<std::string, publish::PresenceValue> values;
};

class Follower {
 public:
  explicit Follower(std::vector<std::string> users)
      : topic_(users.empty() ? publish::kStreamTopic : publish::kHeartbeatTopic),
        session_({.users = std::move(users)}, mirror_, MonotonicTime(1s), 1) {}

  void OnMessage(std::string_view message) {
    session_.OnMessage(message, now_);
    Advance();
  }
  void OnReply(std::string_view reply) {
    // As if it were the answer to the last request: else it would be dropped unread.
    v1::SnapshotReply parsed;
    if (request_.request_id() != 0 && parsed.ParseFromString(std::string(reply))) {
      parsed.set_request_id(request_.request_id());
      session_.OnReply(parsed.SerializeAsString(), now_);
    }
    session_.OnReply(reply, now_);
    Advance();
  }
  void CheckWhole() const {
    const publish::ReplicaTable& table = session_.table();
    std::size_t count = 0;
    table.ForEach([&](const publish::PresenceValue& value) {
      ++count;
      const auto told = mirror_.values.find(value.user);
      Require(told != mirror_.values.end() && told->second == value, "all was told");
      Require(table.Find(value.user) == value, "all is found");
    });
    Require(count == table.size() && count == mirror_.values.size(), "sizes agree");
  }

  // A proper server, another one than it may have heard of before.
  void Heal(Server& server) {
    if (session_.table().epoch() == server.table.epoch()) return;  // it was forged
    OnMessage(std::string(topic_) + server.Heartbeat());
    for (int i = 0; i < 3000 && !session_.current(); ++i) {
      if (i % 10 == 0) OnMessage(std::string(topic_) + server.Heartbeat());
      now_ += 100ms;
      Advance();
      if (asked_) session_.OnReply(server.Answer(request_.SerializeAsString()), now_);
      asked_ = false;
    }
    Require(session_.current(), "a proper server makes it current");
    for (const auto& [user, value] : server.table.values()) {
      Require(topic_ != publish::kStreamTopic || session_.table().Find(user) == value, "healed");
    }
  }

 private:
  void Advance() {
    const client::FollowSession::Step step = session_.Advance(now_, true);
    Require(step.next >= now_, "nothing is due in the past");
    if (step.request.empty()) return;
    Require(request_.ParseFromString(step.request), "a request is a SnapshotRequest");
    asked_ = true;
  }

  std::string_view topic_;
  Mirror mirror_;
  MonotonicTime now_{1s};
  v1::SnapshotRequest request_;
  bool asked_ = false;
  client::FollowSession session_;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  // It complains of each text that is not UTF-8.
  [[maybe_unused]] static auto* const old_handler = google::protobuf::SetLogHandler(nullptr);
  Server server;
  Follower everyone({});
  Follower some({"u1", "u2", "nobody"});
  while (size >= 3) {
    const std::uint8_t kind = data[0];
    const std::size_t length = std::min(size - 3, data[1] + (std::size_t{data[2]} << 8));
    const std::string_view bytes(reinterpret_cast<const char*>(data + 3), length);
    data += 3 + length;
    size -= 3 + length;
    switch (kind % 8) {
      case 0:
        server.Answer(bytes);
        break;
      case 1:
        server.subscriptions.Apply(bytes);
        server.subscriptions.StartRefreshRound();
        for (std::size_t i = server.subscriptions.user_count(); i > 0; --i) {
          Require(server.subscriptions.user(server.subscriptions.NextToRefresh()), "it is wanted");
        }
        Require(server.subscriptions.NextToRefresh().empty(), "a round ends");
        break;
      case 2:
        everyone.OnMessage(bytes);
        some.OnMessage(bytes);
        break;
      case 3:
        everyone.OnMessage(std::string(publish::kStreamTopic).append(bytes));
        break;
      case 4:
        some.OnMessage(std::string(publish::kHeartbeatTopic).append(bytes));
        break;
      case 5:
        some.OnMessage(publish::UserTopic("u1").append(bytes));
        break;
      case 6:
        everyone.OnReply(bytes);
        break;
      default:
        some.OnReply(bytes);
        break;
    }
    everyone.CheckWhole();
    some.CheckWhole();
  }
  everyone.Heal(server);
  some.Heal(server);
  everyone.CheckWhole();
  some.CheckWhole();
  return 0;
}
