#include "server/config/config_loader.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <utility>

#include "aggregator/base/status_macros.h"
#include "aggregator/base/strings.h"
#include "server/config/errors.h"
#include "server/config/pbx_section.h"
#include "server/config/read_file.h"
#include "server/config/settings.h"
#include "server/config/users_file.h"
#include "server/config/yaml_node.h"

extern char** environ;

namespace unipresence::config {
namespace {

// The program's own: names the file, so it is none of its settings.
constexpr std::string_view kConfigVariable = "UNIPRESENCED_CONFIG";

// Relative paths of the file are relative to its folder.
std::string Resolve(const std::string& file, std::string_view path) {
  if (path.empty()) return {};
  const std::filesystem::path given{std::string(path)};
  return given.is_absolute() ? given.string()
                             : (std::filesystem::path(file).parent_path() / given).string();
}

class Loader {
 public:
  Loader(std::string file, const Overrides& overrides)
      : file_(std::move(file)), overrides_(overrides), errors_(file_) {}

  absl::StatusOr<Config> Load(std::string_view yaml) {
    UNIPRESENCE_ASSIGN_OR_RETURN(const YamlNode document, ParseYaml(yaml, file_));
    ReadDocument(document);
    ApplyEnvironment();
    ApplyFlags();
    if (config_.zeromq.publish == config_.zeromq.snapshot &&
        config_.zeromq.publish.substr(config_.zeromq.publish.size() - 2) != ":*") {
      errors_.Add(fmt::format("zeromq.publish and zeromq.snapshot are both '{}'; give each its own",
                              config_.zeromq.publish));
    }
    if (config_.pbxs.empty() && errors_.empty()) {
      errors_.Add(
          fmt::format("{}: no PBX is configured, so there is nothing to listen to; write "
                      "pbx: [{{name: main, host: 192.0.2.10, username: unipresence, "
                      "secret_file: FILE}}]",
                      file_));
    }
    UNIPRESENCE_RETURN_IF_ERROR(errors_.ToStatus());
    return std::move(config_);
  }

 private:
  void ReadDocument(const YamlNode& document) {
    if (document.kind == YamlNode::Kind::kNull) return;
    if (document.kind != YamlNode::Kind::kMap) {
      errors_.Add(document.line, "a configuration is a map, such as 'grpc: {listen: ...}'");
      return;
    }
    for (std::size_t i = 0; i < document.items.size(); ++i) {
      const std::string& key = document.keys[i];
      const YamlNode& value = document.items[i];
      if (key == "pbx") {
        config_.pbxs = ReadPbxs(value,
                                {[this](std::string_view path) { return Resolve(file_, path); },
                                 overrides_.environment},
                                errors_);
      } else if (FindSetting(key) != nullptr) {
        ApplyNode(*FindSetting(key), value);
      } else if (IsSection(key)) {
        ReadSection(key, value);
      } else {
        errors_.Add(value.line,
                    fmt::format("unknown key '{}'; known keys: pbx, {}", key, KnownKeys("")));
      }
    }
  }

  void ReadSection(const std::string& section, const YamlNode& node) {
    if (node.kind == YamlNode::Kind::kNull) return;
    if (node.kind != YamlNode::Kind::kMap) {
      errors_.Add(node.line,
                  fmt::format("{}: write a map with the keys {}", section, KnownKeys(section)));
      return;
    }
    for (std::size_t i = 0; i < node.items.size(); ++i) {
      const std::string path = section + "." + node.keys[i];
      if (const Setting* setting = FindSetting(path)) {
        ApplyNode(*setting, node.items[i]);
      } else {
        errors_.Add(node.items[i].line, fmt::format("unknown key '{}'; known keys of {}: {}", path,
                                                    section, KnownKeys(section)));
      }
    }
  }

