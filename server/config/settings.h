#ifndef UNIPRESENCE_SERVER_CONFIG_SETTINGS_H_
#define UNIPRESENCE_SERVER_CONFIG_SETTINGS_H_

// The table of settings that have one value each: what file, environment and flags may name, and
// what each value must look like. PBXs, which are a list, are read by pbx_section.h.

#include <span>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "server/config/config.h"

namespace unipresence::config {

// What begins the names of all environment variables of the server.
inline constexpr std::string_view kVariablePrefix = "UNIPRESENCED_";

struct Setting {
  std::string_view path;  // "section.key", or "key" at the top level
  std::string_view help;
  // Sets it. INVALID_ARGUMENT tells the value and what to write instead.
  absl::Status (*apply)(Config& config, std::string_view value);
  // Its value as YAML.
  std::string (*show)(const Config& config);
  bool is_input_path = false;  // of a file to read: in the file, relative to the file's folder
};

std::span<const Setting> AllSettings();

// Null if there is none.
const Setting* FindSetting(std::string_view path);

// The environment variable: UNIPRESENCED_GRPC_LISTEN for "grpc.listen".
std::string VariableOf(std::string_view path);

// A YAML scalar in double quotes.
std::string Quoted(std::string_view text);

// --- Values that PBXs share with the table ---
absl::StatusOr<bool> ParseBool(std::string_view value);  // true, false
absl::StatusOr<int> ParseInt(std::string_view value, int low, int high);
// A host name or address without port.
absl::Status CheckHost(std::string_view value);

}  // namespace unipresence::config

#endif  // UNIPRESENCE_SERVER_CONFIG_SETTINGS_H_
