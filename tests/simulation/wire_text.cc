#include "tests/simulation/wire_text.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iterator>

#include "fmt/format.h"

namespace unipresence::simulation {
namespace {

constexpr std::string_view kTechnology = "PJSIP/";

// The name of a phone without technology and channel number.
std::string PhoneName(const std::string& channel) {
  const std::string name = channel.substr(kTechnology.size());
  return name.substr(0, name.rfind('-'));
}

class Storyteller {
 public:
  std::string Own(const std::string& channel) {
    const auto known = names_.find(channel);
    if (known != names_.end()) return known->second;
    const std::string phone = PhoneName(channel);
    return names_[channel] = fmt::format("{} {}", phone, ++born_[phone]);
  }

 private:
  std::map<std::string, std::string> names_;
  std::map<std::string, int> born_;
};

// What the event says beyond its name, as far as a story tells it.
std::string Detail(const WireMessage& message, const std::string& event) {
  if (event == "Newchannel" || event == "Newstate") return " " + message.Get("ChannelStateDesc");
  if (event == "DialEnd" || event == "DialState") return " " + message.Get("DialStatus");
  if (event == "Hangup") return " " + message.Get("Cause");
  if (event == "BridgeEnter") return " " + message.Get("BridgeNumChannels");
  return {};
}

}  // namespace

std::string WireMessage::Get(std::string_view name) const {
  for (const auto& [key, value] : headers) {
    if (key == name) return value;
  }
  return {};
}

std::string WireMessage::Shape() const {
  if (headers.empty()) return {};
  std::string shape = headers.front().second + ":";
  for (const auto& [name, value] : headers) shape += " " + name;
  return shape;
}

std::vector<WireMessage> ParseWire(std::string_view bytes) {
  std::vector<WireMessage> messages;
  WireMessage message;
  while (!bytes.empty()) {
    const std::size_t end = bytes.find("\r\n");
    const std::string_view line = bytes.substr(0, end);
    bytes.remove_prefix(end == std::string_view::npos ? bytes.size() : end + 2);
    const std::size_t colon = line.find(':');
    if (line.empty()) {
      if (!message.headers.empty()) messages.push_back(std::exchange(message, {}));
    } else if (colon != std::string_view::npos) {
      const std::string_view value = line.substr(colon + 1);
      message.headers.emplace_back(line.substr(0, colon),
                                   value.substr(value.substr(0, 1) == " " ? 1 : 0));
    }
  }
  return messages;
}

std::string ReadFile(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) {
    fmt::print(stderr, "cannot read {}\n", path);
    std::abort();
  }
  return {std::istreambuf_iterator<char>(file), {}};
}

void EventRecorder::OnEvent(Rights /*classes*/, std::string_view text) { bytes_.append(text); }

std::map<std::string, std::vector<std::string>> Stories(const std::vector<WireMessage>& messages) {
  std::map<std::string, std::vector<std::string>> stories;
  Storyteller teller;
  for (const WireMessage& message : messages) {
    const std::string event = message.Get("Event");
    // Rows of lists carry an ActionID; connected lines are told at several moments.
    if (event.empty() || message.Get("Timestamp").empty() || event == "NewConnectedLine") continue;
    if (event == "DeviceStateChange") {
      const std::string device = message.Get("Device");
      if (device.compare(0, kTechnology.size(), kTechnology) == 0) {
        stories[device.substr(kTechnology.size())].push_back(message.Get("State"));
      }
      continue;
    }
    static constexpr std::string_view kTold[] = {
        "Newchannel",  "Newstate",         "Hangup",          "Hold",      "Unhold",
        "BridgeEnter", "MusicOnHoldStart", "MusicOnHoldStop", "DialBegin", "DialEnd",
        "DialState",   "BridgeLeave",      "Pickup"};
    if (std::find(std::begin(kTold), std::end(kTold), event) == std::end(kTold)) continue;
    const std::string dialled = message.Get("DestChannel");
    const std::string channel = dialled.empty() ? message.Get("Channel") : dialled;
    if (channel.compare(0, kTechnology.size(), kTechnology) != 0) continue;
    const std::string own = teller.Own(channel) + (dialled.empty() ? "" : " dialled");
    stories[own].push_back(event + Detail(message, event));
  }
  return stories;
}

}  // namespace unipresence::simulation
