#ifndef UNIPRESENCE_TESTS_SIMULATION_PBXSIM_H_
#define UNIPRESENCE_TESTS_SIMULATION_PBXSIM_H_

// Everything that the program unipresence-pbxsim consists of, put together on one io_context. Tests
// of the simulator run it on a thread of theirs.

#include <memory>
#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "asio/io_context.hpp"
#include "asio/steady_timer.hpp"
#include "tests/simulation/ami_server.h"
#include "tests/simulation/control.h"
#include "tests/simulation/control_server.h"
#include "tests/simulation/demo.h"
#include "tests/simulation/options.h"
#include "tests/simulation/simulated_pbx.h"

namespace unipresence::simulation {

// Thread: the one that runs the io_context, except where told otherwise.
class PbxSim {
 public:
  // Reads the users, listens. The errors of Directory, WriteUsersFile and of the ports.
  static absl::StatusOr<std::unique_ptr<PbxSim>> Create(asio::io_context& io,
                                                        const Options& options);

  // {"ami": "127.0.0.1:5038", "control": "127.0.0.1:40001", "users": 10}
  std::string Announcement() const;

  std::uint16_t ami_port() const { return server_.port(); }
  std::uint16_t control_port() const { return control_server_.port(); }
  SimulatedPbx& pbx() { return pbx_; }
  AmiServer& server() { return server_; }
  Control& control() { return control_; }

 private:
  PbxSim(asio::io_context& io, const Options& options, Directory directory);

  void StepDemo();

  Options options_;
  AmiServer server_;
  SimulatedPbx pbx_;              // its events -> server_
  Control control_;               // commands -> pbx_, server_
  ControlServer control_server_;  // lines -> control_
  Demo demo_;
  asio::steady_timer demo_timer_;
};

}  // namespace unipresence::simulation

#endif  // UNIPRESENCE_TESTS_SIMULATION_PBXSIM_H_
