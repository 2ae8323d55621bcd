#ifndef UNIPRESENCE_AGGREGATOR_MODEL_DEVICE_STATE_H_
#define UNIPRESENCE_AGGREGATOR_MODEL_DEVICE_STATE_H_

// Asterisk's nine device states (include/asterisk/devicestate.h), by their tokens in AMI
// DeviceStateChange.

#include <cstdint>
#include <optional>
#include <string_view>

namespace unipresence {

enum class DeviceState : std::uint8_t {
  kUnknown,
  kNotInUse,
  kInUse,
  kBusy,
  kInvalid,
  kUnavailable,
  kRinging,
  kRingInUse,
  kOnHold,
};

inline constexpr int kDeviceStateCount = 9;

// "NOT_INUSE" and so on.
std::string_view ToString(DeviceState state);

// The token of an event, exactly as Asterisk writes it ("RINGINUSE"); nullopt for anything else.
std::optional<DeviceState> ParseDeviceState(std::string_view token);

}  // namespace unipresence

#endif  // UNIPRESENCE_AGGREGATOR_MODEL_DEVICE_STATE_H_
