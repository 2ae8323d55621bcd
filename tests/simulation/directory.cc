#include "tests/simulation/directory.h"

#include <algorithm>
#include <charconv>
#include <fstream>
#include <utility>

#include "absl/status/status.h"
#include "aggregator/base/status_macros.h"
#include "aggregator/base/strings.h"
#include "fmt/format.h"
#include "sodium.h"
#include "yaml-cpp/yaml.h"

namespace unipresence::simulation {
namespace {

constexpr std::string_view kGeneratedContext = "from-users";
constexpr std::string_view kGeneratedPrefix = "user";
constexpr std::string_view kWebSuffix = "_w";
constexpr std::string_view kTechnology = "PJSIP/";
constexpr UserIndex kFirstNumber = 1000;
constexpr std::string_view kSharedPassword = "password";

std::string_view WithoutTechnology(std::string_view device) {
  if (device.substr(0, kTechnology.size()) == kTechnology) device.remove_prefix(kTechnology.size());
  return device;
}

std::optional<UserIndex> ParseIndex(std::string_view text) {
  UserIndex value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  if (text.size() > 1 && text.front() == '0') return std::nullopt;
  return value;
}

absl::Status Wrong(std::size_t entry, std::string_view problem) {
  return absl::InvalidArgumentError(fmt::format("users file, entry {}: {}", entry + 1, problem));
}

std::string Text(const YAML::Node& entry, const char* field) {
  const YAML::Node node = entry[field];
  return node.IsDefined() && node.IsScalar() ? node.as<std::string>() : std::string();
}

absl::StatusOr<DirectoryUser> ReadUser(const YAML::Node& entry, std::size_t number,
                                       std::string_view pbx) {
  DirectoryUser user;
  user.id = Text(entry, "id");
  user.display_name = Text(entry, "display_name");
  user.exten = Text(entry, "exten");
  user.context = Text(entry, "context");
  user.username = Text(entry, "username");
  user.password = Text(entry, "password");
  if (user.id.empty() || user.exten.empty() || user.context.empty()) {
    return Wrong(number, "id, exten and context are needed");
  }
  const std::optional<LineType> type = ParseLineType(Text(entry, "line_type"));
  if (!type.has_value()) {
    return Wrong(number, "line_type must be " + std::string(kLineTypeChoices));
  }
  user.line_type = *type;
  for (const YAML::Node& line : entry["lines"]) {
    const std::optional<LineKind> kind = ParseLineKind(Text(line, "kind"));
    const std::string device = Text(line, "device");
    if (!kind.has_value() || device.empty()) return Wrong(number, "a line needs kind and device");
    if (!pbx.empty() && Text(line, "pbx") != pbx) continue;
    user.devices.push_back({*kind, std::string(WithoutTechnology(device))});
  }
  return user;
}

// The password field of an entry: its own in a small file, the shared hash in a large one.
absl::StatusOr<std::string> SharedHash() {
  if (sodium_init() < 0) return absl::InternalError("libsodium does not start");
  char hash[crypto_pwhash_STRBYTES];
  if (crypto_pwhash_str(hash, kSharedPassword.data(), kSharedPassword.size(),
                        crypto_pwhash_OPSLIMIT_INTERACTIVE,
                        crypto_pwhash_MEMLIMIT_INTERACTIVE) != 0) {
    return absl::ResourceExhaustedError("no memory to hash the shared password");
  }
  return std::string(hash);
}

}  // namespace

Directory Directory::Generated(std::size_t count) {
  Directory directory;
  directory.generated_ = true;
  directory.generated_count_ = count;
  return directory;
}

absl::StatusOr<Directory> Directory::FromUsersFile(const std::string& path, std::string_view pbx) {
  Directory directory;
  try {
    const YAML::Node root = YAML::LoadFile(path);
    if (!root.IsSequence()) {
      return absl::InvalidArgumentError(fmt::format("{} is no YAML list of users", path));
    }
    for (std::size_t i = 0; i < root.size(); ++i) {
      UNIPRESENCE_ASSIGN_OR_RETURN(DirectoryUser user, ReadUser(root[i], i, pbx));
      UNIPRESENCE_RETURN_IF_ERROR(directory.Add(std::move(user)));
    }
  } catch (const YAML::BadFile&) {
    return absl::NotFoundError(fmt::format("cannot open the users file {}", path));
  } catch (const YAML::Exception& error) {
    return absl::InvalidArgumentError(fmt::format("{}: {}", path, error.what()));
  }
  return directory;
}

absl::Status Directory::Add(DirectoryUser user) {
  const auto owner = static_cast<UserIndex>(users_.size());
  if (!by_number_.emplace(fmt::format("{}/{}", user.context, user.exten), owner).second) {
    return Wrong(owner, fmt::format("number {} exists twice in {}", user.exten, user.context));
  }
  std::sort(user.devices.begin(), user.devices.end(),
            [](const auto& a, const auto& b) { return a.kind < b.kind; });
  std::vector<EndpointId> own;
  for (const DirectoryUser::Device& device : user.devices) {
    const auto id = static_cast<EndpointId>(endpoints_.size());
    if (!by_name_.emplace(device.name, id).second) {
      return Wrong(owner, fmt::format("device {} exists twice", device.name));
    }
    endpoints_.push_back({owner, device.name});
    own.push_back(id);
  }
  endpoints_of_.push_back(std::move(own));
  users_.push_back(std::move(user));
  return absl::OkStatus();
}

DirectoryUser Directory::User(UserIndex user) const {
  if (!generated_) return users_[user];
  DirectoryUser made;
  made.id = fmt::format("{}{}", kGeneratedPrefix, user);
  made.display_name = fmt::format("User {}", user);
  made.exten = std::to_string(kFirstNumber + user);
  made.context = kGeneratedContext;
  made.username = made.id;
  made.password = fmt::format("password-{}", user);
  made.devices = {{LineKind::kDeskphone, EndpointName(2 * user)},
                  {LineKind::kWebrtc, EndpointName(2 * user + 1)}};
  return made;
}

UserIndex Directory::OwnerOf(EndpointId endpoint) const {
  return generated_ ? endpoint / 2 : endpoints_[endpoint].owner;
}

std::vector<EndpointId> Directory::EndpointsOf(UserIndex user) const {
  return generated_ ? std::vector<EndpointId>{2 * user, 2 * user + 1} : endpoints_of_[user];
}

std::string Directory::EndpointName(EndpointId endpoint) const {
  if (!generated_) return endpoints_[endpoint].name;
  std::string name(kGeneratedPrefix);
  name += std::to_string(endpoint / 2);
  if (endpoint % 2 == 1) name += kWebSuffix;
  return name;
}

std::optional<EndpointId> Directory::FindEndpoint(std::string_view device) const {
  const std::string_view name = WithoutTechnology(device);
  if (!generated_) {
    const auto found = by_name_.find(std::string(name));
    return found == by_name_.end() ? std::nullopt : std::optional(found->second);
  }
  if (name.substr(0, kGeneratedPrefix.size()) != kGeneratedPrefix) return std::nullopt;
  std::string_view digits = name.substr(kGeneratedPrefix.size());
  EndpointId web = 0;
  if (digits.size() > kWebSuffix.size() &&
      digits.substr(digits.size() - kWebSuffix.size()) == kWebSuffix) {
    digits.remove_suffix(kWebSuffix.size());
    web = 1;
  }
  const std::optional<UserIndex> user = ParseIndex(digits);
  if (!user.has_value() || *user >= generated_count_) return std::nullopt;
  return 2 * *user + web;
}

std::optional<UserIndex> Directory::FindNumber(std::string_view context,
                                               std::string_view exten) const {
  if (!generated_) {
    const auto found = by_number_.find(fmt::format("{}/{}", context, exten));
    return found == by_number_.end() ? std::nullopt : std::optional(found->second);
  }
  const std::optional<UserIndex> number = ParseIndex(exten);
  if (context != kGeneratedContext || !number.has_value() || *number < kFirstNumber ||
      *number - kFirstNumber >= generated_count_) {
    return std::nullopt;
  }
  return *number - kFirstNumber;
}

absl::Status WriteUsersFile(const Directory& directory, std::string_view pbx,
                            const std::string& path, std::size_t hash_from) {
  std::string shared;
  if (directory.user_count() >= hash_from) {
    UNIPRESENCE_ASSIGN_OR_RETURN(shared, SharedHash());
  }
  std::ofstream file(path, std::ios::trunc);
  for (UserIndex i = 0; i < directory.user_count(); ++i) {
    const DirectoryUser user = directory.User(i);
    file << fmt::format(
        R"(- {{id: "{}", display_name: "{}", exten: "{}", context: "{}", line_type: {}, username: "{}", )",
        user.id, user.display_name, user.exten, user.context, unipresence::ToString(user.line_type),
        user.username);
    if (shared.empty()) {
      file << fmt::format(R"(password: "{}", lines: [)", user.password);
    } else {
      file << fmt::format(R"(password_hash: "{}", lines: [)", shared);
    }
    std::string_view comma;
    for (const DirectoryUser::Device& device : user.devices) {
      file << fmt::format("{}{{kind: {}, pbx: \"{}\", device: \"PJSIP/{}\"}}", comma,
                          device.kind == LineKind::kDeskphone ? "deskphone" : "webrtc", pbx,
                          device.name);
      comma = ", ";
    }
    file << "]}\n";
  }
  file.close();
  if (!file) return absl::UnavailableError(fmt::format("cannot write the users file {}", path));
  return absl::OkStatus();
}

}  // namespace unipresence::simulation
