#ifndef UNIPRESENCE_TESTS_SIMULATION_CHANNEL_H_
#define UNIPRESENCE_TESTS_SIMULATION_CHANNEL_H_

// A channel and a bridge of the simulated PBX, and how their events show them.

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "aggregator/base/clock.h"
#include "tests/simulation/directory.h"
#include "tests/simulation/phones.h"

namespace unipresence::simulation {

// ChannelState of AMI (enum ast_channel_state).
enum class ChannelState : std::uint8_t { kDown = 0, kRing = 4, kRinging = 5, kUp = 6 };

std::string_view ToString(ChannelState state);  // "Down", "Ring", "Ringing", "Up"

// A number and a name; empty shows as <unknown>.
struct Party {
  std::string number;
  std::string name;
};

inline constexpr std::uint32_t kNoBridge = 0;
inline constexpr ChannelId kNoChannel = 0;

struct Channel {
  ChannelId id = kNoChannel;
  EndpointId phone = 0;
  std::string name;  // "PJSIP/alice-00000000"
  ChannelState state = ChannelState::kDown;
  Party caller;
  Party connected;
  std::string context;
  std::string exten;
  std::string uniqueid;
  std::string linkedid;
  std::string dnid;         // the number its phone dialled; empty if it was called
  std::string application;  // what Asterisk runs on it: "Dial", or "AppDial" on a called one
  std::string data;
  ChannelId dialler = kNoChannel;  // while it is being dialled: the channel that runs Dial
  bool originated = false;         // an AMI Originate rings it and nobody answered yet
  bool holding = false;            // it holds the other side
  bool held = false;               // the other side holds it: music plays
  std::uint32_t bridge = kNoBridge;
  MonotonicTime since{};
};

struct Bridge {
  std::uint32_t id = kNoBridge;
  std::string uuid;
  std::vector<ChannelId> channels;
};

// The text, or <unknown> if it is empty.
std::string_view OrUnknown(const std::string& text);

// The fourteen headers of a channel snapshot, each with the prefix ("Dest", "Transferee", "").
void AppendChannel(std::string& text, std::string_view prefix, const Channel& channel);

// The seven headers of a bridge snapshot.
void AppendBridge(std::string& text, std::string_view prefix, const Bridge& bridge);

// "Normal Clearing" of 16 and so on, as Cause-txt.
std::string_view CauseText(int cause);

}  // namespace unipresence::simulation

#endif  // UNIPRESENCE_TESTS_SIMULATION_CHANNEL_H_
