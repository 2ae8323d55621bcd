// What the tracker says of recorded streams is the settled truth of independent oracles, however
// the stream was cut into reads.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <random>
#include <set>
#include <sstream>

#include "aggregator/ami/framer.h"
#include "aggregator/fusion/fusion.h"
#include "fmt/format.h"
#include "tests/unit/pbx/trace.h"

namespace unipresence::pbx {
namespace {

constexpr char kDesk[] = "PJSIP/alice";
constexpr char kWeb[] = "PJSIP/alice_w";

// A trace on its way through framer and tracker, read by read.
class Replay {
 public:
  Replay() : player_(driver_) {}

  void Read(std::string_view bytes) {
    const std::span<char> room = framer_.Prepare(bytes.size());
    std::memcpy(room.data(), bytes.data(), bytes.size());
    framer_.Commit(bytes.size());
    while (const ami::Message* message = framer_.Next()) player_.OnMessage(*message);
    driver_.EndRead();
  }

  PbxDriver& driver() { return driver_; }

 private:
  PbxDriver driver_;
  TracePlayer player_;
  ami::Framer framer_;
};

// The reads that the recording client did.
std::vector<std::size_t> Cuts(const Trace& trace) {
  std::vector<std::size_t> cuts;
  for (const Trace::Chunk& chunk : trace.chunks) cuts.push_back(chunk.end);
  return cuts;
}

// Calls `after(chunk)` when all bytes of a chunk have been read; `cuts` are additional ends of
// reads.
template <typename After>
void Play(const Trace& trace, std::vector<std::size_t> cuts, Replay& replay, After after) {
  const std::vector<std::size_t> chunks = Cuts(trace);
  cuts.insert(cuts.end(), chunks.begin(), chunks.end());
  std::sort(cuts.begin(), cuts.end());
  cuts.erase(std::unique(cuts.begin(), cuts.end()), cuts.end());
  std::size_t begin = 0;
  std::size_t chunk = 0;
  for (const std::size_t end : cuts) {
    replay.Read(std::string_view(trace.bytes).substr(begin, end - begin));
    begin = end;
    while (chunk < trace.chunks.size() && trace.chunks[chunk].end <= end) {
      after(trace.chunks[chunk++]);
    }
  }
}

// --- tests/data/traces: "idle[desk,web]" or "desk:talking(out)[hold] + web:ringing(in)" ---

std::string LineStates(PbxDriver& driver) {
  std::string calls;
  std::string registered;
  for (const auto& [label, device] : {std::pair("desk", kDesk), std::pair("web", kWeb)}) {
    for (const CallView& call : driver.tracker().Calls(device)) {
      if (!calls.empty()) calls += " + ";
      calls += fmt::format("{}:{}({})", label, ToString(call.phase), ToString(call.direction));
      if (call.holding) calls += "[hold]";
      if (call.held) calls += "[held]";
    }
    if (driver.tracker().Reachable(device)) {
      registered += registered.empty() ? label : fmt::format(",{}", label);
    }
  }
  return calls.empty() ? fmt::format("idle[{}]", registered) : calls;
}

// States that last 100 ms or longer.
std::vector<Trace::Truth> Settled(const Trace& trace, const std::vector<std::size_t>& cuts) {
  Replay replay;
  std::vector<Trace::Truth> states;
  Play(trace, cuts, replay, [&](const Trace::Chunk& chunk) {
    const std::string state = LineStates(replay.driver());
    if (!states.empty() && chunk.seconds - states.back().seconds < 0.1) states.pop_back();
    if (states.empty() || states.back().state != state) states.push_back({chunk.seconds, state});
  });
  return states;
}

TEST(DataTraceTest, SettledStatesAreThoseOfTheOracle) {
  int compared = 0;
  for (const Trace& trace : LoadTraces(kDataTraces)) {
    if (trace.truths.empty()) continue;
    SCOPED_TRACE(trace.name);
    std::vector<Trace::Truth> states = Settled(trace, {});
    // Before anything registers the oracle says nothing.
    std::erase_if(states, [](const Trace::Truth& truth) { return truth.state == "idle[]"; });
    ASSERT_EQ(states.size(), trace.truths.size());
    for (std::size_t i = 0; i < states.size(); ++i) {
      EXPECT_EQ(states[i].state, trace.truths[i].state) << "at " << trace.truths[i].seconds;
      EXPECT_NEAR(states[i].seconds, trace.truths[i].seconds, 0.1) << states[i].state;
    }
    ++compared;
  }
  EXPECT_GE(compared, 18);
}

// --- tests/asterisk/traces: "INUSE NOT_INUSE emitting deskphone=holding,held" ---

std::string_view LineState(PbxDriver& driver, const char* device) {
  const DeviceFacts facts = driver.Facts(device);
  return ToString(fusion::LineState(facts.state.value_or(DeviceState::kUnknown), facts.emitting,
                                    /*contacts_gone=*/false));
}

std::string Holds(PbxDriver& driver, const char* device) {
  const DeviceFacts facts = driver.Facts(device);
  std::string holds = facts.holding ? "holding" : "";
  if (facts.held) holds += holds.empty() ? "held" : ",held";
  return holds;
}

void ExpectTruth(PbxDriver& driver, const Trace::Truth& truth) {
  SCOPED_TRACE(fmt::format("at {} {}", truth.seconds, truth.state));
  std::istringstream words(truth.state);
  std::string desk;
  std::string web;
  std::string emitting;
  words >> desk >> web >> emitting;
  EXPECT_EQ(LineState(driver, kDesk), desk);
  EXPECT_EQ(LineState(driver, kWeb), web);
  EXPECT_EQ(driver.Facts(kDesk).emitting, emitting == "emitting");
  std::string desk_holds;
  std::string web_holds;
  for (std::string word; words >> word;) {
    const std::string holds = word.substr(word.find('=') + 1);
    (word.starts_with("deskphone=") ? desk_holds : web_holds) = holds;
  }
  if (desk_holds != "any") {
    EXPECT_EQ(Holds(driver, kDesk), desk_holds);
  }
  if (web_holds != "any") {
    EXPECT_EQ(Holds(driver, kWeb), web_holds);
  }
}

void ExpectTruths(const Trace& trace, const std::vector<std::size_t>& cuts) {
  Replay replay;
  std::size_t next = 0;
  std::size_t seen = 0;
  const auto expect_until = [&](double seconds) {
    while (next < trace.truths.size() && trace.truths[next].seconds < seconds) {
      ExpectTruth(replay.driver(), trace.truths[next++]);
      ++seen;
    }
  };
  // A truth holds when all bytes up to its second have been read, so before those that came later.
  std::size_t begin = 0;
  for (const Trace::Chunk& chunk : trace.chunks) {
    expect_until(chunk.seconds);
    std::vector<std::size_t> ends;
    for (const std::size_t cut : cuts) {
      if (cut > begin && cut < chunk.end) ends.push_back(cut);
    }
    ends.push_back(chunk.end);
    for (const std::size_t end : ends) {
      replay.Read(std::string_view(trace.bytes).substr(begin, end - begin));
      begin = end;
    }
  }
  expect_until(1e9);
  EXPECT_EQ(seen, trace.truths.size());
}

TEST(AsteriskTraceTest, SettledStatesAreThoseOfTheScenario) {
  int compared = 0;
  for (const Trace& trace : LoadTraces(kAsteriskTraces)) {
    SCOPED_TRACE(trace.name);
    EXPECT_FALSE(trace.truths.empty());
    ExpectTruths(trace, {});
    ++compared;
  }
  EXPECT_GE(compared, 80);
}

// --- Both ---

std::vector<Trace> AllTraces() {
  std::vector<Trace> traces = LoadTraces(kDataTraces);
  for (Trace& trace : LoadTraces(kAsteriskTraces)) traces.push_back(std::move(trace));
  return traces;
}

std::vector<Change> Changes(const Trace& trace, const std::vector<std::size_t>& cuts) {
  Replay replay;
  Play(trace, cuts, replay, [](const Trace::Chunk&) {});
  std::vector<Change> log = replay.driver().TakeLog();
  // The end of a resync gives out the calls of all devices in no order.
  const auto of_resync = [](const Change& change) {
    return change.change.kind == DeviceChange::Kind::kCalls &&
           change.change.cause == CauseKind::kResync;
  };
  for (auto i = log.begin(); i != log.end();) {
    const auto end = std::find_if_not(i, log.end(), of_resync);
    std::sort(i, end, [](const Change& a, const Change& b) { return a.device < b.device; });
    i = end == log.end() ? end : end + 1;
  }
  return log;
}

std::vector<std::size_t> RandomCuts(const Trace& trace, std::size_t count, std::mt19937& random) {
  std::set<std::size_t> cuts;
  std::uniform_int_distribution<std::size_t> position(1, trace.bytes.size() - 1);
  for (std::size_t i = 0; i < count; ++i) cuts.insert(position(random));
  return {cuts.begin(), cuts.end()};
}

TEST(TraceTest, TenThousandRandomSplitsOfEachGiveTheSameChanges) {
  std::mt19937 random(20261122);
  for (const Trace& trace : AllTraces()) {
    SCOPED_TRACE(trace.name);
    const std::vector<Change> whole = Changes(trace, {});
    for (const unsigned cuts : {10u, 90u, 900u, 9000u}) {
      const std::vector<std::size_t> positions = RandomCuts(trace, cuts, random);
      ASSERT_TRUE(Changes(trace, positions) == whole) << cuts << " cuts";
    }
  }
}

TEST(TraceTest, RandomSplitsKeepTheSettledStates) {
  std::mt19937 random(4);
  for (const Trace& trace : LoadTraces(kDataTraces)) {
    SCOPED_TRACE(trace.name);
    const std::vector<Trace::Truth> whole = Settled(trace, {});
    const std::vector<Trace::Truth> split = Settled(trace, RandomCuts(trace, 300, random));
    ASSERT_EQ(split.size(), whole.size());
    for (std::size_t i = 0; i < whole.size(); ++i) EXPECT_EQ(split[i].state, whole[i].state);
  }
  for (const Trace& trace : LoadTraces(kAsteriskTraces)) {
    SCOPED_TRACE(trace.name);
    ExpectTruths(trace, RandomCuts(trace, 300, random));
  }
}

// --- The details of calls ---

// At each settled moment of the recorded scenarios: who the other one is, since when, how far.
TEST(AsteriskTraceTest, EveryCallTellsWhatACallNeeds) {
  int calls = 0;
  for (const Trace& trace : LoadTraces(kAsteriskTraces)) {
    SCOPED_TRACE(trace.name);
    Replay replay;
    std::size_t next = 0;
    std::size_t begin = 0;
    for (const Trace::Chunk& chunk : trace.chunks) {
      for (; next < trace.truths.size() && trace.truths[next].seconds < chunk.seconds; ++next) {
        for (const char* device : {kDesk, kWeb}) {
          for (const CallView& call : replay.driver().tracker().Calls(device)) {
            SCOPED_TRACE(fmt::format("at {} {}", trace.truths[next].seconds, call.channel));
            ++calls;
            // Until it dials nobody knows whom an Originate of others is for.
            if (call.state != CallState::kOriginating) {
              EXPECT_NE(call.other_party.number, "");
            }
            EXPECT_NE(call.linkedid, "");
            EXPECT_EQ(call.start_time, 0) << "the driver's clock stands still";
            if (call.phase == CallPhase::kTalking) {
              EXPECT_EQ(call.state, CallState::kAnswered);
            }
            if (call.phase == CallPhase::kRinging) {
              EXPECT_EQ(call.state, CallState::kRinging);
            }
          }
        }
      }
      replay.Read(std::string_view(trace.bytes).substr(begin, chunk.end - begin));
      begin = chunk.end;
    }
  }
  EXPECT_GT(calls, 150);
}

// --- Nothing is left behind ---

TEST(TraceTest, NoChannelOutlivesItsTrace) {
  for (const Trace& trace : AllTraces()) {
    SCOPED_TRACE(trace.name);
    // These end in the middle of calls.
    if (trace.name.starts_with("sigkill") || trace.name.starts_with("lists_in_calls")) continue;
    Replay replay;
    Play(trace, {}, replay, [](const Trace::Chunk&) {});
    for (const auto& [device, facts] : replay.driver().facts()) {
      EXPECT_EQ(FlagsOf(facts), "") << device;
    }
    const TrackerProbe& probe = replay.driver().tracker().probe();
    EXPECT_EQ(probe.unknown_device_states.value(), 0u);
    EXPECT_EQ(probe.unknown_contact_statuses.value(), 0u);
    EXPECT_EQ(probe.malformed_events.value(), 0u);
  }
}

}  // namespace
}  // namespace unipresence::pbx
