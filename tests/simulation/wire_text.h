#ifndef UNIPRESENCE_TESTS_SIMULATION_WIRE_TEXT_H_
#define UNIPRESENCE_TESTS_SIMULATION_WIRE_TEXT_H_

// For the tests of the simulator: AMI bytes as lists of headers, and the story of a call in them.

#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tests/simulation/event_stream.h"

namespace unipresence::simulation {

// One message: its headers in order.
struct WireMessage {
  std::vector<std::pair<std::string, std::string>> headers;

  // Of the first header of that name; empty if there is none.
  std::string Get(std::string_view name) const;

  // "DialBegin: Event Privilege Timestamp Channel ..."; lists and responses begin with their
  // message.
  std::string Shape() const;
};

std::vector<WireMessage> ParseWire(std::string_view bytes);

// The whole file; aborts the test run if it cannot be read.
std::string ReadFile(const std::string& path);

// A sink that keeps everything.
class EventRecorder : public EventSink {
 public:
  void OnEvent(Rights classes, std::string_view text) override;

  const std::string& bytes() const { return bytes_; }
  std::vector<WireMessage> messages() const { return ParseWire(bytes_); }
  void Clear() { bytes_.clear(); }

 private:
  std::string bytes_;
};

// What each channel went through, how each was dialled, and what each phone's device state was,
// apart from each other: between them the order varies in a real Asterisk. Channels are called
// "alice 1", "alice 2" in the order of their birth, "alice 1 dialled" the Dial events about one,
// phones "alice"; steps are "Newchannel Ring", "DialEnd ANSWER", "ONHOLD".
std::map<std::string, std::vector<std::string>> Stories(const std::vector<WireMessage>& messages);

}  // namespace unipresence::simulation

#endif  // UNIPRESENCE_TESTS_SIMULATION_WIRE_TEXT_H_
