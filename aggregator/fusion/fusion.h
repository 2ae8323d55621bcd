#ifndef UNIPRESENCE_AGGREGATOR_FUSION_FUSION_H_
#define UNIPRESENCE_AGGREGATOR_FUSION_FUSION_H_

// From the states of a user's lines to one presence, by the rules of rules.h. README.md in this
// folder says why they are so.
//
// Pure and total: no clock, no log, no state. Thread-safe.

#include <optional>

#include "aggregator/model/device_state.h"
#include "aggregator/model/line.h"
#include "aggregator/model/presence.h"

namespace unipresence::fusion {

// A snapshot of one user. The rules are for one with a deskphone and a WebRTC line, whose states
// are D and W; of any other the state of his first line counts alone.
struct Inputs {
  ByKind<std::optional<DeviceState>> states{};  // of each line (see LineState); nullopt: none such
  bool logged_in = false;                       // at least one live assistant session
  LineKind selected = kFirstSelection;
  // A line whose emitted calls lead (LineKindTraits) has a live channel that it originated itself.
  bool emitting = false;
};

struct Result {
  PresenceState state = PresenceState::kUnknown;
  LineKind device_in_use = LineKind::kDeskphone;
  Rule rule = Rule::kLoggedOut;

  friend bool operator==(const Result&, const Result&) = default;
};

// The first row that matches decides. A user without any line is UNKNOWN by SINGLE_LINE.
Result Fuse(const Inputs& inputs);

// A line's state: what Asterisk reports of its device, but where that is NOT_INUSE
// - INUSE while the device has a live channel that it originated itself: the report lags up to
//   seconds, and who dials is there whatever became of his contact,
// - else UNAVAILABLE while none of its contacts can be called.
// Contacts take reachability away and never give it: of a device that Asterisk restarted with it
// says UNAVAILABLE until the first OPTIONS is answered, and an endpoint that was taken out of the
// configuration leaves its contact behind until that expires.
DeviceState LineState(DeviceState reported, bool emitting, bool contacts_gone);

// The line is none of UNAVAILABLE, INVALID, UNKNOWN.
bool Reachable(DeviceState state);
// The line is one of INUSE, BUSY, RINGING, RINGINUSE, ONHOLD.
bool Active(DeviceState state);

}  // namespace unipresence::fusion

#endif  // UNIPRESENCE_AGGREGATOR_FUSION_FUSION_H_
