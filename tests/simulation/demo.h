#ifndef UNIPRESENCE_TESTS_SIMULATION_DEMO_H_
#define UNIPRESENCE_TESTS_SIMULATION_DEMO_H_

// Life for a demonstration: people call each other, answer, hold, transfer and hang up, browsers
// come and go, all at a pace that one can read. Deterministic by seed.

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "tests/simulation/random.h"
#include "tests/simulation/simulated_pbx.h"

namespace unipresence::simulation {

// Not thread-safe. Whoever owns it calls Step() at the pace he wants.
class Demo {
 public:
  Demo(SimulatedPbx& pbx, std::uint64_t seed) : pbx_(pbx), random_(seed) {}

  // Makes one thing happen; what it was, for people ("PJSIP/alice-00000004 hangs up").
  std::string Step();

 private:
  std::string StartCall();
  std::string GoOn(const Channel& channel);
  std::string GoOnRinging(const Channel& leg);
  std::string GoOnTalking(const Channel& channel);
  std::string ToggleBrowser();
  std::vector<UserIndex> IdleUsers() const;

  SimulatedPbx& pbx_;
  Random random_;
  std::optional<EndpointId> away_;  // the browser that unregistered last
};

}  // namespace unipresence::simulation

#endif  // UNIPRESENCE_TESTS_SIMULATION_DEMO_H_
