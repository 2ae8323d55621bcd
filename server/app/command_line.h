#ifndef UNIPRESENCE_SERVER_APP_COMMAND_LINE_H_
#define UNIPRESENCE_SERVER_APP_COMMAND_LINE_H_

// What `unipresenced` takes from its command line and prints on its outputs.

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "server/config/config.h"

namespace unipresence {

struct Endpoints;

struct CommandLine {
  std::optional<int> exit_code;  // --help, --version or a usage error was answered: exit with it
  std::string config_file;
  bool check_config = false;
  bool example_config = false;
  bool example_users = false;
  bool hash_password = false;
  std::string reset_administrator;                            // name of the user; empty: none
  std::string password_file;                                  // for the two above
  std::vector<std::pair<std::string, std::string>> settings;  // path, value; beats everything else
};

CommandLine ParseCommandLine(int argc, char** argv);

// Log lines go to standard error, each with time and level.
void SetUpLogging(const config::LogConfig& config);

// For the lines to come.
void SetLogLevel(const config::LogConfig& config);

// One JSON object on one line of standard output, once the server listens: `grpc`, `publish`,
// `snapshot`, `metrics`, each as a client would connect to it. Scripts wait for it.
void PrintEndpoints(const Endpoints& endpoints);

}  // namespace unipresence

#endif  // UNIPRESENCE_SERVER_APP_COMMAND_LINE_H_