  void ApplyNode(const Setting& setting, const YamlNode& value) {
    if (value.kind != YamlNode::Kind::kScalar) {
      errors_.Add(value.line, fmt::format("{}: give one value, or remove the key", setting.path));
      return;
    }
    const std::string text = setting.is_input_path ? Resolve(file_, value.scalar) : value.scalar;
    if (absl::Status status = setting.apply(config_, text); !status.ok()) {
      errors_.Add(value.line, fmt::format("{} {}", setting.path, FromAbsl(status.message())));
    }
  }

  void ApplyEnvironment() {
    std::vector<std::string> known = {std::string(kConfigVariable)};
    for (const PbxConfig& pbx : config_.pbxs) known.push_back(SecretVariable(pbx.name));
    for (const Setting& setting : AllSettings()) {
      known.push_back(VariableOf(setting.path));
      const auto variable = overrides_.environment.find(known.back());
      // An empty variable is how compose files and units pass "not set".
      if (variable == overrides_.environment.end() || variable->second.empty()) continue;
      if (absl::Status status = setting.apply(config_, variable->second); !status.ok()) {
        errors_.Add(
            fmt::format("environment variable {} {}", variable->first, FromAbsl(status.message())));
      }
    }
    for (const auto& [name, value] : overrides_.environment) {
      if (!name.starts_with(kVariablePrefix)) continue;
      if (std::find(known.begin(), known.end(), name) == known.end()) {
        errors_.Add(fmt::format("unknown environment variable {}; known ones: {}", name,
                                fmt::join(known, ", ")));
      }
    }
  }

  void ApplyFlags() {
    for (const auto& [path, value] : overrides_.flags) {
      const Setting* setting = FindSetting(path);
      if (setting == nullptr) {
        std::vector<std::string_view> paths;
        for (const Setting& known : AllSettings()) paths.push_back(known.path);
        errors_.Add(fmt::format("command line: unknown setting '{}'; known ones: {}", path,
                                fmt::join(paths, ", ")));
      } else if (absl::Status status = setting->apply(config_, value); !status.ok()) {
        errors_.Add(fmt::format("command line: {} {}", path, FromAbsl(status.message())));
      }
    }
  }

  static bool IsSection(std::string_view name) {
    return std::any_of(AllSettings().begin(), AllSettings().end(), [&](const Setting& setting) {
      return setting.path.size() > name.size() && setting.path[name.size()] == '.' &&
             setting.path.substr(0, name.size()) == name;
    });
  }

  // The keys of a section; the top-level keys but pbx if it is empty.
  static std::string KnownKeys(std::string_view section) {
    std::vector<std::string_view> keys;
    for (const Setting& setting : AllSettings()) {
      std::string_view key = setting.path;
      if (section.empty()) {
        key = key.substr(0, key.find('.'));
      } else if (key.size() > section.size() && key[section.size()] == '.' &&
                 key.substr(0, section.size()) == section) {
        key = key.substr(section.size() + 1);
      } else {
        continue;
      }
      if (std::find(keys.begin(), keys.end(), key) == keys.end()) keys.push_back(key);
    }
    return fmt::format("{}", fmt::join(keys, ", "));
  }

