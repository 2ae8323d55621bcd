#include "server/config/pbx_section.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <optional>

#include "aggregator/base/strings.h"
#include "aggregator/base/valid_text.h"
#include "server/config/config_loader.h"
#include "server/config/read_file.h"
#include "server/config/settings.h"

namespace unipresence::config {
namespace {

constexpr std::uint16_t kAmiPort = 5038;
constexpr std::uint16_t kAmiTlsPort = 5039;
constexpr std::size_t kMaxNameBytes = 64;

constexpr std::array<Key, 9> kPbxKeys = {{
    {"name", "main", "unique; lines of users name it. 1 to 64 of A-Z a-z 0-9 . _ @ -",
     Key::Use::kNeeded},
    {"host", "192.0.2.10", "name or address", Key::Use::kNeeded},
    {"port", "5038", "of AMI; without it 5038, and 5039 with tls"},
    {"username", "unipresence", "of the manager account (manager.conf)", Key::Use::kNeeded},
    {"secret", "hush", "the secret itself; better in a file", Key::Use::kInstead},
    {"secret_file", "main.secret",
     "a file with the account's secret, relative to this file; or the environment variable "
     "UNIPRESENCED_PBX_<NAME>_SECRET, which beats both",
     Key::Use::kNeeded},
    {"tls", "{enabled: false, ca_file: \"\", verify: true}", "true, false, or a map"},
    {"write_back", "true",
     "tell it where calls ring, in its AstDB, and the presence as custom device states; false: "
     "only listen"},
    {"configuration_folder", "\"\"",
     "where the files that Asterisk includes are written, as this machine sees the folder, "
     "relative to this file; empty = nowhere"},
}};

constexpr std::array<Key, 3> kTlsKeys = {{
    {"enabled", "false", "true or false; a map without it says true"},
    {"ca_file", "\"\"",
     "PEM of who may sign the certificate, relative to this file; empty = the system's list"},
    {"verify", "true", "check the certificate and that it names the host"},
}};

bool IsKey(std::span<const Key> keys, std::string_view name) {
  return std::any_of(keys.begin(), keys.end(), [&](const Key& key) { return key.name == name; });
}

bool IsName(std::string_view text) {
  return !text.empty() && text.size() <= kMaxNameBytes &&
         std::all_of(text.begin(), text.end(), [](char c) {
           return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                  c == '.' || c == '_' || c == '@' || c == '-';
         });
}

// AMI is a protocol of lines: a control character in a value would end it.
bool IsLineText(std::string_view text) { return !text.empty() && IsValidText(text); }

bool IsIpv6Address(std::string_view text) {
  return std::count(text.begin(), text.end(), ':') >= 2 &&
         text.find_first_not_of("0123456789abcdefABCDEF:.") == std::string_view::npos;
}

// Reads one PBX; keys in the order of the struct.
class PbxReader {
 public:
  PbxReader(const PbxContext& context, ErrorList& errors) : context_(context), errors_(errors) {}

  PbxConfig Read(const YamlNode& node) {
    pbx_.port = 0;
    if (node.kind != YamlNode::Kind::kMap) {
      errors_.Add(node.line,
                  "pbx: each item is a map: {name: main, host: 127.0.0.1, username: "
                  "unipresence, secret_file: FILE}");
      return pbx_;
    }
    for (std::size_t i = 0; i < node.items.size(); ++i) ReadKey(node.keys[i], node.items[i]);
    Finish(node.line);
    return pbx_;
  }

 private:
  void ReadKey(const std::string& key, const YamlNode& value) {
    if (key == "tls") return ReadTls(value);
    if (!IsKey(kPbxKeys, key)) {
      errors_.Add(value.line,
                  fmt::format("unknown key 'pbx.{}'; known keys: {}", key, NamesOf(kPbxKeys)));
      return;
    }
    if (value.kind != YamlNode::Kind::kScalar) {
      errors_.Add(value.line, fmt::format("pbx.{}: give one value", key));
      return;
    }
    const std::string& text = value.scalar;
    if (key == "name") {
      pbx_.name = text;
    } else if (key == "host") {
      pbx_.host = text;
      if (!IsIpv6Address(text)) Note(value.line, "pbx.host", CheckHost(text));
    } else if (key == "port") {
      const auto port = ParseInt(text, 1, 65535);
      Note(value.line, "pbx.port", port.status());
      if (port.ok()) pbx_.port = static_cast<std::uint16_t>(*port);
    } else if (key == "username") {
      pbx_.username = text;
    } else if (key == "configuration_folder") {
      if (!text.empty()) pbx_.configuration_folder = context_.resolve(text);
    } else if (key == "write_back") {
      const auto enabled = ParseBool(text);
      Note(value.line, "pbx.write_back", enabled.status());
      if (enabled.ok()) pbx_.write_back = *enabled;
    } else if (key == "secret") {
      secret_ = text;
    } else {
      secret_file_ = text;
      secret_file_line_ = value.line;
    }
  }

