#ifndef UNIPRESENCE_AGGREGATOR_MODEL_PRESENCE_H_
#define UNIPRESENCE_AGGREGATOR_MODEL_PRESENCE_H_

// The fused presence of a user and one published change of it.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "aggregator/base/clock.h"
#include "aggregator/model/cause.h"
#include "aggregator/model/device_state.h"
#include "aggregator/model/forwarding.h"
#include "aggregator/model/line.h"

namespace unipresence {

enum class PresenceState : std::uint8_t {
  kAvailable,
  kInUse,
  kBusy,
  kUnavailable,
  kRinging,
  kRingingInUse,
  kOnHold,
  kUnknown,
};

std::string_view ToString(PresenceState state);  // "AVAILABLE", "RINGING_IN_USE", ...
std::optional<PresenceState> ParsePresenceState(std::string_view text);

// The presence a device state shows (README.md in this folder has the table).
PresenceState ToPresenceState(DeviceState state);

// The number that XiVO's xuc and Asterisk's ExtensionStatus show (the same table).
int HintNumber(PresenceState state);

// The rows of aggregator/fusion/README.md.
enum class Rule : std::uint8_t {
  kLoggedOut,
  kDeskphoneEmittedCall,
  kSelectedWebrtc,
  kWebrtcUnreachable,
  kWebrtcCall,
  kSelectedDeskphone,
  kSingleLine,
};
inline constexpr Rule kLastRule = Rule::kSingleLine;

std::string_view ToString(Rule rule);  // "LOGGED_OUT", ...

// One line within a presence.
struct LinePresence {
  LineKind kind{};
  DeviceState state = DeviceState::kUnknown;  // the line's state (fusion::LineState)
  bool holding = false;                       // this line holds the other side
  bool held = false;                          // the other side holds this line
  std::string_view pbx;
  std::string_view device;

  friend bool operator==(const LinePresence&, const LinePresence&) = default;
};

// A user's presence as it is published. The views point into the tables that made it and are valid
// for the call it is passed to; `lines` is reused by the caller from one update to the next.
struct Presence {
  std::string_view user;
  PresenceState state = PresenceState::kUnknown;
  LineKind device_in_use{};
  Rule rule = Rule::kLoggedOut;
  LineKind selected_device = kFirstSelection;
  bool logged_in = false;
  bool emitting = false;
  bool do_not_disturb = false;
  ForwardingConditions active_forwardings;  // those that are enabled
  bool stale = false;  // a PBX of one of the lines is not heard: this is the last known presence
  std::vector<LinePresence> lines;
  // + 1 with each published change; it may jump when the user was removed and added again.
  std::uint64_t revision = 0;
  WallTimeMicros update_time = 0;

  friend bool operator==(const Presence&, const Presence&) = default;
};

// One change. Sequence counts all updates of an epoch (one server start), from 1.
struct PresenceUpdate {
  std::uint64_t sequence = 0;
  bool removed = false;  // the user was deleted: only presence.user and presence.revision count
  Presence presence;
  PresenceState previous_state = PresenceState::kUnknown;
  Cause cause;
};

}  // namespace unipresence

#endif  // UNIPRESENCE_AGGREGATOR_MODEL_PRESENCE_H_
