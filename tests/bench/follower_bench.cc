// What a follower of everyone makes of a busy stream: frames as they come from the socket, up to
// its listener. Beside it, in the same run: the same bytes through the generated parser alone, and
// summed byte by byte.

#include <benchmark/benchmark.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <numeric>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "aggregator/publish/subscription_table.h"
#include "clients/cpp/follow_session.h"
#include "unipresence/v1/replication.pb.h"

namespace unipresence::client {
namespace {

constexpr std::size_t kChanges = 200'000;
constexpr std::size_t kUpdatesPerFrame = 300;  // about 64 KiB
constexpr std::uint64_t kEpoch = 7;

class Listener final : public FollowListener {
 public:
  void OnPresence(const publish::PresenceValue& presence,
                  const publish::ReplicaChange& change) override {
    ++told;
    checksum += presence.revision + (change.encoded_cause.empty() ? 0 : 1);
  }
  std::size_t told = 0;
  std::uint64_t checksum = 0;
};

void FillUpdate(std::size_t user, std::uint64_t sequence, std::uint64_t revision,
                v1::PresenceUpdate& update) {
  const std::string id = "user" + std::to_string(user);
  const std::string device = "PJSIP/" + id;
  const bool busy = revision % 2 == 0;
  update.set_sequence(sequence);
  v1::Presence& presence = *update.mutable_presence();
  presence.set_user(id);
  presence.set_state(busy ? v1::PRESENCE_STATE_IN_USE : v1::PRESENCE_STATE_AVAILABLE);
  presence.set_hint(busy ? 1 : 0);
  presence.set_device_in_use(v1::LINE_KIND_WEBRTC);
  presence.set_rule(v1::RULE_SELECTED_WEBRTC);
  presence.set_selected_device(v1::LINE_KIND_WEBRTC);
  presence.set_logged_in(true);
  for (const v1::LineKind kind : {v1::LINE_KIND_DESKPHONE, v1::LINE_KIND_WEBRTC}) {
    v1::LinePresence& line = *presence.add_lines();
    line.set_kind(kind);
    line.set_device(kind == v1::LINE_KIND_WEBRTC ? device + "_w" : device);
    line.set_state(busy ? v1::DEVICE_STATE_INUSE : v1::DEVICE_STATE_NOT_INUSE);
    line.set_pbx("main");
  }
  presence.set_revision(revision);
  presence.mutable_update_time()->set_seconds(1'764'500'000);
  update.set_previous_state(busy ? v1::PRESENCE_STATE_AVAILABLE : v1::PRESENCE_STATE_IN_USE);
  v1::Cause& cause = *update.mutable_cause();
  cause.set_kind(v1::CAUSE_KIND_DEVICE_STATE_CHANGE);
  cause.set_pbx("main");
  cause.set_device(device + "_w");
  cause.mutable_time()->set_seconds(1'764'500'000);
  cause.set_device_state(busy ? v1::DEVICE_STATE_INUSE : v1::DEVICE_STATE_NOT_INUSE);
}

// The first value of every user, then changes of users at random.
struct Stream {
  explicit Stream(std::size_t users) {
    std::mt19937 random(1);
    std::vector<std::uint64_t> revisions(users, 0);
    v1::StreamFrame frame;
    std::uint64_t sequence = 0;
    const auto end_frame = [&](std::vector<std::string>& frames) {
      frames.push_back(std::string(publish::kStreamTopic) + frame.SerializeAsString());
      frame.Clear();
    };
    const auto add = [&](std::size_t user, std::vector<std::string>& frames) {
      ++sequence;
      if (frame.updates_size() == 0) {
        frame.set_epoch(kEpoch);
        frame.set_first_sequence(sequence);
      }
      FillUpdate(user, sequence, ++revisions[user], *frame.add_updates());
      if (frame.updates_size() == static_cast<int>(kUpdatesPerFrame)) end_frame(frames);
    };
    for (std::size_t user = 0; user < users; ++user) add(user, first_values);
    if (frame.updates_size() > 0) end_frame(first_values);
    for (std::size_t i = 0; i < kChanges; ++i) add(random() % users, changes);
    if (frame.updates_size() > 0) end_frame(changes);
  }

  std::vector<std::string> first_values;
  std::vector<std::string> changes;
};

void BM_Follow(benchmark::State& state) {
  const Stream stream(static_cast<std::size_t>(state.range(0)));
  const MonotonicTime now{};
  for (auto _ : state) {
    state.PauseTiming();
    Listener listener;
    FollowSession session({}, listener, now, 1);
    for (const std::string& frame : stream.first_values) session.OnMessage(frame, now);
    const std::size_t before = listener.told;
    state.ResumeTiming();
    for (const std::string& frame : stream.changes) session.OnMessage(frame, now);
    state.PauseTiming();
    if (listener.told - before != kChanges) state.SkipWithError("a change was not told");
    benchmark::DoNotOptimize(listener.checksum);
    state.ResumeTiming();
  }
  state.SetItemsProcessed(state.iterations() * static_cast<std::int64_t>(kChanges));
}
BENCHMARK(BM_Follow)->Arg(1'000)->Arg(100'000)->Arg(1'000'000)->Unit(benchmark::kMillisecond);

void BM_ParseAlone(benchmark::State& state) {
  const Stream stream(static_cast<std::size_t>(state.range(0)));
  v1::StreamFrame parsed;
  for (auto _ : state) {
    for (const std::string& frame : stream.changes) {
      const std::string_view payload = std::string_view(frame).substr(publish::kStreamTopic.size());
      if (!parsed.ParseFromArray(payload.data(), static_cast<int>(payload.size()))) {
        state.SkipWithError("a frame cannot be read");
      }
    }
  }
  state.SetItemsProcessed(state.iterations() * static_cast<std::int64_t>(kChanges));
}
BENCHMARK(BM_ParseAlone)->Arg(100'000)->Unit(benchmark::kMillisecond);

void BM_SumOfBytes(benchmark::State& state) {
  const Stream stream(static_cast<std::size_t>(state.range(0)));
  for (auto _ : state) {
    std::uint64_t sum = 0;
    for (const std::string& frame : stream.changes) {
      sum = std::accumulate(frame.begin(), frame.end(), sum);
    }
    benchmark::DoNotOptimize(sum);
  }
  state.SetItemsProcessed(state.iterations() * static_cast<std::int64_t>(kChanges));
}
BENCHMARK(BM_SumOfBytes)->Arg(100'000)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace unipresence::client

BENCHMARK_MAIN();
