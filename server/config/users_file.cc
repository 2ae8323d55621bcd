#include "server/config/users_file.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <filesystem>
#include <iterator>
#include <optional>
#include <system_error>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "aggregator/base/status_macros.h"
#include "aggregator/base/strings.h"
#include "server/auth/digest.h"
#include "server/auth/password.h"
#include "server/config/errors.h"
#include "server/config/read_file.h"
#include "server/config/yaml_node.h"

namespace unipresence::config {
namespace {

constexpr std::array<Key, 12> kUserKeys = {{
    {"id", "alice",
     "unique, for ever: programs know the user by it. 1 to 64 of A-Z a-z 0-9 . _ @ -",
     Key::Use::kNeeded},
    {"display_name", "Alice Martin", "without it the id"},
    {"exten", "\"1001\"", "the number that colleagues dial; unique in its context",
     Key::Use::kNeeded},
    {"context", "default", "where the user's phones dial, in Asterisk's dialplan",
     Key::Use::kNeeded},
    {"line_type", "unique_account", kLineTypeChoices, Key::Use::kNeeded},
    {"username", "alice", "to log in with; unique in any case", Key::Use::kNeeded},
    {"password", "correct horse battery", "8 to 128 bytes of text; without one nobody can log in"},
    {"password_hash", "$argon2id$v=19$...", "what `unipresenced hash-password` prints",
     Key::Use::kInstead},
    {"role", "user", "user or administrator"},
    {"ring_seconds", "30", "before the no-answer forwarding; 5 to 300, a multiple of 5"},
    {"voicemail", "", "a box of Asterisk; only the number is needed"},
    {"lines", "", "the devices: a deskphone, a WebRTC line, or one of each", Key::Use::kNeeded},
}};

constexpr std::array<Key, 5> kVoicemailKeys = {{
    {"number", "\"1001\"", "of the box; unique in its context", Key::Use::kNeeded},
    {"context", "default", "of voicemail.conf"},
    {"name", "Alice Martin", "without it the user's"},
    {"password", "\"4711\"", "to hear the box with, at a phone"},
    {"email", "alice@example.org", "who is told of a message"},
}};

constexpr std::array<Key, 5> kLineKeys = {{
    {"kind", "deskphone", kLineKindChoices, Key::Use::kNeeded},
    {"pbx", "main", "a PBX of the configuration", Key::Use::kNeeded},
    {"device", "PJSIP/alice", "as Asterisk names it; unique on the PBX", Key::Use::kNeeded},
    {"sip_username", "alice",
     "the account the phone registers with, for the configuration that is made for Asterisk; "
     "without it the account is Asterisk's own affair"},
    {"sip_secret", "a-secret-of-the-phone", "of that account"},
}};

std::string LowerCase(std::string_view text) {
  std::string lower(text);
  for (char& c : lower) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return lower;
}

class UsersReader {
 public:
  UsersReader(const std::string& name, std::span<const std::string> known_pbxs)
      : known_pbxs_(known_pbxs), errors_(name) {}

  void ReadRow(const YamlNode& node) {
    ++row_;
    id_.clear();
    line_ = node.line;
    const std::size_t errors_before = errors_.count();
    if (node.kind != YamlNode::Kind::kMap) {
      return Error(node.line, fmt::format("a user is a map with the keys {}", NamesOf(kUserKeys)));
    }
    if (const YamlNode* id = Find(node, "id"); id != nullptr) id_ = id->scalar;
    UserSeed seed;
    for (std::size_t i = 0; i < node.items.size(); ++i) {
      ReadKey(node.keys[i], node.items[i], seed);
    }
    CheckNeeded(node, kUserKeys, "");
    if (seed.user.display_name.empty()) seed.user.display_name = seed.user.id;
    if (!seed.password.empty() && !seed.password_hash.empty()) {
      Error(node.line, "password and password_hash are both set; keep one");
    }
    if (errors_.count() == errors_before) {
      if (absl::Status status = ValidateUser(seed.user); !status.ok()) {
        Error(node.line, FromAbsl(status.message()));
      }
    }
    CheckUnique(seed.user);
    seeds_.push_back(std::move(seed));
  }

  absl::StatusOr<std::vector<UserSeed>> Finish() {
    UNIPRESENCE_RETURN_IF_ERROR(errors_.ToStatus());
    return std::move(seeds_);
  }

  // Adds an error of the file as a whole behind those of its rows.
  void NoteBroken(const absl::Status& status) { errors_.Add(FromAbsl(status.message())); }

 private:
  static const YamlNode* Find(const YamlNode& map, std::string_view key) {
    const auto found = std::find(map.keys.begin(), map.keys.end(), key);
    return found == map.keys.end() ? nullptr
                                   : &map.items[static_cast<std::size_t>(found - map.keys.begin())];
  }

  void CheckNeeded(const YamlNode& node, std::span<const Key> keys, std::string_view parent) {
    for (const Key& key : keys) {
      if (key.use == Key::Use::kNeeded && Find(node, key.name) == nullptr) {
        Error(node.line, fmt::format("{}{} is missing", parent, key.name));
      }
    }
  }

