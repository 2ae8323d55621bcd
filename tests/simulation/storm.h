#ifndef UNIPRESENCE_TESTS_SIMULATION_STORM_H_
#define UNIPRESENCE_TESTS_SIMULATION_STORM_H_

// Many DeviceStateChange at full speed: formatted once, before the first is sent, then sent from
// the same memory to each client at its own pace.
//
// Event i is about device i modulo the number of devices, in a shuffled order, and each is a real
// change of that device. All carry the time at which the storm was prepared.

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "aggregator/model/device_state.h"
#include "tests/simulation/simulated_pbx.h"

namespace unipresence::simulation {

// Immutable after construction. The memory is about 95 bytes a device and state.
class Storm {
 public:
  // `states` are gone through by each device in turn: at least two, neighbours different.
  Storm(const SimulatedPbx& pbx, std::vector<EndpointId> devices, std::uint64_t events,
        std::vector<DeviceState> states, std::uint64_t seed);

  std::uint64_t events() const { return events_; }

  // The text of events from `position` on: at least one, at most `limit`, as many as lie together.
  // Position must be below events().
  struct Piece {
    std::string_view text;
    std::uint64_t events = 0;
  };
  Piece At(std::uint64_t position, std::uint64_t limit) const;

  // The state a client has heard of a phone once it has got the first `position` events; nullopt if
  // it has heard nothing of it in this storm.
  std::optional<DeviceState> StateAt(EndpointId phone, std::uint64_t position) const;

  // Makes the states after the last event those of the PBX, without events.
  void Apply(SimulatedPbx& pbx) const;

 private:
  struct Round {
    std::string text;
    std::vector<std::size_t> ends;  // of each event
  };

  DeviceState StateOf(std::size_t device, std::uint64_t round) const {
    return states_[(round + phases_[device]) % states_.size()];
  }

  std::vector<EndpointId> devices_;
  std::uint64_t events_;
  std::vector<DeviceState> states_;
  // Where in states_ a device begins, so that the first is a change.
  std::vector<std::uint8_t> phases_;
  std::vector<std::uint32_t> place_;  // of each phone in devices_, or kNotThere
  std::vector<Round> rounds_;
};

}  // namespace unipresence::simulation

#endif  // UNIPRESENCE_TESTS_SIMULATION_STORM_H_
