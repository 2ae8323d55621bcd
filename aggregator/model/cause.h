#ifndef UNIPRESENCE_AGGREGATOR_MODEL_CAUSE_H_
#define UNIPRESENCE_AGGREGATOR_MODEL_CAUSE_H_

// What made a presence change: which event of which PBX, or which command.

#include <cstdint>
#include <string_view>

#include "aggregator/base/clock.h"
#include "aggregator/model/device_state.h"

namespace unipresence {

// In the order of unipresence.v1.CauseKind, whose numbers are one more; what that has given up
// stays free here.
enum class CauseKind : std::uint8_t {
  // AMI events, by their names.
  kDeviceStateChange,
  kContactStatus,
  kNewchannel,
  kNewstate,
  kHangup = 5,
  kRename,
  kPickup,
  kHold,
  kUnhold,
  kMusicOnHold,
  // The link to a PBX.
  kResync = 12,
  kReconcile,
  kLinkLost,
  // Commands and sessions.
  kLogin,
  kLogout,
  kSessionExpired,
  kSelectDevice,
  kSetDoNotDisturb,
  kUserCreated,
  kUserUpdated,
  kUserDeleted,
  kServerStart,
  kSetForwarding,
};

inline constexpr int kCauseKindCount = static_cast<int>(CauseKind::kSetForwarding) + 1;

// "DEVICE_STATE_CHANGE" and so on: the names of unipresence.v1.CauseKind without their prefix.
// Empty for a number that is free.
std::string_view ToString(CauseKind kind);

// One cause as it is published. `pbx` and `device` are empty when the cause is a command; they
// point into tables of the engine and are valid for the call they are passed to.
struct Cause {
  CauseKind kind = CauseKind::kServerStart;
  std::string_view pbx;
  std::string_view device;
  DeviceState device_state = DeviceState::kUnknown;  // of that device, after the event
  WallTimeMicros time = 0;
};

}  // namespace unipresence

#endif  // UNIPRESENCE_AGGREGATOR_MODEL_CAUSE_H_
