#ifndef UNIPRESENCE_TESTS_SIMULATION_OPTIONS_H_
#define UNIPRESENCE_TESTS_SIMULATION_OPTIONS_H_

// The command line of unipresence-pbxsim.

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "tests/simulation/ami_session.h"

namespace unipresence::simulation {

struct Address {
  std::string host;
  std::uint16_t port = 0;
};

struct Options {
  Address listen{"127.0.0.1", 5038};
  std::optional<Address> control;
  std::size_t users = 10;
  std::string users_file;      // takes the users from there instead
  std::string users_file_out;  // writes them there
  std::string pbx_name = "pbx";
  std::vector<ManagerUser> managers;
  bool registered = true;  // all phones at the start
  bool asterisk_16 = false;
  std::uint64_t seed = 1;
  std::chrono::milliseconds write_timeout{5000};
  std::chrono::milliseconds commit_interval{1000};  // of AstDb
  bool demo = false;
  std::chrono::milliseconds pace{700};
  bool verbose = false;
};

// "HOST:PORT". INVALID_ARGUMENT names the text.
absl::StatusOr<Address> ParseAddress(const std::string& text);

// "NAME:SECRET[:READ:WRITE]", READ and WRITE as in manager.conf. INVALID_ARGUMENT names the text.
absl::StatusOr<ManagerUser> ParseManager(const std::string& text);

// Fills the options; nullopt means: go on, a number: exit with it (after --help or an error, which
// was printed).
std::optional<int> ParseCommandLine(int argc, char** argv, Options& options);

}  // namespace unipresence::simulation

#endif  // UNIPRESENCE_TESTS_SIMULATION_OPTIONS_H_
