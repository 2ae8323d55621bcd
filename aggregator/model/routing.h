#ifndef UNIPRESENCE_AGGREGATOR_MODEL_ROUTING_H_
#define UNIPRESENCE_AGGREGATOR_MODEL_ROUTING_H_

// What one PBX is told of a user, so that it routes calls and shows the presence without asking us
// (aggregator/pbx/write_back.h): the value that crosses from `engine` to `pbx`.

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "aggregator/model/forwarding.h"
#include "aggregator/model/line.h"
#include "aggregator/model/presence.h"
#include "aggregator/model/user.h"

namespace unipresence {

// The views point into tables of the engine and are valid for the call they are passed to.
struct Routing {
  // Where: numbers are unique within a context only.
  std::string_view context;
  std::string_view exten;

  // The number is no user's any more: only the two above count.
  bool removed = false;

  std::string_view user{};                     // id
  std::string_view device_in_use{};            // on this PBX: where calls ring now
  ByKind<std::string_view> devices{};          // of the lines on this PBX; empty if there is none
  LineKind selected_device = kFirstSelection;  // the saved choice; of use with several lines
  LineType line_type{};
  PresenceState state = PresenceState::kUnknown;
  bool do_not_disturb = false;
  // By ForwardingCondition: the destination in force, or empty.
  std::array<std::string_view, kForwardingConditionCount> forwards{};
  std::uint16_t ring_seconds = kDefaultRingSeconds;
  std::string_view mailbox{};          // number and context of the voicemail box; empty if none
  std::string_view mailbox_context{};  // of use only with a mailbox
};

}  // namespace unipresence

#endif  // UNIPRESENCE_AGGREGATOR_MODEL_ROUTING_H_