  std::string file_;
  const Overrides& overrides_;
  ErrorList errors_;
  Config config_;
};

// "grpc" of "grpc.listen"; empty for a key at the top level.
std::string_view SectionOf(std::string_view path) {
  const std::size_t dot = path.find('.');
  return dot == std::string_view::npos ? std::string_view() : path.substr(0, dot);
}

}  // namespace

std::map<std::string, std::string> SystemEnvironment() {
  std::map<std::string, std::string> environment;
  for (char** entry = environ; entry != nullptr && *entry != nullptr; ++entry) {
    const std::string_view text(*entry);
    const std::size_t equals = text.find('=');
    if (equals == std::string_view::npos) continue;
    environment.emplace(text.substr(0, equals), text.substr(equals + 1));
  }
  return environment;
}

absl::StatusOr<Config> Load(const std::string& path, const Overrides& overrides) {
  UNIPRESENCE_ASSIGN_OR_RETURN(const std::string yaml, ReadFile(path, kMaxConfigBytes));
  return Loader(path, overrides).Load(yaml);
}

absl::StatusOr<Config> Parse(std::string_view yaml, const std::string& name,
                             const Overrides& overrides) {
  if (yaml.size() > kMaxConfigBytes) {
    return absl::InvalidArgumentError(
        fmt::format("{}: larger than {} bytes", name, kMaxConfigBytes));
  }
  return Loader(name, overrides).Load(yaml);
}

std::vector<SettingHelp> Settings() {
  std::vector<SettingHelp> settings;
  for (const Setting& setting : AllSettings()) settings.push_back({setting.path, setting.help});
  return settings;
}

std::string ToYaml(const Config& config) {
  std::string yaml = config.pbxs.empty() ? "pbx: []\n" : "pbx:\n";
  for (const PbxConfig& pbx : config.pbxs) {
    yaml += fmt::format(
        "  - name: {}\n    host: {}\n    port: {}\n    username: {}\n    secret: \"(hidden)\"\n"
        "    tls: {{enabled: {}, ca_file: {}, verify: {}}}\n    write_back: {}\n    "
        "configuration_folder: {}\n",
        Quoted(pbx.name), Quoted(pbx.host), pbx.port, Quoted(pbx.username), pbx.tls.enabled,
        Quoted(pbx.tls.ca_file), pbx.tls.verify, pbx.write_back, Quoted(pbx.configuration_folder));
  }
  std::string_view open;  // section
  for (const Setting& setting : AllSettings()) {
    const std::string_view section = SectionOf(setting.path);
    if (!open.empty() && section != open) yaml += "}\n";
    const std::string value = setting.show(config);
    if (section.empty()) {
      yaml += fmt::format("{}: {}\n", setting.path, value);
    } else {
      const std::string_view key = setting.path.substr(section.size() + 1);
      yaml += section == open ? fmt::format(", {}: {}", key, value)
                              : fmt::format("{}: {{{}: {}", section, key, value);
    }
    open = section;
  }
  if (!open.empty()) yaml += "}\n";
  return yaml;
}

absl::StatusOr<Config> LoadWithCertificates(const std::string& path, const Overrides& overrides) {
  UNIPRESENCE_ASSIGN_OR_RETURN(Config config, Load(path, overrides));
  for (PbxConfig& pbx : config.pbxs) {
    if (pbx.tls.ca_file.empty()) continue;
    UNIPRESENCE_ASSIGN_OR_RETURN(const std::string certificates,
                                 ReadFile(pbx.tls.ca_file, kMaxConfigBytes));
    pbx.ca_digest = std::hash<std::string>()(certificates);
  }
  return config;
}

absl::StatusOr<LoadedConfig> LoadAll(const std::string& path, const Overrides& overrides) {
  LoadedConfig loaded;
  UNIPRESENCE_ASSIGN_OR_RETURN(loaded.config, LoadWithCertificates(path, overrides));
  if (loaded.config.users_file.empty()) return loaded;
  std::vector<std::string> names;
  for (const PbxConfig& pbx : loaded.config.pbxs) names.push_back(pbx.name);
  UNIPRESENCE_ASSIGN_OR_RETURN(loaded.users, LoadUsers(loaded.config.users_file, names));
  return loaded;
}

absl::Status Check(const std::string& path, const Overrides& overrides, std::string& report) {
  const absl::StatusOr<LoadedConfig> loaded = LoadAll(path, overrides);
  if (!loaded.ok()) {
    report = fmt::format("{}\n", FromAbsl(loaded.status().message()));
    return loaded.status();
  }
  report = ToYaml(loaded->config);
  if (!loaded->config.users_file.empty()) {
    report += fmt::format("# {} users in {}\n", loaded->users.size(), loaded->config.users_file);
  }
  report += "# configuration OK\n";
  return absl::OkStatus();
}

}  // namespace unipresence::config
