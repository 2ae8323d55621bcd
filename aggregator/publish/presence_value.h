#ifndef UNIPRESENCE_AGGREGATOR_PUBLISH_PRESENCE_VALUE_H_
#define UNIPRESENCE_AGGREGATOR_PUBLISH_PRESENCE_VALUE_H_

// A presence as a client holds it: it owns its strings, and it has room for what a newer server may
// say (enum values that this build does not know).

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "aggregator/base/clock.h"
#include "aggregator/model/device_state.h"
#include "aggregator/model/forwarding.h"
#include "aggregator/model/line.h"
#include "aggregator/model/presence.h"

namespace unipresence::publish {

struct LineValue {
  std::optional<LineKind> kind;  // nullopt: a kind that this build does not know; show `device`
  DeviceState state = DeviceState::kUnknown;
  bool holding = false;
  bool held = false;
  std::string pbx;
  std::string device;

  friend bool operator==(const LineValue&, const LineValue&) = default;
};

struct PresenceValue {
  std::string user;
  PresenceState state = PresenceState::kUnknown;
  std::optional<LineKind> device_in_use;    // nullopt: the user has no line, or an unknown kind
  std::optional<LineKind> selected_device;  // nullopt: none yet, or an unknown kind
  std::optional<Rule> rule;                 // nullopt: a rule that this build does not know
  bool logged_in = false;
  bool emitting = false;
  bool do_not_disturb = false;
  ForwardingConditions active_forwardings;  // without those that this build does not know
  bool stale = false;
  std::vector<LineValue> lines;
  std::uint64_t revision = 0;
  WallTimeMicros update_time = 0;

  friend bool operator==(const PresenceValue&, const PresenceValue&) = default;
};

}  // namespace unipresence::publish

#endif  // UNIPRESENCE_AGGREGATOR_PUBLISH_PRESENCE_VALUE_H_
