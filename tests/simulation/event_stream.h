#ifndef UNIPRESENCE_TESTS_SIMULATION_EVENT_STREAM_H_
#define UNIPRESENCE_TESTS_SIMULATION_EVENT_STREAM_H_

// The live events of the simulated PBX, as text on the wire, in the order Asterisk would send them.
//
//   EventStream::Instant instant(events);
//   events.Emit(EventStream::Source::kChannels, kCall, "Newstate", channel headers...);
//   events.Emit(EventStream::Source::kDevices, kCall, "DeviceStateChange", ...);
//
// Asterisk's events of one instant come from several threads: those of the channels keep their
// order, and so do those of the devices, but how the two interleave varies from run to run. An
// Instant gathers the events of one thing that happens and sends them interleaved as the seed says;
// with seed 0 in the order of the calls to Emit.

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "aggregator/base/clock.h"
#include "tests/simulation/random.h"
#include "tests/simulation/rights.h"

namespace unipresence::simulation {

// Appends "Name: value\r\n".
void AppendHeader(std::string& text, std::string_view name, std::string_view value);
std::string Header(std::string_view name, std::string_view value);

// "1795374897.403753", as in the Timestamp header.
std::string TimestampText(WallTimeMicros time);

// Takes each live event once: whole, with its closing empty line. Valid for the call.
class EventSink {
 public:
  virtual ~EventSink() = default;
  virtual void OnEvent(Rights classes, std::string_view text) = 0;
};

// Not thread-safe; the sink must outlive it.
class EventStream {
 public:
  enum class Source : std::uint8_t { kChannels, kDevices };

  EventStream(const Clock& clock, EventSink& sink, std::uint64_t seed)
      : clock_(clock), sink_(sink), random_(seed), shuffle_(seed != 0) {}

  // One thing that happens. May nest: the outermost sends.
  class Instant {
   public:
    explicit Instant(EventStream& stream) : stream_(stream) { ++stream_.depth_; }
    ~Instant() {
      if (--stream_.depth_ == 0) stream_.Flush();
    }
    Instant(const Instant&) = delete;
    Instant& operator=(const Instant&) = delete;

   private:
    EventStream& stream_;
  };

  // `headers` is the text behind Event, Privilege and Timestamp, each line ending in CR LF.
  void Emit(Source source, Rights classes, std::string_view name, std::string_view headers);

 private:
  struct Pending {
    Source source = Source::kChannels;
    Rights classes = 0;
    int place = 0;
    std::string text;
  };

  void Flush();

  const Clock& clock_;
  EventSink& sink_;
  Random random_;
  bool shuffle_;
  int depth_ = 0;
  std::vector<Pending> pending_;
};

}  // namespace unipresence::simulation

#endif  // UNIPRESENCE_TESTS_SIMULATION_EVENT_STREAM_H_