  void ReadKey(const std::string& key, const YamlNode& value, UserSeed& seed) {
    if (key == "lines") return ReadLines(value, seed.user);
    if (key == "voicemail") return ReadVoicemail(value, seed.user);
    if (value.kind != YamlNode::Kind::kScalar) {
      return Error(value.line, fmt::format("{}: give one value, or remove the key", key));
    }
    const std::string& text = value.scalar;
    if (key == "id") {
      seed.user.id = text;
    } else if (key == "display_name") {
      seed.user.display_name = text;
    } else if (key == "exten") {
      seed.user.exten = text;
    } else if (key == "context") {
      seed.user.context = text;
    } else if (key == "username") {
      seed.user.username = text;
    } else if (key == "line_type") {
      Choose(value, key, ParseLineType(text), kLineTypeChoices, seed.user.line_type);
    } else if (key == "role") {
      Choose(value, key, ParseRole(text), "user or administrator", seed.user.role);
    } else if (key == "ring_seconds") {
      ReadRingSeconds(value, seed.user);
    } else if (key == "password") {
      ReadPassword(value, seed);
    } else if (key == "password_hash") {
      seed.password_hash = text;
      if (absl::Status status = auth::ValidatePasswordHash(text); !status.ok()) {
        Error(value.line, fmt::format("password_hash: {}", FromAbsl(status.message())));
      }
    } else {
      Error(value.line, fmt::format("unknown key '{}'; known keys: {}", key, NamesOf(kUserKeys)));
    }
  }

  void ReadPassword(const YamlNode& value, UserSeed& seed) {
    seed.password = value.scalar;
    if (absl::Status status = auth::ValidatePassword(seed.password); !status.ok()) {
      Error(value.line, FromAbsl(status.message()));
    }
  }

  void ReadRingSeconds(const YamlNode& value, User& user) {
    const char* end = value.scalar.data() + value.scalar.size();
    const auto [stop, error] = std::from_chars(value.scalar.data(), end, user.ring_seconds);
    if (error != std::errc() || stop != end) {
      Error(value.line, fmt::format("ring_seconds '{}': write a number", value.scalar));
    }
  }

  void ReadVoicemail(const YamlNode& node, User& user) {
    if (node.kind != YamlNode::Kind::kMap) {
      return Error(node.line, "voicemail: write a map: {number: 1001, email: alice@example.org}");
    }
    Voicemail& box = user.voicemail.emplace();
    const std::pair<std::string_view, std::string*> fields[] = {{"number", &box.number},
                                                                {"context", &box.context},
                                                                {"name", &box.name},
                                                                {"password", &box.password},
                                                                {"email", &box.email}};
    for (std::size_t i = 0; i < node.items.size(); ++i) {
      const auto* field =
          std::find_if(std::begin(fields), std::end(fields),
                       [&](const auto& known) { return known.first == node.keys[i]; });
      if (field == std::end(fields)) {
        Error(node.items[i].line, fmt::format("unknown key 'voicemail.{}'; known keys: {}",
                                              node.keys[i], NamesOf(kVoicemailKeys)));
      } else if (node.items[i].kind != YamlNode::Kind::kScalar) {
        Error(node.items[i].line, fmt::format("voicemail.{}: give one value", node.keys[i]));
      } else {
        *field->second = node.items[i].scalar;
      }
    }
    CheckNeeded(node, kVoicemailKeys, "voicemail.");
  }

  void ReadLines(const YamlNode& node, User& user) {
    if (node.kind != YamlNode::Kind::kSequence) {
      return Error(node.line,
                   "lines: write a list: [{kind: deskphone, pbx: main, device: PJSIP/alice}]");
    }
    for (const YamlNode& item : node.items) {
      if (item.kind != YamlNode::Kind::kMap) {
        Error(item.line, "lines: each is a map: {kind: deskphone, pbx: main, device: PJSIP/alice}");
        continue;
      }
      user.lines.push_back(ReadLine(item));
    }
  }

  Line ReadLine(const YamlNode& node) {
    Line line;
    for (std::size_t i = 0; i < node.items.size(); ++i) {
      const std::string& key = node.keys[i];
      const YamlNode& value = node.items[i];
      if (value.kind != YamlNode::Kind::kScalar) {
        Error(value.line, fmt::format("lines.{}: give one value", key));
      } else if (key == "kind") {
        Choose(value, "lines.kind", ParseLineKind(value.scalar), kLineKindChoices, line.kind);
      } else if (key == "pbx") {
        line.pbx = value.scalar;
        CheckPbx(value);
      } else if (key == "device") {
        line.device = CanonicalDevice(value.scalar);
      } else if (key == "sip_username") {
        line.sip_username = value.scalar;
      } else if (key == "sip_secret") {
        line.sip_secret = value.scalar;
      } else {
        Error(value.line,
              fmt::format("unknown key 'lines.{}'; known keys: {}", key, NamesOf(kLineKeys)));
      }
    }
    CheckNeeded(node, kLineKeys, "lines.");
    return line;
  }

