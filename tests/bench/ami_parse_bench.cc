// How fast AMI bytes become messages, beside a memchr scan for line ends over the same bytes.
//
//   build/ami_parse_bench --benchmark_repetitions=5 --benchmark_enable_random_interleaving=true
//
// Each benchmark reports bytes/s and, where it looks at messages, events/s. "events" is a stream of
// DeviceStateChange as Asterisk writes it with timestampevents=yes, "trace" a recorded call with
// every class of events. The scan and the framer read from the same kind of buffer in the same
// pieces, the size of a socket read; the framer's numbers contain the copy that stands for the
// kernel's where it is named so.

#include <benchmark/benchmark.h>
#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <fstream>
#include <iterator>
#include <string>
#include <string_view>

#include "aggregator/ami/framer.h"
#include "aggregator/ami/line_index.h"

namespace unipresence::ami {
namespace {

// About 25 MB: well beyond the caches.
constexpr std::size_t kEvents = 200'000;
constexpr std::size_t kReadBytes = 256 * 1024;

const std::string& DeviceStateChanges() {
  static const std::string stream = [] {
    constexpr std::string_view kStates[] = {"NOT_INUSE", "INUSE",     "RINGING",
                                            "ONHOLD",    "RINGINUSE", "UNAVAILABLE"};
    std::string out;
    for (std::size_t i = 0; i < kEvents; ++i) {
      fmt::format_to(std::back_inserter(out),
                     "Event: DeviceStateChange\r\nPrivilege: call,all\r\n"
                     "Timestamp: 1795374867.{:06}\r\nDevice: PJSIP/user{}{}\r\nState: {}\r\n\r\n",
                     i * 37 % 1'000'000, i * 7919 % 100'003, i % 2 == 0 ? "" : "_w",
                     kStates[i * 31 % 6]);
    }
    return out;
  }();
  return stream;
}

const std::string& Trace() {
  static const std::string stream = [] {
    std::ifstream in(UNIPRESENCE_SOURCE_DIR "/tests/data/traces/25_call_waiting_ringinuse.ami",
                     std::ios::binary);
    std::string trace{std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
    trace.erase(0, trace.find("\r\n") + 2);
    std::string out;
    while (out.size() < 20'000'000) out += trace;
    return out;
  }();
  return stream;
}

void SetRates(benchmark::State& state, std::size_t bytes, std::size_t events) {
  const auto rounds = static_cast<std::size_t>(state.iterations());
  state.SetBytesProcessed(static_cast<std::int64_t>(bytes * rounds));
  if (events == 0) return;
  state.counters["events"] =
      benchmark::Counter(static_cast<double>(events * rounds), benchmark::Counter::kIsRate);
}

// The yardstick: one memchr a line.
void MemchrScan(benchmark::State& state, const std::string& stream) {
  for (auto _ : state) {
    std::size_t lines = 0;
    const char* at = stream.data();
    const char* const end = at + stream.size();
    while ((at = static_cast<const char*>(
                std::memchr(at, '\n', static_cast<std::size_t>(end - at)))) != nullptr) {
      ++lines;
      if (++at == end) break;
    }
    benchmark::DoNotOptimize(lines);
  }
  SetRates(state, stream.size(), 0);
}

// The framer keeps the whole stream in its buffer, as the kernel would have written it there piece
// by piece; only the framing is timed.
template <typename Use>
void RunFramer(benchmark::State& state, const std::string& stream, Use use) {
  Framer framer;
  std::size_t messages = 0;
  for (auto _ : state) {
    state.PauseTiming();
    framer.Reset();
    const std::span<char> room = framer.Prepare(stream.size());
    std::ranges::copy(stream, room.begin());
    state.ResumeTiming();
    messages = 0;
    for (std::size_t from = 0; from < stream.size(); from += kReadBytes) {
      framer.Commit(std::min(kReadBytes, stream.size() - from));
      while (const Message* message = framer.Next()) {
        use(*message);
        ++messages;
      }
    }
  }
  if (!framer.status().ok()) state.SkipWithError("the framer refused the stream");
  SetRates(state, stream.size(), messages);
}

void FramesOnly(benchmark::State& state, const std::string& stream) {
  RunFramer(state, stream, [](const Message& message) { benchmark::DoNotOptimize(&message); });
}

inline void UseTwoFields(const Message& message) {
  if (message.Event() != "DeviceStateChange") return;
  std::string_view device = message.Get("Device");
  std::string_view device_state = message.Get("State");
  benchmark::DoNotOptimize(device);
  benchmark::DoNotOptimize(device_state);
}

void TwoFields(benchmark::State& state, const std::string& stream) {
  RunFramer(state, stream, UseTwoFields);
}

// With the copy into the buffer, piece by piece, which the kernel makes in a real read.
void CopyAndTwoFields(benchmark::State& state, const std::string& stream) {
  Framer framer;
  std::size_t messages = 0;
  for (auto _ : state) {
    messages = 0;
    for (std::size_t from = 0; from < stream.size(); from += kReadBytes) {
      const std::size_t size = std::min(kReadBytes, stream.size() - from);
      std::memcpy(framer.Prepare(kReadBytes).data(), stream.data() + from, size);
      framer.Commit(size);
      while (const Message* message = framer.Next()) {
        UseTwoFields(*message);
        ++messages;
      }
    }
  }
  SetRates(state, stream.size(), messages);
}

// Every header of every message, as a tracker of channels might.
void EveryHeader(benchmark::State& state, const std::string& stream) {
  RunFramer(state, stream, [](const Message& message) {
    message.ForEach([](const Header& header) { benchmark::DoNotOptimize(header.value.data()); });
  });
}

void LineIndexOnly(benchmark::State& state, const std::string& stream, LineIndexer indexer) {
  static constexpr std::size_t kChunk = 4096;
  static std::uint32_t index[kChunk];
  for (auto _ : state) {
    for (std::size_t from = 1; from + kChunk <= stream.size(); from += kChunk) {
      benchmark::DoNotOptimize(indexer(stream.data() + from, kChunk, 0, index));
    }
  }
  SetRates(state, stream.size(), 0);
}

BENCHMARK_CAPTURE(MemchrScan, events, DeviceStateChanges());
BENCHMARK_CAPTURE(FramesOnly, events, DeviceStateChanges());
BENCHMARK_CAPTURE(TwoFields, events, DeviceStateChanges());
BENCHMARK_CAPTURE(CopyAndTwoFields, events, DeviceStateChanges());
BENCHMARK_CAPTURE(EveryHeader, events, DeviceStateChanges());
BENCHMARK_CAPTURE(MemchrScan, trace, Trace());
BENCHMARK_CAPTURE(FramesOnly, trace, Trace());
BENCHMARK_CAPTURE(TwoFields, trace, Trace());
BENCHMARK_CAPTURE(CopyAndTwoFields, trace, Trace());
BENCHMARK_CAPTURE(EveryHeader, trace, Trace());

// The line indexers alone, each that this machine supports.
const bool kIndexersRegistered = [] {
  NamedLineIndexer indexers[kMaxLineIndexers];
  const std::size_t count = ListLineIndexers(indexers);
  for (std::size_t i = 0; i < count; ++i) {
    if (!indexers[i].supported) continue;
    const LineIndexer function = indexers[i].function;
    benchmark::RegisterBenchmark(fmt::format("LineIndexOnly/{}", indexers[i].name).c_str(),
                                 [function](benchmark::State& state) {
                                   LineIndexOnly(state, DeviceStateChanges(), function);
                                 });
  }
  return true;
}();

}  // namespace
}  // namespace unipresence::ami

BENCHMARK_MAIN();