  void ReadTls(const YamlNode& node) {
    if (node.kind == YamlNode::Kind::kScalar) {
      const auto enabled = ParseBool(node.scalar);
      Note(node.line, "pbx.tls", enabled.status());
      if (enabled.ok()) pbx_.tls.enabled = *enabled;
      return;
    }
    if (node.kind != YamlNode::Kind::kMap) {
      errors_.Add(node.line, "pbx.tls: write true, false or {ca_file: FILE, verify: true}");
      return;
    }
    pbx_.tls.enabled = true;  // whoever sets something of it wants it
    for (std::size_t i = 0; i < node.items.size(); ++i) {
      const std::string& key = node.keys[i];
      const YamlNode& value = node.items[i];
      if (value.kind != YamlNode::Kind::kScalar) {
        errors_.Add(value.line, fmt::format("pbx.tls.{}: give one value", key));
      } else if (key == "ca_file") {
        pbx_.tls.ca_file = context_.resolve(value.scalar);
      } else if (key == "enabled" || key == "verify") {
        const auto parsed = ParseBool(value.scalar);
        Note(value.line, "pbx.tls." + key, parsed.status());
        if (parsed.ok()) (key == "verify" ? pbx_.tls.verify : pbx_.tls.enabled) = *parsed;
      } else {
        errors_.Add(value.line, fmt::format("unknown key 'pbx.tls.{}'; known keys: {}", key,
                                            NamesOf(kTlsKeys)));
      }
    }
  }

  void Finish(int line) {
    if (!IsName(pbx_.name)) {
      errors_.Add(line,
                  fmt::format("pbx.name '{}': use 1 to {} of the characters A-Z a-z 0-9 . _ @ -",
                              pbx_.name, kMaxNameBytes));
    }
    if (pbx_.host.empty()) {
      errors_.Add(line, fmt::format("pbx '{}': host is missing; give the PBX's name or address",
                                    pbx_.name));
    }
    if (!IsLineText(pbx_.username)) {
      errors_.Add(line, fmt::format("pbx '{}': username is missing or has control characters; give "
                                    "the one of manager.conf",
                                    pbx_.name));
    }
    if (pbx_.port == 0) pbx_.port = pbx_.tls.enabled ? kAmiTlsPort : kAmiPort;
    ReadSecret(line);
  }

  void ReadSecret(int line) {
    const std::string variable = SecretVariable(pbx_.name);
    const auto from_environment = context_.environment.find(variable);
    const bool is_set =
        from_environment != context_.environment.end() && !from_environment->second.empty();
    if (secret_.has_value() && secret_file_.has_value()) {
      errors_.Add(
          line, fmt::format("pbx '{}': secret and secret_file are both set; keep one", pbx_.name));
      return;
    }
    if (is_set) {
      pbx_.secret = from_environment->second;
    } else if (secret_.has_value()) {
      pbx_.secret = *secret_;
    } else if (secret_file_.has_value()) {
      const std::string path = context_.resolve(*secret_file_);
      auto content = ReadFile(path, kMaxSecretBytes);
      if (!content.ok()) {
        Note(secret_file_line_, "pbx.secret_file", content.status());
        return;
      }
      pbx_.secret = *std::move(content);
      while (!pbx_.secret.empty() && (pbx_.secret.back() == '\n' || pbx_.secret.back() == '\r')) {
        pbx_.secret.pop_back();
      }
    } else {
      errors_.Add(line,
                  fmt::format("pbx '{}': give secret, secret_file or the environment variable "
                              "{}",
                              pbx_.name, variable));
      return;
    }
    if (!IsLineText(pbx_.secret) || pbx_.secret.size() > kMaxSecretBytes) {
      errors_.Add(line, fmt::format("pbx '{}': the secret is empty, longer than {} bytes or has "
                                    "control characters",
                                    pbx_.name, kMaxSecretBytes));
    }
  }

  void Note(int line, std::string_view key, const absl::Status& status) {
    if (!status.ok()) errors_.Add(line, fmt::format("{} {}", key, FromAbsl(status.message())));
  }

  const PbxContext& context_;
  ErrorList& errors_;
  PbxConfig pbx_;
  std::optional<std::string> secret_;
  std::optional<std::string> secret_file_;
  int secret_file_line_ = 0;
};

}  // namespace

std::span<const Key> PbxKeys() { return kPbxKeys; }
std::span<const Key> TlsKeys() { return kTlsKeys; }

std::string SecretVariable(std::string_view pbx_name) {
  std::string name(pbx_name);
  for (char& c : name) {
    if (c >= 'a' && c <= 'z') {
      c = static_cast<char>(c - 'a' + 'A');
    } else if (!(c >= 'A' && c <= 'Z') && !(c >= '0' && c <= '9')) {
      c = '_';
    }
  }
  return fmt::format("{}PBX_{}_SECRET", kVariablePrefix, name);
}

std::vector<PbxConfig> ReadPbxs(const YamlNode& node, const PbxContext& context,
                                ErrorList& errors) {
  std::vector<PbxConfig> pbxs;
  if (node.kind == YamlNode::Kind::kNull) return pbxs;
  if (node.kind != YamlNode::Kind::kSequence) {
    errors.Add(node.line, "pbx: write a list, each item starting with '- '");
    return pbxs;
  }
  for (const YamlNode& item : node.items) {
    PbxConfig pbx = PbxReader(context, errors).Read(item);
    const bool is_twice = std::any_of(pbxs.begin(), pbxs.end(), [&](const PbxConfig& other) {
      return !pbx.name.empty() && other.name == pbx.name;
    });
    if (is_twice) {
      errors.Add(item.line,
                 fmt::format("pbx.name '{}': another PBX has it; choose another", pbx.name));
    }
    pbxs.push_back(std::move(pbx));
  }
  return pbxs;
}

}  // namespace unipresence::config
