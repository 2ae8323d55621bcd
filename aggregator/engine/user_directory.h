#ifndef UNIPRESENCE_AGGREGATOR_ENGINE_USER_DIRECTORY_H_
#define UNIPRESENCE_AGGREGATOR_ENGINE_USER_DIRECTORY_H_

// What is told of one user beside the presence: why it is what it is, and who has which number.
// Engine implements it.
//
// Thread: the pipeline's.

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "aggregator/base/clock.h"
#include "aggregator/engine/pbx_status.h"
#include "aggregator/fusion/fusion.h"
#include "aggregator/model/cause.h"
#include "aggregator/model/device_state.h"
#include "aggregator/model/forwarding.h"
#include "aggregator/model/line.h"
#include "aggregator/model/presence.h"

namespace unipresence {

// Why a presence is what it is.
struct Explanation {
  struct Step {  // one published change
    CauseKind cause;
    std::string pbx;
    std::string device;
    DeviceState device_state;
    PresenceState state;  // of the user, after it
    Rule rule;
    WallTimeMicros time;
  };
  struct LineInput {
    LineKind kind;
    std::string pbx;
    std::string device;
    DeviceState reported;  // what Asterisk reports of the device
    DeviceState state;     // the line's state
    bool emitting;
    bool in_call;
    bool holding;
    bool held;
    bool direction_unknown;  // of one of its live calls: no list told who began it
    LinkState link;
    bool not_listed;  // the PBX, which is synced, lists the device nowhere
  };
  std::string user;
  fusion::Inputs inputs;
  fusion::Result result;
  std::vector<LineInput> lines;
  std::vector<Step> steps;  // the newest first, UserTable::kStepsKept at most
  std::uint64_t revision = 0;
  bool do_not_disturb = false;
  ForwardingConditions active_forwardings;
  bool stale = false;
};

class UserDirectory {
 public:
  virtual ~UserDirectory() = default;

  // NOT_FOUND names the id.
  virtual absl::StatusOr<Explanation> Explain(std::string_view user) const = 0;

  // The id of the user who has this number in the context of `user`; empty if there is none. Valid
  // until a user is added or removed.
  virtual std::string_view UserOfNumber(std::string_view user, std::string_view number) const = 0;
};

}  // namespace unipresence

#endif  // UNIPRESENCE_AGGREGATOR_ENGINE_USER_DIRECTORY_H_
