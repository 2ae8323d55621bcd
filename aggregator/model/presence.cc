#include "aggregator/model/presence.h"

#include <array>
#include <cstddef>

namespace unipresence {
namespace {

constexpr std::array<std::string_view, 8> kStateNames = {"AVAILABLE",   "IN_USE",  "BUSY",
                                                         "UNAVAILABLE", "RINGING", "RINGING_IN_USE",
                                                         "ON_HOLD",     "UNKNOWN"};

}  // namespace

std::string_view ToString(PresenceState state) {
  return kStateNames[static_cast<std::size_t>(state)];
}

std::optional<PresenceState> ParsePresenceState(std::string_view text) {
  for (std::size_t i = 0; i < kStateNames.size(); ++i) {
    if (kStateNames[i] == text) return static_cast<PresenceState>(i);
  }
  return std::nullopt;
}

PresenceState ToPresenceState(DeviceState state) {
  switch (state) {
    case DeviceState::kUnknown:
      return PresenceState::kUnknown;
    case DeviceState::kNotInUse:
      return PresenceState::kAvailable;
    case DeviceState::kInUse:
      return PresenceState::kInUse;
    case DeviceState::kBusy:
      return PresenceState::kBusy;
    case DeviceState::kInvalid:
    case DeviceState::kUnavailable:
      return PresenceState::kUnavailable;
    case DeviceState::kRinging:
      return PresenceState::kRinging;
    case DeviceState::kRingInUse:
      return PresenceState::kRingingInUse;
    case DeviceState::kOnHold:
      return PresenceState::kOnHold;
  }
  __builtin_unreachable();
}

int HintNumber(PresenceState state) {
  switch (state) {
    case PresenceState::kAvailable:
      return 0;
    case PresenceState::kInUse:
      return 1;
    case PresenceState::kBusy:
      return 2;
    case PresenceState::kUnavailable:
    case PresenceState::kUnknown:
      return 4;
    case PresenceState::kRinging:
      return 8;
    case PresenceState::kRingingInUse:
      return 9;
    case PresenceState::kOnHold:
      return 16;
  }
  __builtin_unreachable();
}

std::string_view ToString(Rule rule) {
  switch (rule) {
    case Rule::kLoggedOut:
      return "LOGGED_OUT";
    case Rule::kDeskphoneEmittedCall:
      return "DESKPHONE_EMITTED_CALL";
    case Rule::kSelectedWebrtc:
      return "SELECTED_WEBRTC";
    case Rule::kWebrtcUnreachable:
      return "WEBRTC_UNREACHABLE";
    case Rule::kWebrtcCall:
      return "WEBRTC_CALL";
    case Rule::kSelectedDeskphone:
      return "SELECTED_DESKPHONE";
    case Rule::kSingleLine:
      return "SINGLE_LINE";
  }
  __builtin_unreachable();
}

}  // namespace unipresence
