#include <csignal>
#include <cstdio>

#include "aggregator/base/strings.h"
#include "asio/io_context.hpp"
#include "asio/signal_set.hpp"
#include "fmt/format.h"
#include "tests/simulation/pbxsim.h"

int main(int argc, char** argv) {
  namespace simulation = unipresence::simulation;
  simulation::Options options;
  if (const auto exit_code = simulation::ParseCommandLine(argc, argv, options)) return *exit_code;

  asio::io_context io(1);
  asio::signal_set signals(io, SIGINT, SIGTERM);
  signals.async_wait([&io](asio::error_code /*error*/, int /*signal*/) { io.stop(); });

  const auto sim = simulation::PbxSim::Create(io, options);
  if (!sim.ok()) {
    fmt::print(stderr, "unipresence-pbxsim: {}\n", unipresence::FromAbsl(sim.status().message()));
    return 1;
  }
  fmt::print("{}\n", (*sim)->Announcement());
  std::fflush(stdout);
  io.run();
  return 0;
}
