#include "server/app/command_line.h"

#include <spdlog/pattern_formatter.h>
#include <spdlog/sinks/stdout_color_sinks.h>
#include <spdlog/spdlog.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "aggregator/base/arguments.h"
#include "aggregator/base/valid_text.h"
#include "server/app/application.h"
#include "server/app/exit_code.h"
#include "server/config/config_loader.h"

namespace unipresence {
namespace {

constexpr const char* kSettingsGroup = "Settings";

// Refuses options that were given an empty value, which is none: what a variable that is not set
// leaves of `--option "$VARIABLE"`. Settings have checks of their own, for some may be empty.
void RefuseEmptyValues(const CLI::App& app) {
  for (const CLI::Option* option : app.get_options()) {
    if (option->get_group() == kSettingsGroup) continue;
    for (const std::string& value : option->results()) {
      if (value.empty())
        throw CLI::ValidationError(option->get_name(), "give a value; it is empty");
    }
  }
  for (const CLI::App* command : app.get_subcommands()) RefuseEmptyValues(*command);
}

void Parse(CLI::App& app, const std::vector<std::string>& arguments) {
  std::vector<std::string> words = SeparateEmptyValues(arguments);
  std::reverse(words.begin(), words.end());  // as CLI11 takes them
  app.parse(std::move(words));
  RefuseEmptyValues(app);
}

}  // namespace

CommandLine ParseCommandLine(int argc, char** argv) {
  CommandLine result;
  CLI::App app{
      "unipresenced: one presence per user out of deskphone and WebRTC line.\n"
      "Listens to Asterisk over AMI, publishes over ZeroMQ, serves gRPC and Prometheus.",
      "unipresenced"};
  app.set_version_flag("--version", UNIPRESENCE_VERSION);
  app.add_option("--config", result.config_file, "Configuration file (YAML)")
      ->envname("UNIPRESENCED_CONFIG");
  app.add_flag("--check-config", result.check_config,
               "Check the configuration and its users file, print the outcome, and exit");
  app.add_flag("--example-config", result.example_config,
               "Print a configuration file with every key and its default, and exit");
  app.add_flag("--example-users", result.example_users,
               "Print a users file with every key, and exit");
  bool users_file_wins = false;
  app.add_flag("--users-file-wins", users_file_wins, "The same as --users_file_wins true");
  const std::string password_help =
      "File whose first line is the new password; - or none = standard input";
  CLI::Option* password_file =
      app.add_option("--password-file", result.password_file, password_help);
  CLI::Option* reset =
      app.add_option("--reset-administrator", result.reset_administrator,
                     "While the server is stopped: make this user, by id or username, an "
                     "administrator with a new password, which is asked for, read, or made up and "
                     "printed; then exit");
  password_file->needs(reset);
  CLI::App* hash = app.add_subcommand(
      "hash-password", "Print the hash of a password, for password_hash of the users file");
  hash->add_option("--password-file", result.password_file, password_help);
  app.footer(std::string(kExitCodeHelp));
  std::vector<std::pair<std::string, std::string>> values;
  const std::vector<config::SettingHelp> settings = config::Settings();
  values.reserve(settings.size());
  for (const config::SettingHelp& setting : settings) {
    auto& [path, value] = values.emplace_back(std::string(setting.path), "");
    app.add_option("--" + path, value, std::string(setting.help))->group(kSettingsGroup);
  }
  try {
    Parse(app, {argv + 1, argv + argc});
  } catch (const CLI::ParseError& error) {
    result.exit_code = app.exit(error) == 0 ? kExitOk : kExitUsage;
    return result;
  }
  result.hash_password = hash->parsed();
  const bool needs_config =
      !result.hash_password && !result.example_config && !result.example_users;
  if (result.config_file.empty() && needs_config) {
    std::fputs("--config is required: the configuration file; --help tells more\n", stderr);
    result.exit_code = kExitUsage;
  }
  if (users_file_wins) result.settings.emplace_back("users_file_wins", "true");
  for (auto& setting : values) {
    if (app.count("--" + setting.first) > 0) result.settings.push_back(setting);
  }
  return result;
}

namespace {

// Lines of the log repeat what phones, PBXs and clients said.
class ValidFormatter final : public spdlog::formatter {
 public:
  ValidFormatter() : inner_("%Y-%m-%dT%H:%M:%S.%f %^%l%$ %v") {}

  void format(const spdlog::details::log_msg& message, spdlog::memory_buf_t& out) override {
    const std::size_t begin = out.size();
    inner_.format(message, out);
    const std::string_view line(out.data() + begin, out.size() - begin);
    if (IsValidText(line, TextLines::kMany)) return;
    // What colours the level lies before the message, which alone can change.
    const std::string valid = ValidText(line, std::string_view::npos, TextLines::kMany);
    out.resize(begin);
    out.append(valid.data(), valid.data() + valid.size());
  }

  std::unique_ptr<spdlog::formatter> clone() const override {
    return std::make_unique<ValidFormatter>();
  }

 private:
  spdlog::pattern_formatter inner_;
};

}  // namespace

void SetUpLogging(const config::LogConfig& config) {
  auto logger = spdlog::stderr_color_mt("unipresenced");
  logger->set_formatter(std::make_unique<ValidFormatter>());
  logger->flush_on(spdlog::level::info);
  spdlog::set_default_logger(std::move(logger));
  SetLogLevel(config);
}

void SetLogLevel(const config::LogConfig& config) {
  spdlog::set_level(spdlog::level::from_str(std::string(config::ToString(config.level))));
}

void PrintEndpoints(const Endpoints& endpoints) {
  const nlohmann::ordered_json line = {{"grpc", endpoints.grpc},
                                       {"publish", endpoints.publish},
                                       {"snapshot", endpoints.snapshot},
                                       {"metrics", endpoints.metrics}};
  std::printf("%s\n", line.dump().c_str());
  std::fflush(stdout);
}

}  // namespace unipresence
