#include "aggregator/model/user.h"

#include <fmt/format.h>

#include <algorithm>

#include "aggregator/base/valid_text.h"

namespace unipresence {
namespace {

constexpr std::size_t kMaxIdLength = 64;
constexpr std::size_t kMaxDeviceLength = 80;  // Asterisk's AST_CHANNEL_NAME
constexpr std::size_t kMaxDisplayNameLength = 256;
constexpr std::size_t kMaxBoxNumberLength = 20;
constexpr std::size_t kMaxBoxPasswordLength = 16;
constexpr std::size_t kMinSipSecretLength = 8;
constexpr std::size_t kMaxSipSecretLength = 128;
constexpr int kMinRingSeconds = 5;
constexpr int kMaxRingSeconds = 300;
constexpr int kRingSecondsStep = 5;

bool IsIdCharacter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
         c == '_' || c == '@' || c == '-';
}

absl::Status CheckId(std::string_view field, std::string_view value) {
  if (value.empty() || value.size() > kMaxIdLength ||
      !std::all_of(value.begin(), value.end(), IsIdCharacter)) {
    return absl::InvalidArgumentError(fmt::format(
        "{} '{}': use 1 to {} of the characters A-Z a-z 0-9 . _ @ -", field, value, kMaxIdLength));
  }
  return absl::OkStatus();
}

absl::Status CheckDialplanName(std::string_view field, std::string_view value,
                               std::string_view also_allowed) {
  const bool valid = !value.empty() && value.size() <= kMaxDeviceLength &&
                     std::all_of(value.begin(), value.end(), [&](char c) {
                       return IsIdCharacter(c) || also_allowed.find(c) != std::string_view::npos;
                     });
  if (!valid) {
    return absl::InvalidArgumentError(
        fmt::format("{} '{}': use 1 to {} of the characters A-Z a-z 0-9 . _ @ - {}", field, value,
                    kMaxDeviceLength, also_allowed));
  }
  return absl::OkStatus();
}

bool AreAllOf(std::string_view text, std::string_view allowed) {
  return text.find_first_not_of(allowed) == std::string_view::npos;
}

absl::Status CheckVoicemail(const Voicemail& box) {
  constexpr std::string_view kDigits = "0123456789";
  if (box.number.empty() || box.number.size() > kMaxBoxNumberLength ||
      !AreAllOf(box.number, kDigits)) {
    return absl::InvalidArgumentError(
        fmt::format("voicemail.number '{}': use 1 to {} digits", box.number, kMaxBoxNumberLength));
  }
  if (auto status = CheckDialplanName("voicemail.context", box.context, ""); !status.ok()) {
    return status;
  }
  // The value is a secret: it is not repeated.
  if (box.password.size() > kMaxBoxPasswordLength || !AreAllOf(box.password, "0123456789#")) {
    return absl::InvalidArgumentError(fmt::format(
        "voicemail.password: use at most {} of the characters 0-9 #", kMaxBoxPasswordLength));
  }
  // voicemail.conf separates by commas and bars, and comments begin with a semicolon.
  for (const auto& [field, value] :
       {std::pair<std::string_view, std::string_view>{"name", box.name}, {"email", box.email}}) {
    if (value.size() > kMaxDisplayNameLength || !IsValidText(value) ||
        value.find_first_of(",|;") != std::string_view::npos) {
      return absl::InvalidArgumentError(fmt::format(
          "voicemail.{} '{}': at most {} bytes of UTF-8 without , | ; and control characters",
          field, value, kMaxDisplayNameLength));
    }
  }
  return absl::OkStatus();
}

absl::Status CheckSipAccount(const Line& line) {
  if (!line.sip_username.empty()) {
    if (auto status = CheckDialplanName("lines.sip_username", line.sip_username, "+");
        !status.ok()) {
      return status;
    }
  }
  const bool printable = std::all_of(line.sip_secret.begin(), line.sip_secret.end(),
                                     [](char c) { return c > 0x20 && c < 0x7f; });
  if (line.sip_secret.empty()) return absl::OkStatus();
  if (!printable || line.sip_secret.size() < kMinSipSecretLength ||
      line.sip_secret.size() > kMaxSipSecretLength ||
      line.sip_secret.find_first_of(";\"'") != std::string::npos) {
    return absl::InvalidArgumentError(fmt::format(
        "lines.sip_secret of '{}': use {} to {} printable ASCII characters without blanks, ; and "
        "quotes",
        line.device, kMinSipSecretLength, kMaxSipSecretLength));
  }
  return absl::OkStatus();
}

absl::Status CheckLines(const User& user) {
  LineKinds kinds;
  for (const Line& line : user.lines) {
    if (kinds.Contains(line.kind)) {
      return absl::InvalidArgumentError(fmt::format(
          "lines: two of kind {}; a user has at most one of a kind", ToString(line.kind)));
    }
    kinds.Add(line.kind);
    if (auto status = CheckDialplanName("lines.pbx", line.pbx, ""); !status.ok()) return status;
    if (auto status = CheckDialplanName("lines.device", line.device, "/+*#"); !status.ok()) {
      return status;
    }
    if (auto status = CheckSipAccount(line); !status.ok()) return status;
    if (line.device.find('/') == std::string::npos) {
      return absl::InvalidArgumentError(fmt::format(
          "lines.device '{}': name the device as Asterisk does, such as PJSIP/alice", line.device));
    }
  }
  if (LineTypeOf(kinds) != user.line_type) {
    return absl::InvalidArgumentError(
        fmt::format("line_type '{}': needs {}; give exactly these lines", ToString(user.line_type),
                    OneLineOfEach(TraitsOf(user.line_type).kinds, &LineKindTraits::key)));
  }
  return absl::OkStatus();
}

}  // namespace

std::string_view ToString(Role role) {
  switch (role) {
    case Role::kUser:
      return "user";
    case Role::kAdministrator:
      return "administrator";
  }
  __builtin_unreachable();
}

std::optional<Role> ParseRole(std::string_view text) {
  if (text == "user") return Role::kUser;
  if (text == "administrator" || text == "admin") return Role::kAdministrator;
  return std::nullopt;
}

absl::Status ValidateUser(const User& user) {
  if (auto status = CheckId("id", user.id); !status.ok()) return status;
  if (auto status = CheckId("username", user.username); !status.ok()) return status;
  if (user.display_name.size() > kMaxDisplayNameLength || !IsValidText(user.display_name)) {
    return absl::InvalidArgumentError(fmt::format(
        "display_name of user '{}': at most {} bytes of UTF-8 without control characters", user.id,
        kMaxDisplayNameLength));
  }
  if (auto status = CheckDialplanName("exten", user.exten, "+*#"); !status.ok()) return status;
  if (auto status = CheckDialplanName("context", user.context, ""); !status.ok()) return status;
  if (user.ring_seconds < kMinRingSeconds || user.ring_seconds > kMaxRingSeconds ||
      user.ring_seconds % kRingSecondsStep != 0) {
    return absl::InvalidArgumentError(
        fmt::format("ring_seconds '{}': use {} to {}, a multiple of {}", user.ring_seconds,
                    kMinRingSeconds, kMaxRingSeconds, kRingSecondsStep));
  }
  if (user.voicemail) {
    if (auto status = CheckVoicemail(*user.voicemail); !status.ok()) return status;
  }
  return CheckLines(user);
}

}  // namespace unipresence
