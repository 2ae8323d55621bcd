// Whatever is lost or repeated on the way, the replica ends equal to the server's table.

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <deque>
#include <map>
#include <optional>
#include <string>
#include <utility>

#include "aggregator/publish/codec.h"
#include "aggregator/publish/replica_table.h"
#include "aggregator/publish/snapshot_responder.h"
#include "tests/testing/fake_presence_table.h"
#include "tests/unit/publish/mirror.h"

namespace unipresence::publish {
namespace {

using ::unipresence::testing::FakePresenceTable;
using Result = ReplicaTable::Result;

std::map<std::string, PresenceValue> Values(const ReplicaTable& table) {
  std::map<std::string, PresenceValue> values;
  table.ForEach([&](const PresenceValue& value) { values[value.user] = value; });
  return values;
}

// A server whose frames go over a wire that loses and repeats, and one replica that heals itself.
class Simulation final : public UpdateSink {
 public:
  void OnUpdate(const PresenceUpdate& update) override {
    if (frame_.updates_size() == 0) {
      frame_.set_epoch(server.epoch());
      frame_.set_first_sequence(update.sequence);
    }
    ToProto(update, *frame_.add_updates());
  }
  void Flush() override {
    if (frame_.updates_size() > 0) Send(frame_);
    frame_.Clear();
  }

  void Send(const v1::StreamFrame& frame) {
    if (connected) wire.push_back(frame);
  }
  void Heartbeat() { Send(Beat(server.epoch(), server.sequence())); }

  // Reads one frame; false if there is none.
  bool ReadFrame() {
    if (wire.empty()) return false;
    const Result result = ApplyFrame(replica, wire.front());
    RC_ASSERT(result != Result::kInvalid);
    wire.pop_front();
    return true;
  }

  // Asks for the next page, or reads the one that the server made before.
  void StepSnapshot() {
    if (replica.snapshot_done() || replica.epoch() == 0) return;
    if (!replica.snapshot_begun()) {
      replica.BeginSnapshot();
      request.Clear();
      page.reset();
    }
    if (!page) {
      request.set_max_bytes(4096);
      responder.Begin(request.SerializeAsString());
      std::size_t budget = 1'000'000;
      RC_ASSERT(responder.Work(budget));
      page.emplace();
      RC_ASSERT(page->ParseFromString(std::string(responder.reply())));
      return;
    }
    const v1::SnapshotReply reply = *std::exchange(page, std::nullopt);
    if (reply.has_error() || !replica.ApplyPage(reply)) {
      replica.BeginSnapshot();
      request.Clear();
    } else if (reply.next_page_token().empty()) {
      replica.EndSnapshot();
    } else {
      request.set_page_token(reply.next_page_token());
    }
  }

  FakePresenceTable server{1, this};
  Mirror mirror;
  ReplicaTable replica{mirror};
  std::deque<v1::StreamFrame> wire;
  bool connected = true;
  SnapshotResponder responder{server};
  v1::SnapshotRequest request;
  std::optional<v1::SnapshotReply> page;

 private:
  v1::StreamFrame frame_;
};

void Disturb(Simulation& sim) {
  switch (*rc::gen::inRange(0, 16)) {
    case 0:  // the queue of a slow reader was full
      if (!sim.wire.empty()) sim.wire.pop_back();
      break;
    case 1:  // the connection breaks; what was on the wire is lost
      sim.wire.resize(*rc::gen::inRange<std::size_t>(0, sim.wire.size() + 1));
      sim.connected = !sim.connected;
      if (sim.connected) sim.Heartbeat();
      break;
    case 2:  // a connection is there twice
      if (!sim.wire.empty()) {
        const v1::StreamFrame again = sim.wire[*rc::gen::inRange<std::size_t>(0, sim.wire.size())];
        if (again.epoch() == sim.server.epoch()) sim.Send(again);
      }
      break;
    case 3:
      if (*rc::gen::inRange(0, 8) == 0) sim.server.Restart(sim.server.epoch() + 1);
      break;
    case 4:
      sim.page.reset();  // a reply is lost; it is asked for again
      break;
    default:
      break;
  }
}

RC_GTEST_PROP(ReplicaTableProperty, AlwaysEndsEqualToTheServersTable, ()) {
  Simulation sim;
  for (int i = 0; i < 60; ++i) {  // three pages of the smallest size
    sim.server.Set("u" + std::to_string(i), PresenceState::kAvailable);
  }
  sim.Flush();
  const int steps = *rc::gen::inRange(0, 300);
  for (int i = 0; i < steps; ++i) {
    const int changes = *rc::gen::inRange(0, 4);
    for (int j = 0; j < changes; ++j) {
      const std::string user = "u" + std::to_string(*rc::gen::inRange(0, 70));
      if (*rc::gen::inRange(0, 4) == 0) {
        sim.server.Remove(user);
      } else {
        sim.server.Set(user, static_cast<PresenceState>(*rc::gen::inRange(0, 8)));
      }
    }
    sim.Flush();
    Disturb(sim);
    if (*rc::gen::inRange(0, 8) == 0) sim.Heartbeat();
    for (int reads = *rc::gen::inRange(0, 4); reads > 0; --reads) sim.ReadFrame();
    sim.StepSnapshot();
    if (sim.replica.current() && sim.replica.epoch() == sim.server.epoch() &&
        sim.replica.sequence() == sim.server.sequence()) {
      RC_ASSERT(Values(sim.replica) == sim.server.values());
    }
  }
  // The disturbances end.
  sim.connected = true;
  sim.Heartbeat();
  for (int i = 0; !(sim.replica.current() && sim.wire.empty()); ++i) {
    RC_ASSERT(i < 1000);
    sim.ReadFrame();
    sim.StepSnapshot();
  }
  RC_ASSERT(Values(sim.replica) == sim.server.values());
  RC_ASSERT(sim.mirror.values == sim.server.values());
  RC_ASSERT(sim.replica.sequence() == sim.server.sequence());
}

}  // namespace
}  // namespace unipresence::publish
