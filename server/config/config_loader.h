#ifndef UNIPRESENCE_SERVER_CONFIG_CONFIG_LOADER_H_
#define UNIPRESENCE_SERVER_CONFIG_CONFIG_LOADER_H_

// From a YAML file, the environment and the command line to a Config.
//
//   auto config = config::Load(path, {.environment = config::SystemEnvironment(),
//                                     .flags = {{"grpc.listen", "127.0.0.1:0"}}});
//
// A flag beats the environment, which beats the file, which beats the default.
//
// Settings are named by their path in the file: `grpc.listen`, `sessions.time_to_live_s`,
// `users_file`. The environment variable of one is UNIPRESENCED_ and the path in capitals with `_`
// for each dot: UNIPRESENCED_GRPC_LISTEN. A PBX's secret comes by UNIPRESENCED_PBX_<NAME>_SECRET,
// where all but letters and digits of the name become `_`. `users_file`, `secret_file` and
// `ca_file` of the file are relative to the folder of the file.

#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "server/config/config.h"
#include "server/config/users_file.h"

namespace unipresence::config {

// Bytes of a configuration or secret file; more is an error and not an attempt.
inline constexpr std::size_t kMaxConfigBytes = std::size_t{1} << 20;
inline constexpr std::size_t kMaxSecretBytes = 1024;

struct Overrides {
  // All of it. An unknown variable that begins with UNIPRESENCED_ is an error, except
  // UNIPRESENCED_CONFIG, which names the file; an empty variable counts as not set.
  std::map<std::string, std::string> environment = {};
  // Path and value; the last one of a path counts.
  std::vector<std::pair<std::string, std::string>> flags = {};
};

// The variables of this process.
std::map<std::string, std::string> SystemEnvironment();

// Reads and checks all of it. INVALID_ARGUMENT lists every error, one a line, with file and line,
// the key, the value and what to write instead: unknown keys, wrong types, values out of range, no
// PBX, two of one name, secret files that cannot be read. NOT_FOUND, PERMISSION_DENIED,
// UNAVAILABLE: the file itself cannot be read.
absl::StatusOr<Config> Load(const std::string& path, const Overrides& overrides = {});

// The same for a text in memory; `name` stands for the file in messages and relative paths.
absl::StatusOr<Config> Parse(std::string_view yaml, const std::string& name,
                             const Overrides& overrides = {});

// The paths of all settings that flags and environment can override, with a line of help each.
struct SettingHelp {
  std::string_view path;
  std::string_view help;
};
std::vector<SettingHelp> Settings();

// The configuration as YAML, defaults filled in; secrets show as "(hidden)".
std::string ToYaml(const Config& config);

// As Load, and the certificates that the configuration names are read (PbxConfig::ca_digest). The
// status of Load, or NOT_FOUND, PERMISSION_DENIED, UNAVAILABLE, INVALID_ARGUMENT of one of them.
absl::StatusOr<Config> LoadWithCertificates(const std::string& path,
                                            const Overrides& overrides = {});

// All that an administrator writes: the configuration and the users of its users file, whose PBXs
// are configured, and the certificates that it names.
struct LoadedConfig {
  Config config;
  std::vector<UserSeed> users;
};
// As LoadWithCertificates, or the status of LoadUsers.
absl::StatusOr<LoadedConfig> LoadAll(const std::string& path, const Overrides& overrides = {});

// What --check-config does: LoadAll, and writes the result to `report`: the effective
// configuration, or every error. OK, or the status that starting with this configuration would end
// with.
absl::Status Check(const std::string& path, const Overrides& overrides, std::string& report);

}  // namespace unipresence::config

#endif  // UNIPRESENCE_SERVER_CONFIG_CONFIG_LOADER_H_
