// What an event of a channel costs while its device, or its bridge, has many others.

#include <benchmark/benchmark.h>
#include <fmt/format.h>

#include <cstddef>
#include <string>

#include "aggregator/pbx/tracker.h"

namespace unipresence::pbx {
namespace {

std::string Event(const char* name, std::size_t i, int state, const char* more = "") {
  return fmt::format(
      "Event: {}\r\nPrivilege: call,all\r\nChannel: PJSIP/trunk-{:08x}\r\nChannelState: {}\r\n"
      "Uniqueid: 1700000000.{}\r\nLinkedid: 1700000000.{}\r\n{}",
      name, i, state, i, i, more);
}

void Feed(Tracker& tracker, const std::string& text) {
  tracker.OnEvent(ami::Message(text), ami::kLiveEvent);
  tracker.ClearChanges();
}

// A call comes, is answered, enters a bridge, and ends: 4 events an iteration.
void BM_OneMoreCall(benchmark::State& state) {
  constexpr char kBridge[] = "BridgeUniqueid: b\r\nBridgeType: base\r\n";
  Tracker tracker;
  tracker.StartResync(ResyncKind::kResync);
  ami::ActionToken token = 0;
  while (tracker.NextAction()) {
    tracker.ActionSent(++token);
    tracker.OnReply(ami::ActionReply{.success = true});
  }
  const auto others = static_cast<std::size_t>(state.range(0));
  for (std::size_t i = 1; i <= others; ++i) {
    Feed(tracker, Event("Newchannel", i, 0));
    Feed(tracker, Event("BridgeEnter", i, 6, kBridge));
  }
  const std::string events[] = {
      Event("Newchannel", others + 1, 0), Event("Newstate", others + 1, 6),
      Event("BridgeEnter", others + 1, 6, kBridge), Event("Hangup", others + 1, 6)};
  for (auto _ : state) {
    for (const std::string& event : events) Feed(tracker, event);
  }
  state.SetItemsProcessed(state.iterations() * 4);
}
BENCHMARK(BM_OneMoreCall)->Arg(1)->Arg(1'000)->Arg(10'000)->Arg(150'000);

}  // namespace
}  // namespace unipresence::pbx

BENCHMARK_MAIN();
