#ifndef UNIPRESENCE_TESTS_SIMULATION_LIFECYCLE_H_
#define UNIPRESENCE_TESTS_SIMULATION_LIFECYCLE_H_

// Stops, kills and starts the simulated Asterisk process, as a service manager and bad luck do.

#include <chrono>
#include <functional>

#include "absl/status/status.h"
#include "asio/io_context.hpp"
#include "asio/steady_timer.hpp"
#include "tests/simulation/ami_server.h"
#include "tests/simulation/simulated_pbx.h"

namespace unipresence::simulation {

// Thread: the one that runs the io_context.
class Lifecycle {
 public:
  struct Restart {
    bool clean = true;  // Hangups, then Shutdown and EOF; otherwise EOF only
    // From the Hangups to the Shutdown; meanwhile connections are accepted and closed without a
    // banner.
    std::chrono::milliseconds stopping{1000};
    std::chrono::milliseconds down{300};     // connections are refused
    std::chrono::milliseconds booting{130};  // login works, lists are incomplete; then FullyBooted
  };

  Lifecycle(asio::io_context& io, SimulatedPbx& pbx, AmiServer& server)
      : pbx_(pbx), server_(server), timer_(io) {}

  bool running() const { return running_; }

  // Ends the process and starts a new one; `done` is called after FullyBooted.
  // FAILED_PRECONDITION: it is being restarted already.
  absl::Status Begin(const Restart& restart, std::function<void(absl::Status)> done);

  // Ends the phase of a restart that is under way, however long it was to last.
  // FAILED_PRECONDITION: it is not being restarted.
  absl::Status GoOn();

 private:
  void After(std::chrono::milliseconds delay, void (Lifecycle::*next)());
  void Shutdown();
  void Down();
  void Boot();
  void Booted();

  SimulatedPbx& pbx_;
  AmiServer& server_;
  asio::steady_timer timer_;
  void (Lifecycle::*next_)() = nullptr;
  Restart restart_;
  std::function<void(absl::Status)> done_;
  bool running_ = true;
};

}  // namespace unipresence::simulation

#endif  // UNIPRESENCE_TESTS_SIMULATION_LIFECYCLE_H_
