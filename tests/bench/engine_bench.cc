// The engine alone: look-up, fusing and publishing of device state changes among many users, the
// memory of a user, and the sweep after a resync. Every change is a real one.

#include <benchmark/benchmark.h>
#include <malloc.h>

#include <algorithm>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "aggregator/engine/engine.h"

namespace unipresence {
namespace {

class CountingSink final : public UpdateSink {
 public:
  void OnUpdate(const PresenceUpdate& update) override { checksum += update.presence.revision; }
  void Flush() override {}
  std::uint64_t checksum = 0;
};

std::size_t AllocatedBytes() {
  const struct mallinfo2 info = mallinfo2();
  return info.uordblks + info.hblkhd;
}

// A PBX of unique accounts user0.. with devices PJSIP/u0 and PJSIP/u0_w.
struct Site {
  explicit Site(std::size_t users) {
    pbx = engine.pbxs().Add("main", "bench");
    const std::size_t before = AllocatedBytes();
    for (std::size_t i = 0; i < users; ++i) {
      User user;
      user.id = "user" + std::to_string(i);
      const std::string device = "PJSIP/u" + std::to_string(i);
      user.lines = {{LineKind::kDeskphone, "main", device},
                    {LineKind::kWebrtc, "main", device + "_w"}};
      (void)engine.AddUser(user, {});
    }
    bytes = AllocatedBytes() - before;
    Resync(users);
  }

  void Resync(std::size_t users) {
    engine.BeginResync(pbx, "22");
    std::vector<std::string> names;
    std::vector<DeviceChange> rows;
    for (std::size_t i = 0; i < users; ++i) {
      names.push_back("PJSIP/u" + std::to_string(i));
      names.push_back(names.back() + "_w");
      if (names.size() >= 1000 || i + 1 == users) {
        for (const std::string& name : names) {
          rows.push_back({.state = DeviceState::kNotInUse, .device = name});
        }
        engine.Apply(pbx, rows);
        names.clear();
        rows.clear();
      }
    }
    engine.EndResync(pbx);
    while (engine.Sweep(4096)) {
    }
  }

  CountingSink sink;
  Engine engine{{}, Clock::System(), sink};
  PbxIndex pbx = 0;
  std::size_t bytes = 0;
};

Site& SiteOf(std::size_t users) {
  static std::unique_ptr<Site> site;
  static std::size_t size = 0;
  if (size != users) {
    site.reset();
    site = std::make_unique<Site>(users);
    size = users;
  }
  return *site;
}

// Random deskphones, in batches as large as a socket read holds, each change a new state.
void BM_ApplyDeviceStates(benchmark::State& state) {
  const auto users = static_cast<std::size_t>(state.range(0));
  Site& site = SiteOf(users);
  constexpr std::size_t kBatch = 512;
  std::vector<std::string> names;
  for (std::size_t i = 0; i < users; ++i) names.push_back("PJSIP/u" + std::to_string(i));
  std::shuffle(names.begin(), names.end(), std::mt19937(7));
  names.resize(users / kBatch * kBatch);
  std::vector<DeviceChange> batch(kBatch);
  std::size_t next = 0;
  static bool busy = false;
  for (auto _ : state) {
    for (std::size_t i = 0; i < kBatch; ++i) {
      batch[i].device = names[next + i];
      batch[i].state = busy ? DeviceState::kNotInUse : DeviceState::kInUse;
    }
    next += kBatch;
    if (next == names.size()) {
      next = 0;
      busy = !busy;
    }
    site.engine.Apply(site.pbx, batch);
  }
  state.SetItemsProcessed(state.iterations() * static_cast<std::int64_t>(kBatch));
  state.counters["bytes_per_user"] = static_cast<double>(site.bytes) / static_cast<double>(users);
}
BENCHMARK(BM_ApplyDeviceStates)->Arg(1000)->Arg(100'000)->Arg(1'000'000);

void BM_ResyncAndSweep(benchmark::State& state) {
  const auto users = static_cast<std::size_t>(state.range(0));
  Site& site = SiteOf(users);
  for (auto _ : state) {
    site.engine.LinkLost(site.pbx, "bench");
    while (site.engine.Sweep(4096)) {
    }
    site.Resync(users);
  }
}
BENCHMARK(BM_ResyncAndSweep)->Arg(1'000'000)->Unit(benchmark::kMillisecond)->Iterations(3);

}  // namespace
}  // namespace unipresence

BENCHMARK_MAIN();
