#include "aggregator/model/user.h"

#include <fmt/format.h>

#include <algorithm>

namespace unipresence {
namespace {

constexpr std::size_t kMaxIdLength = 64;
constexpr std::size_t kMaxDeviceLength = 80;  // Asterisk's AST_CHANNEL_NAME
constexpr std::size_t kMaxDisplayNameLength = 256;

bool IsIdCharacter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
         c == '_' || c == '@' || c == '-';
}

bool IsPrintable(std::string_view text) {
  return std::all_of(text.begin(), text.end(),
                     [](char c) { return static_cast<unsigned char>(c) >= 0x20 && c != 0x7f; });
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

absl::Status CheckLines(const User& user) {
  std::vector<LineKind> kinds;
  for (const Line& line : user.lines) {
    if (std::find(kinds.begin(), kinds.end(), line.kind) != kinds.end()) {
      return absl::InvalidArgumentError(fmt::format(
          "lines: two of kind {}; a user has at most one of a kind", ToString(line.kind)));
    }
    kinds.push_back(line.kind);
    if (auto status = CheckDialplanName("lines.pbx", line.pbx, ""); !status.ok()) return status;
    if (auto status = CheckDialplanName("lines.device", line.device, "/+*#"); !status.ok()) {
      return status;
    }
    if (line.device.find('/') == std::string::npos) {
      return absl::InvalidArgumentError(fmt::format(
          "lines.device '{}': name the device as Asterisk does, such as PJSIP/alice", line.device));
    }
  }
  const auto has = [&](LineKind kind) {
    return std::find(kinds.begin(), kinds.end(), kind) != kinds.end();
  };
  const bool wants_deskphone = user.line_type != LineType::kWebrtc;
  const bool wants_webrtc = user.line_type != LineType::kSip;
  if (has(LineKind::kDeskphone) != wants_deskphone || has(LineKind::kWebrtc) != wants_webrtc) {
    return absl::InvalidArgumentError(
        fmt::format("line_type '{}': needs {}; give exactly these lines", ToString(user.line_type),
                    wants_deskphone && wants_webrtc ? "one deskphone and one webrtc line"
                    : wants_deskphone               ? "one deskphone line"
                                                    : "one webrtc line"));
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
  if (user.display_name.size() > kMaxDisplayNameLength || !IsPrintable(user.display_name)) {
    return absl::InvalidArgumentError(
        fmt::format("display_name of user '{}': at most {} bytes without control characters",
                    user.id, kMaxDisplayNameLength));
  }
  if (auto status = CheckDialplanName("exten", user.exten, "+*#"); !status.ok()) return status;
  if (auto status = CheckDialplanName("context", user.context, ""); !status.ok()) return status;
  return CheckLines(user);
}

}  // namespace unipresence
