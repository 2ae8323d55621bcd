// A link that is cut at any event boundary, for any number of events, leads to what a listener who
// was never interrupted knows, as far as Asterisk lets one know.

#include <gtest/gtest.h>

#include <random>
#include <set>
#include <string>
#include <vector>

#include "fmt/format.h"
#include "tests/unit/pbx/listed_world.h"
#include "tests/unit/pbx/trace.h"

namespace unipresence::pbx {
namespace {

// The events of a trace that somebody reads; boundaries between others are the same.
std::vector<std::string> RelevantEvents(const Trace& trace) {
  static const std::set<std::string_view> kRelevant = {
      "DeviceStateChange",
      "ContactStatus",
      "Newchannel",
      "Newstate",
      "Hangup",
      "Rename",
      "DialBegin",
      "Pickup",
      "Hold",
      "Unhold",
      "MusicOnHoldStart",
      "MusicOnHoldStop",
      "BridgeEnter",
      "BridgeLeave",
      "BlindTransfer",
  };
  std::vector<std::string> events;
  for (const std::string& text : Messages(trace)) {
    const ami::Message message(text);
    if (!message.Has("ActionID") && kRelevant.contains(message.Event())) events.push_back(text);
  }
  return events;
}

class CutTrace {
 public:
  explicit CutTrace(const Trace& trace) : events_(RelevantEvents(trace)) {
    PbxDriver driver;
    driver.Resync(ResyncKind::kResync);
    ListedWorld world;
    worlds_.push_back(world);
    facts_.push_back(driver.facts());
    for (const std::string& event : events_) {
      driver.Event(event);
      world.OnEvent(ami::Message(event));
      worlds_.push_back(world);
      facts_.push_back(driver.facts());
    }
  }

  std::size_t size() const { return events_.size(); }

  // The link is lost before event `cut` and back before event `back`; while Asterisk lists, some of
  // the next events happen: they are read after the rows of the list they may already be part of.
  void Play(std::size_t cut, std::size_t back, std::mt19937& random) const {
    SCOPED_TRACE(fmt::format("cut before event {}, back before event {}", cut, back));
    PbxDriver driver;
    driver.Resync(ResyncKind::kResync);
    for (std::size_t i = 0; i < cut; ++i) driver.Event(events_[i]);
    driver.LinkLost();
    std::size_t read = back;
    std::size_t happened = back;
    Lists lists;
    driver.Resync(ResyncKind::kResync, lists, [&](std::string_view action) {
      while (read < happened) driver.Event(events_[read++]);
      if (action.empty()) return;
      happened = std::min(happened + random() % 3, events_.size());
      lists = worlds_[happened].MakeLists();
    });
    Compare(driver, read);
    while (read < events_.size() && !::testing::Test::HasFatalFailure()) {
      driver.Event(events_[read++]);
      Compare(driver, read);
    }
  }

 private:
  void Compare(PbxDriver& driver, std::size_t read) const {
    bool on_hold = false;  // a device state that lags lets a hold be inferred that is over
    std::set<std::string> devices;
    for (const auto& [device, facts] : facts_[read]) {
      devices.insert(device);
      on_hold = on_hold || worlds_[read].StateOf(device) == "ONHOLD";
    }
    for (const auto& [device, facts] : driver.facts()) devices.insert(device);
    for (const std::string& device : devices) {
      const auto found = facts_[read].find(device);
      const DeviceFacts want = found == facts_[read].end() ? DeviceFacts{} : found->second;
      const DeviceFacts got = driver.Facts(device);
      SCOPED_TRACE(fmt::format("{} after {} events", device, read));
      ASSERT_EQ(got.emitting, want.emitting);
      ASSERT_EQ(got.in_call, want.in_call);
      if (!want.holding && !on_hold) {
        ASSERT_FALSE(got.holding);
      }
      if (!want.held && !on_hold) {
        ASSERT_FALSE(got.held);
      }
      if (StaysOnHold(device, read)) {
        ASSERT_TRUE(got.held);
      }
      if (read < events_.size()) continue;
      ASSERT_EQ(FlagsOf(got), FlagsOf(want));
      if (want.state) {
        ASSERT_EQ(got.state, want.state);
      }
      if (want.reachable) {
        ASSERT_EQ(driver.tracker().Reachable(device), *want.reachable);
      }
    }
  }

  // Not at the instant at which it begins or ends: its events come one after the other.
  bool StaysOnHold(const std::string& device, std::size_t read) const {
    for (std::size_t i = read; i < std::min(read + 8, facts_.size()); ++i) {
      const auto facts = facts_[i].find(device);
      if (facts == facts_[i].end() || !facts->second.held) return false;
      if (worlds_[i].StateOf(device) != "ONHOLD") return false;
    }
    return true;
  }

  std::vector<std::string> events_;
  // Before the first event, and after each.
  std::vector<ListedWorld> worlds_;
  std::vector<std::map<std::string, DeviceFacts>> facts_;
};

void CutEverywhere(const char* folder) {
  std::mt19937 random(7);
  for (const Trace& trace : LoadTraces(folder)) {
    // They begin in the middle of a life.
    if (trace.name.find(".after") != std::string::npos) continue;
    SCOPED_TRACE(trace.name);
    const CutTrace cut_trace(trace);
    for (std::size_t cut = 0; cut <= cut_trace.size(); ++cut) {
      for (const std::size_t lost : {0u, 1u, 2u, 3u, 5u, 8u, 13u, 25u, 60u}) {
        if (cut + lost > cut_trace.size()) continue;
        cut_trace.Play(cut, cut + lost, random);
        if (::testing::Test::HasFatalFailure()) return;
      }
    }
  }
}

TEST(LinkCutTest, DataTracesEndAsUninterrupted) { CutEverywhere(kDataTraces); }
TEST(LinkCutTest, AsteriskTracesEndAsUninterrupted) { CutEverywhere(kAsteriskTraces); }

TEST(LinkCutTest, ARestartInPlaceOfTheRestOfATraceLeavesNoFlag) {
  for (const Trace& trace : LoadTraces(kDataTraces)) {
    SCOPED_TRACE(trace.name);
    const std::vector<std::string> events = RelevantEvents(trace);
    for (std::size_t cut = 0; cut <= events.size(); ++cut) {
      PbxDriver driver;
      driver.Resync(ResyncKind::kResync);
      for (std::size_t i = 0; i < cut; ++i) driver.Event(events[i]);
      driver.LinkLost();
      driver.Resync(ResyncKind::kResync);
      ASSERT_EQ(driver.tracker().channel_count(), 0u);
      for (const auto& [device, facts] : driver.facts()) ASSERT_EQ(FlagsOf(facts), "") << device;
    }
  }
}

}  // namespace
}  // namespace unipresence::pbx
