// unipresenced: the server. See README.md for its configuration.

#include <spdlog/spdlog.h>

#include <cstdio>

#include "server/app/application.h"
#include "server/app/command_line.h"
#include "server/app/signals.h"
#include "server/config/config_loader.h"

namespace {

// Distinct, so that a supervisor can tell a mistake of the administrator from trouble that may
// pass.
constexpr int kExitConfiguration = 78;  // EX_CONFIG of sysexits.h
constexpr int kExitStart = 69;          // EX_UNAVAILABLE

int Report(const absl::Status& status, int code) {
  std::fprintf(stderr, "unipresenced: %s\n", std::string(status.message()).c_str());
  return code;
}

}  // namespace

int main(int argc, char** argv) {
  using namespace unipresence;
  const CommandLine command_line = ParseCommandLine(argc, argv);
  if (command_line.exit_code) return *command_line.exit_code;
  const config::Overrides overrides{config::SystemEnvironment(), command_line.settings};

  if (command_line.check_config) {
    std::string report;
    const absl::Status status = config::Check(command_line.config_file, overrides, report);
    std::fputs(report.c_str(), status.ok() ? stdout : stderr);
    return status.ok() ? 0 : kExitConfiguration;
  }

  const auto config = config::Load(command_line.config_file, overrides);
  if (!config.ok()) return Report(config.status(), kExitConfiguration);
  SetUpLogging(config->log);

  SignalWaiter signals;  // before any thread starts, so that all inherit the blocked signals
  auto application = Application::Start(*config);
  if (!application.ok()) return Report(application.status(), kExitStart);
  PrintEndpoints((*application)->endpoints());
  while (!signals.WaitOneSecond()) (*application)->OnSecond();
  spdlog::info("stopping");
  (*application)->Stop();
  return 0;
}
