#ifndef UNIPRESENCE_TESTS_SIMULATION_RATE_H_
#define UNIPRESENCE_TESTS_SIMULATION_RATE_H_

// DeviceStateChange at a steady rate, each formatted when it is due, so that its Timestamp is the
// time at which it left: for measuring latency.

#include <cstdint>
#include <functional>
#include <vector>

#include "absl/status/status.h"
#include "asio/io_context.hpp"
#include "asio/steady_timer.hpp"
#include "tests/simulation/simulated_pbx.h"

namespace unipresence::simulation {

// Thread: the one that runs the io_context.
class Rate {
 public:
  Rate(asio::io_context& io, SimulatedPbx& pbx) : pbx_(pbx), timer_(io) {}

  // Sends `events` changes, evenly spaced, going round the devices; each toggles between the two
  // states. `done` gets the seconds it took. FAILED_PRECONDITION: one is running.
  absl::Status Start(std::vector<EndpointId> devices, std::uint64_t events, double per_second,
                     DeviceState first, DeviceState second, std::function<void(double)> done);

 private:
  void Tick();

  SimulatedPbx& pbx_;
  asio::steady_timer timer_;
  std::vector<EndpointId> devices_;
  std::uint64_t events_ = 0;
  std::uint64_t sent_ = 0;
  double per_second_ = 1;
  DeviceState first_ = DeviceState::kInUse;
  DeviceState second_ = DeviceState::kNotInUse;
  asio::steady_timer::time_point started_{};
  std::function<void(double)> done_;
};

}  // namespace unipresence::simulation

#endif  // UNIPRESENCE_TESTS_SIMULATION_RATE_H_
