// unipresenced: the server. See README.md for its configuration.

#include <spdlog/spdlog.h>

#include <utility>

#include "server/app/application.h"
#include "server/app/command_line.h"
#include "server/app/exit_code.h"
#include "server/app/offline_commands.h"
#include "server/app/signals.h"
#include "server/config/config_loader.h"

int main(int argc, char** argv) {
  using namespace unipresence;
  const CommandLine command_line = ParseCommandLine(argc, argv);
  if (command_line.exit_code) return *command_line.exit_code;
  const config::Overrides overrides{config::SystemEnvironment(), command_line.settings};

  if (command_line.example_config || command_line.example_users) return RunExamples(command_line);
  if (command_line.hash_password) return RunHashPassword(command_line);
  if (command_line.check_config) return RunCheckConfig(command_line, overrides);
  if (!command_line.reset_administrator.empty()) {
    return RunResetAdministrator(command_line, overrides);
  }

  SignalWaiter signals;
  const auto load = [&] {
    return config::LoadWithCertificates(command_line.config_file, overrides);
  };
  auto config = load();
  if (!config.ok()) return Report(config.status(), kExitConfiguration);
  SetUpLogging(config->log);

  auto application = Application::Start(*std::move(config), load);
  if (!application.ok()) return Report(application.status(), ExitCodeOf(application.status()));
  PrintEndpoints((*application)->endpoints());
  while (true) {
    const SignalWaiter::Event event = signals.Wait();
    if (event == SignalWaiter::Event::kStop) break;
    if (event == SignalWaiter::Event::kReload) (*application)->RequestReload();
    (*application)->OnSecond();
  }
  spdlog::info("stopping");
  (*application)->Stop();
  return kExitOk;
}
