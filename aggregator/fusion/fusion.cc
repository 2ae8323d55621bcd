#include "aggregator/fusion/fusion.h"

namespace unipresence::fusion {
namespace {

Result SingleLine(const Inputs& inputs) {
  if (inputs.webrtc) return {ToPresenceState(*inputs.webrtc), LineKind::kWebrtc, Rule::kSingleLine};
  const DeviceState state = inputs.deskphone.value_or(DeviceState::kUnknown);
  return {ToPresenceState(state), LineKind::kDeskphone, Rule::kSingleLine};
}

// Rows 3 to 6: the person is logged in and the deskphone emits no call that counts.
Result BySelection(DeviceState deskphone, DeviceState webrtc, LineKind selected) {
  switch (selected) {
    case LineKind::kWebrtc:
      if (Reachable(webrtc)) {
        return {ToPresenceState(webrtc), LineKind::kWebrtc, Rule::kSelectedWebrtc};
      }
      return {ToPresenceState(deskphone), LineKind::kDeskphone, Rule::kWebrtcUnreachable};
    case LineKind::kDeskphone:
      if (Active(webrtc)) return {ToPresenceState(webrtc), LineKind::kDeskphone, Rule::kWebrtcCall};
      return {ToPresenceState(deskphone), LineKind::kDeskphone, Rule::kSelectedDeskphone};
  }
  __builtin_unreachable();
}

}  // namespace

bool Reachable(DeviceState state) {
  switch (state) {
    case DeviceState::kUnavailable:
    case DeviceState::kInvalid:
    case DeviceState::kUnknown:
      return false;
    case DeviceState::kNotInUse:
    case DeviceState::kInUse:
    case DeviceState::kBusy:
    case DeviceState::kRinging:
    case DeviceState::kRingInUse:
    case DeviceState::kOnHold:
      return true;
  }
  __builtin_unreachable();
}

bool Active(DeviceState state) { return Reachable(state) && state != DeviceState::kNotInUse; }

DeviceState LineState(DeviceState reported, bool emitting, bool contacts_gone) {
  if (reported != DeviceState::kNotInUse) return reported;
  if (emitting) return DeviceState::kInUse;
  return contacts_gone ? DeviceState::kUnavailable : reported;
}

Result Fuse(const Inputs& inputs) {
  if (!inputs.deskphone || !inputs.webrtc) return SingleLine(inputs);
  const DeviceState deskphone = *inputs.deskphone;
  const DeviceState webrtc = *inputs.webrtc;
  if (!inputs.logged_in) {
    return {ToPresenceState(deskphone), LineKind::kDeskphone, Rule::kLoggedOut};
  }
  Result result = BySelection(deskphone, webrtc, inputs.selected);
  const bool takes_precedence =
      Active(webrtc) || (inputs.selected == LineKind::kWebrtc && Reachable(webrtc));
  if (inputs.emitting && takes_precedence) {
    result.state = PresenceState::kInUse;
    result.rule = Rule::kDeskphoneEmittedCall;
  }
  return result;
}

}  // namespace unipresence::fusion
