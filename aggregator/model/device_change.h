#ifndef UNIPRESENCE_AGGREGATOR_MODEL_DEVICE_CHANGE_H_
#define UNIPRESENCE_AGGREGATOR_MODEL_DEVICE_CHANGE_H_

// What one PBX newly says of one device: the value that crosses from `pbx` to `engine`.

#include <cstdint>
#include <string_view>

#include "aggregator/model/cause.h"
#include "aggregator/model/device_state.h"

namespace unipresence {

// A batch of these, in the order in which the PBX said them, is applied as one.
struct DeviceChange {
  enum class Kind : std::uint8_t {
    kState,    // the device state Asterisk reports is now `state`
    kContact,  // `reachable` says whether a contact can be called, which takes a line's
               // reachability away or gives back what contacts took; true also when none is
               // qualified
    kCalls,    // `emitting`, `in_call`, `holding`, `held`, `direction_unknown` are now so
  };

  Kind kind = Kind::kState;
  CauseKind cause = CauseKind::kDeviceStateChange;
  DeviceState state = DeviceState::kUnknown;
  bool reachable = false;
  // It has a live call of which nothing told who began it; it counts as received.
  bool direction_unknown = false;
  bool emitting = false;    // at least one live channel that the device originated itself
  bool in_call = false;     // at least one live channel that it originated or that is answered
  bool holding = false;     // the device holds the other side of a call
  bool held = false;        // it is held by the other side
  std::string_view device;  // "PJSIP/alice"; points into the read buffer, valid for the call

  friend bool operator==(const DeviceChange&, const DeviceChange&) = default;
};

}  // namespace unipresence

#endif  // UNIPRESENCE_AGGREGATOR_MODEL_DEVICE_CHANGE_H_
