#include "server/app/offline_commands.h"

#include <cstdio>
#include <filesystem>
#include <string>

#include "server/app/administrator_reset.h"
#include "server/app/exit_code.h"
#include "server/app/password_input.h"
#include "server/auth/password.h"
#include "server/auth/token.h"
#include "server/config/example.h"
#include "server/storage/open_store.h"

namespace unipresence {
namespace {

absl::Status NoPassword() {
  return absl::InvalidArgumentError(
      "no password; type one, give it on standard input, or use --password-file FILE");
}

int ReportPassword(const absl::Status& status) {
  return Report(status, absl::IsCancelled(status) ? kExitInterrupted : kExitUsage);
}

}  // namespace

int Report(const absl::Status& status, int exit_code) {
  std::fprintf(stderr, "unipresenced: %s\n", std::string(status.message()).c_str());
  return exit_code;
}

int RunExamples(const CommandLine& command_line) {
  if (command_line.example_config) std::fputs(config::ExampleConfig().c_str(), stdout);
  if (command_line.example_users) std::fputs(config::ExampleUsers().c_str(), stdout);
  return kExitOk;
}

int RunHashPassword(const CommandLine& command_line) {
  const auto password = ReadNewPassword(command_line.password_file);
  if (!password.ok()) return ReportPassword(password.status());
  if (password->empty()) return Report(NoPassword(), kExitUsage);
  const auto hash = auth::HashPassword(*password);
  if (!hash.ok()) return Report(hash.status(), kExitStart);
  std::printf("%s\n", hash->c_str());
  return kExitOk;
}

int RunCheckConfig(const CommandLine& command_line, const config::Overrides& overrides) {
  std::string report;
  const absl::Status status = config::Check(command_line.config_file, overrides, report);
  std::fputs(report.c_str(), status.ok() ? stdout : stderr);
  return status.ok() ? kExitOk : kExitConfiguration;
}

int RunResetAdministrator(const CommandLine& command_line, const config::Overrides& overrides) {
  const auto config = config::Load(command_line.config_file, overrides);
  if (!config.ok()) return Report(config.status(), kExitConfiguration);
  // Opening would create it.
  if (std::error_code error; !std::filesystem::exists(config->store.path, error)) {
    return Report(absl::NotFoundError("store '" + config->store.path +
                                      "': there is none; start the server once, or name another "
                                      "one by --store.path"),
                  kExitStore);
  }
  auto store = OpenStore({.path = config->store.path});
  if (!store.ok()) return Report(store.status(), ExitCodeOf(store.status()));
  auto password = ReadNewPassword(command_line.password_file);
  if (!password.ok()) return ReportPassword(password.status());
  const bool generated = password->empty();
  if (generated) {
    auto id = auth::NewSessionId();
    if (!id.ok()) return Report(id.status(), kExitInternal);
    password = *std::move(id);
  }
  const std::string& name = command_line.reset_administrator;
  const absl::Status status = (*store)->SubmitAndWait(
      [&](Transaction& transaction) { return ResetAdministrator(transaction, name, *password); });
  if (!status.ok()) return Report(status, ExitCodeOf(status));
  if (generated) std::printf("%s\n", password->c_str());
  std::fprintf(stderr, "'%s' is administrator, with %s; the former sessions have ended\n",
               name.c_str(), generated ? "the password above" : "the new password");
  if (config->users_file_wins) {
    std::fprintf(
        stderr, "users_file_wins is set: change role and password in '%s' too, or they come back\n",
        config->users_file.c_str());
  }
  return kExitOk;
}

}  // namespace unipresence
