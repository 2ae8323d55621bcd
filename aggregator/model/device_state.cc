#include "aggregator/model/device_state.h"

namespace unipresence {

std::string_view ToString(DeviceState state) {
  switch (state) {
    case DeviceState::kUnknown:
      return "UNKNOWN";
    case DeviceState::kNotInUse:
      return "NOT_INUSE";
    case DeviceState::kInUse:
      return "INUSE";
    case DeviceState::kBusy:
      return "BUSY";
    case DeviceState::kInvalid:
      return "INVALID";
    case DeviceState::kUnavailable:
      return "UNAVAILABLE";
    case DeviceState::kRinging:
      return "RINGING";
    case DeviceState::kRingInUse:
      return "RINGINUSE";
    case DeviceState::kOnHold:
      return "ONHOLD";
  }
  __builtin_unreachable();
}

std::optional<DeviceState> ParseDeviceState(std::string_view token) {
  // Called for each DeviceStateChange: the length leaves at most two candidates.
  switch (token.size()) {
    case 4:
      if (token == "BUSY") return DeviceState::kBusy;
      break;
    case 5:
      if (token == "INUSE") return DeviceState::kInUse;
      break;
    case 6:
      if (token == "ONHOLD") return DeviceState::kOnHold;
      break;
    case 7:
      if (token == "RINGING") return DeviceState::kRinging;
      if (token == "UNKNOWN") return DeviceState::kUnknown;
      if (token == "INVALID") return DeviceState::kInvalid;
      break;
    case 9:
      if (token == "NOT_INUSE") return DeviceState::kNotInUse;
      if (token == "RINGINUSE") return DeviceState::kRingInUse;
      break;
    case 11:
      if (token == "UNAVAILABLE") return DeviceState::kUnavailable;
      break;
    default:
      break;
  }
  return std::nullopt;
}

}  // namespace unipresence