  void CheckPbx(const YamlNode& value) {
    if (known_pbxs_.empty() ||  // whoever only reads the file, such as a simulated PBX
        std::find(known_pbxs_.begin(), known_pbxs_.end(), value.scalar) != known_pbxs_.end()) {
      return;
    }
    Error(value.line, fmt::format("lines.pbx '{}': no such PBX is configured; configured ones: {}",
                                  value.scalar, fmt::join(known_pbxs_, ", ")));
  }

  template <typename T>
  void Choose(const YamlNode& value, std::string_view key, std::optional<T> parsed,
              std::string_view choices, T& target) {
    if (parsed.has_value()) {
      target = *parsed;
    } else {
      Error(value.line, fmt::format("{} '{}': write {}", key, value.scalar, choices));
    }
  }

  void CheckUnique(const User& user) {
    CheckUnique(ids_, user.id, fmt::format("id '{}'", user.id));
    CheckUnique(usernames_, LowerCase(user.username), fmt::format("username '{}'", user.username));
    if (!user.exten.empty()) {
      CheckUnique(numbers_, fmt::format("{}@{}", user.exten, user.context),
                  fmt::format("exten '{}' in context '{}'", user.exten, user.context));
    }
    if (user.voicemail && !user.voicemail->number.empty()) {
      CheckUnique(boxes_, fmt::format("{}@{}", user.voicemail->number, user.voicemail->context),
                  fmt::format("voicemail.number '{}' in context '{}'", user.voicemail->number,
                              user.voicemail->context));
    }
    for (const Line& line : user.lines) {
      if (line.device.empty()) continue;
      CheckUnique(devices_, fmt::format("{} {}", line.pbx, line.device),
                  fmt::format("device '{}' on PBX '{}'", line.device, line.pbx));
    }
  }

  void CheckUnique(absl::flat_hash_map<std::string, std::size_t>& rows, const std::string& value,
                   std::string_view what) {
    if (value.empty()) return;
    const auto [first, inserted] = rows.emplace(value, row_);
    if (!inserted) Error(line_, fmt::format("{}: row {} has it too", what, first->second));
  }

  void Error(int line, std::string_view message) {
    errors_.Add(line, id_.empty() ? fmt::format("row {}: {}", row_, message)
                                  : fmt::format("row {} ({}): {}", row_, id_, message));
  }

  const std::span<const std::string> known_pbxs_;
  ErrorList errors_;
  std::vector<UserSeed> seeds_;
  std::size_t row_ = 0;
  int line_ = 0;    // of the row
  std::string id_;  // of the row
  absl::flat_hash_map<std::string, std::size_t> ids_, usernames_, numbers_, boxes_,
      devices_;  // -> row
};

}  // namespace

std::span<const Key> UserKeys() { return kUserKeys; }
std::span<const Key> VoicemailKeys() { return kVoicemailKeys; }
std::span<const Key> LineKeys() { return kLineKeys; }

absl::StatusOr<std::vector<UserSeed>> ParseUsers(std::string_view yaml, const std::string& name,
                                                 std::span<const std::string> known_pbxs,
                                                 std::stop_token stop) {
  UsersReader reader(name, known_pbxs);
  const absl::Status status = ParseYamlItems(
      yaml, name, [&](YamlNode&& node) { reader.ReadRow(node); }, std::move(stop));
  if (absl::IsCancelled(status)) return status;
  if (!status.ok()) reader.NoteBroken(status);
  return reader.Finish();
}

absl::StatusOr<std::string> DigestUsersFile(const std::string& path, std::string_view basis) {
  std::error_code error;
  const auto kind = std::filesystem::status(path, error).type();
  // One that is not there is told about by the reading.
  if (std::filesystem::exists(std::filesystem::file_status(kind)) &&
      kind != std::filesystem::file_type::regular) {
    return std::string();
  }
  auth::Digest digest;
  digest.Add(basis);
  UNIPRESENCE_RETURN_IF_ERROR(
      ReadPieces(path, kMaxUsersFileBytes, [&](std::string_view piece) { digest.Add(piece); }));
  return digest.Finish();
}

absl::StatusOr<LoadedUsers> LoadUsersWithDigest(const std::string& path,
                                                std::span<const std::string> known_pbxs,
                                                std::string_view basis, std::stop_token stop) {
  UNIPRESENCE_ASSIGN_OR_RETURN(const std::string yaml, ReadFile(path, kMaxUsersFileBytes));
  auth::Digest digest;
  digest.Add(basis);
  digest.Add(yaml);
  LoadedUsers loaded;
  loaded.digest = digest.Finish();
  UNIPRESENCE_ASSIGN_OR_RETURN(loaded.users, ParseUsers(yaml, path, known_pbxs, std::move(stop)));
  return loaded;
}

absl::StatusOr<std::vector<UserSeed>> LoadUsers(const std::string& path,
                                                std::span<const std::string> known_pbxs) {
  UNIPRESENCE_ASSIGN_OR_RETURN(const std::string yaml, ReadFile(path, kMaxUsersFileBytes));
  return ParseUsers(yaml, path, known_pbxs);
}

}  // namespace unipresence::config
