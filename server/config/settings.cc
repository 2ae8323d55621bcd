#include "server/config/settings.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>

#include "aggregator/base/status_macros.h"

namespace unipresence::config {
namespace {

absl::Status Bad(std::string_view value, std::string_view remedy) {
  return absl::InvalidArgumentError(fmt::format("'{}': {}", value, remedy));
}

bool IsHostCharacter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
         c == '-' || c == '_';
}

bool IsPort(std::string_view text) { return ParseInt(text, 0, 65535).ok(); }

// "host:port" or "[v6]:port".
bool IsHostAndPort(std::string_view value, std::string_view other_port) {
  const std::size_t colon = value.rfind(':');
  if (colon == std::string_view::npos) return false;
  const std::string_view port = value.substr(colon + 1);
  if (!IsPort(port) && (other_port.empty() || port != other_port)) return false;
  std::string_view host = value.substr(0, colon);
  if (host.size() > 2 && host.front() == '[' && host.back() == ']') {
    host = host.substr(1, host.size() - 2);
    return std::all_of(host.begin(), host.end(), [](char c) {
      return c == ':' || c == '.' || c == '%' || IsHostCharacter(c);
    });
  }
  return CheckHost(host).ok();
}

absl::Status SetGrpcListen(Config& config, std::string_view value) {
  const bool is_socket = value.substr(0, 6) == "unix:/" && value.size() > 6;
  if (!is_socket && !IsHostAndPort(value, "")) {
    return Bad(value, "write host:port such as 127.0.0.1:50051, or unix:/path/of/a/socket");
  }
  config.grpc.listen = value;
  return absl::OkStatus();
}

absl::Status SetEndpoint(std::string& endpoint, std::string_view value) {
  constexpr std::string_view kTcp = "tcp://";
  constexpr std::string_view kIpc = "ipc://";
  bool valid = false;
  if (value.substr(0, kTcp.size()) == kTcp) {
    std::string_view rest = value.substr(kTcp.size());
    if (rest.substr(0, 2) == "*:") {  // all interfaces
      const std::string_view port = rest.substr(2);
      valid = port == "*" || IsPort(port);
    } else {
      valid = IsHostAndPort(rest, "*");
    }
  } else if (value.substr(0, kIpc.size()) == kIpc) {
    valid = value.size() > kIpc.size();
  }
  if (!valid) {
    return Bad(value, "write tcp://address:port such as tcp://127.0.0.1:5561, or ipc:///path");
  }
  endpoint = value;
  return absl::OkStatus();
}

absl::Status SetPublish(Config& config, std::string_view value) {
  return SetEndpoint(config.zeromq.publish, value);
}

absl::Status SetSnapshot(Config& config, std::string_view value) {
  return SetEndpoint(config.zeromq.snapshot, value);
}

absl::Status SetMetricsListen(Config& config, std::string_view value) {
  if (!IsHostAndPort(value, "")) return Bad(value, "write address:port such as 127.0.0.1:9464");
  config.metrics.listen = value;
  return absl::OkStatus();
}

absl::Status SetStorePath(Config& config, std::string_view value) {
  if (value.empty()) return Bad(value, "write the path of a file, which is created if need be");
  config.store.path = value;
  return absl::OkStatus();
}

absl::Status SetTimeToLive(Config& config, std::string_view value) {
  UNIPRESENCE_ASSIGN_OR_RETURN(config.sessions.time_to_live_s, ParseInt(value, 1, 86'400));
  return absl::OkStatus();
}

absl::Status SetDeskphoneCall(Config& config, std::string_view value) {
  for (const DeskphoneCall choice : {DeskphoneCall::kEmitted, DeskphoneCall::kAny}) {
    if (value == ToString(choice)) {
      config.fusion.deskphone_call = choice;
      return absl::OkStatus();
    }
  }
  return Bad(value, "write emitted or any");
}

absl::Status SetUsersFile(Config& config, std::string_view value) {
  config.users_file = value;
  return absl::OkStatus();
}

absl::Status SetUsersFileWins(Config& config, std::string_view value) {
  UNIPRESENCE_ASSIGN_OR_RETURN(config.users_file_wins, ParseBool(value));
  return absl::OkStatus();
}

absl::Status SetLogLevel(Config& config, std::string_view value) {
  for (const LogLevel level : {LogLevel::kTrace, LogLevel::kDebug, LogLevel::kInfo,
                               LogLevel::kWarning, LogLevel::kError}) {
    if (value == ToString(level)) {
      config.log.level = level;
      return absl::OkStatus();
    }
  }
  return Bad(value, "write trace, debug, info, warning or error");
}

std::string ShowBool(bool value) { return value ? "true" : "false"; }

constexpr std::array<Setting, 10> kSettings = {{
    {"grpc.listen", "where gRPC is served: host:port (0 = any free one) or unix:/path",
     SetGrpcListen, [](const Config& config) { return Quoted(config.grpc.listen); }},
    {"zeromq.publish", "where followers subscribe: tcp://address:port (* = any free one) or ipc://",
     SetPublish, [](const Config& config) { return Quoted(config.zeromq.publish); }},
    {"zeromq.snapshot", "where followers ask for snapshots, in the same form", SetSnapshot,
     [](const Config& config) { return Quoted(config.zeromq.snapshot); }},
    {"metrics.listen", "where /metrics, /livez and /readyz are served: address:port",
     SetMetricsListen, [](const Config& config) { return Quoted(config.metrics.listen); }},
    {"store.path", "the database file; relative to the working directory", SetStorePath,
     [](const Config& config) { return Quoted(config.store.path); }},
    {"sessions.time_to_live_s", "seconds a session lives without a sign of life, 1 to 86400",
     SetTimeToLive,
     [](const Config& config) { return fmt::to_string(config.sessions.time_to_live_s); }},
    {"fusion.deskphone_call",
     "which calls of the deskphone take precedence over the WebRTC line: emitted or any",
     SetDeskphoneCall,
     [](const Config& config) { return std::string(ToString(config.fusion.deskphone_call)); }},
    {"users_file", "a YAML list of users to begin with; empty = none", SetUsersFile,
     [](const Config& config) { return Quoted(config.users_file); }, true},
    {"users_file_wins",
     "true: what the users file says of known users is taken too; false: only new users are added",
     SetUsersFileWins, [](const Config& config) { return ShowBool(config.users_file_wins); }},
    {"log.level", "trace, debug, info, warning or error", SetLogLevel,
     [](const Config& config) { return std::string(ToString(config.log.level)); }},
}};

}  // namespace

std::string VariableOf(std::string_view path) {
  std::string name(kVariablePrefix);
  for (const char c : path) {
    name += c == '.' ? '_' : (c >= 'a' && c <= 'z') ? static_cast<char>(c - 'a' + 'A') : c;
  }
  return name;
}

std::string Quoted(std::string_view text) {
  std::string quoted = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') quoted += '\\';
    quoted += c;
  }
  return quoted + '"';
}

std::span<const Setting> AllSettings() { return kSettings; }

const Setting* FindSetting(std::string_view path) {
  for (const Setting& setting : kSettings) {
    if (setting.path == path) return &setting;
  }
  return nullptr;
}

absl::StatusOr<bool> ParseBool(std::string_view value) {
  if (value == "true") return true;
  if (value == "false") return false;
  return Bad(value, "write true or false");
}

absl::StatusOr<int> ParseInt(std::string_view value, int low, int high) {
  int number = 0;
  const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), number);
  if (error != std::errc() || end != value.data() + value.size() || number < low || number > high) {
    return Bad(value, fmt::format("write a whole number from {} to {}", low, high));
  }
  return number;
}

absl::Status CheckHost(std::string_view value) {
  if (value.empty() || value.size() > 253 ||
      !std::all_of(value.begin(), value.end(), IsHostCharacter)) {
    return Bad(value, "write a host name or an address");
  }
  return absl::OkStatus();
}

}  // namespace unipresence::config
