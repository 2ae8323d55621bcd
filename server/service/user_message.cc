#include "server/service/user_message.h"

#include <fmt/format.h>
#include <google/protobuf/descriptor.h>
#include <google/protobuf/message.h>

#include <algorithm>
#include <array>
#include <string>
#include <vector>

#include "absl/strings/ascii.h"
#include "aggregator/base/status_macros.h"
#include "aggregator/base/strings.h"
#include "aggregator/publish/codec.h"
#include "server/service/convert.h"
#include "server/service/status.h"

namespace unipresence {
namespace {

constexpr std::string_view kDevicePrefix = "PJSIP/";

// What the server keeps, by the names of fields of unipresence.v1.User. id, uuid, etag and the
// times are no fields that an update names.
constexpr std::array<std::string_view, 8> kWritable = {
    "display_name", "username", "password", "role", "exten", "context", "line_type", "lines"};
constexpr std::array<std::string_view, 5> kIgnored = {"id", "uuid", "etag", "create_time",
                                                      "update_time"};

template <std::size_t kSize>
bool Contains(const std::array<std::string_view, kSize>& names, std::string_view name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

// Fields that are not kept may say what is true anyway.
bool IsDefault(const v1::User& message, std::string_view field) {
  if (field == "enabled") return message.enabled();
  if (field == "supervision_enabled") return message.supervision_enabled();
  if (field == "call_transfer_enabled") return !message.call_transfer_enabled();
  if (field == "simultaneous_calls") return message.simultaneous_calls() == 5;
  if (field == "ring_seconds") return message.ring_seconds() == 30;
  if (field == "cti_profile_enabled") return message.cti_profile_enabled();
  if (field == "outgoing_caller_id") return message.outgoing_caller_id() == "default";
  if (field == "memberships") return message.memberships().ByteSizeLong() == 0;
  return false;
}

std::vector<std::string> SetFields(const v1::User& message) {
  std::vector<const google::protobuf::FieldDescriptor*> fields;
  v1::User::GetReflection()->ListFields(message, &fields);
  std::vector<std::string> names;
  for (const auto* field : fields) names.push_back(field->name());
  return names;
}

absl::Status NotKept(std::string_view field) {
  return FieldInvalid(field, "(set)", "nothing: this server does not keep the field; leave it out");
}

absl::Status CheckKept(const v1::User& message) {
  for (const std::string& field : SetFields(message)) {
    if (Contains(kWritable, field) || Contains(kIgnored, field) || IsDefault(message, field)) {
      continue;
    }
    return NotKept(field);
  }
  return absl::OkStatus();
}

absl::StatusOr<Line> LineFromMessage(const v1::Line& message, std::string_view user) {
  const std::optional<LineKind> kind = publish::FromProto(message.kind());
  if (!kind) {
    return FieldInvalid("lines.kind", v1::LineKind_Name(message.kind()),
                        "LINE_KIND_DESKPHONE or LINE_KIND_WEBRTC");
  }
  if (!message.sip_secret().empty()) return NotKept("lines.sip_secret");
  std::string sip_username = message.sip_username();
  if (sip_username.empty()) {
    sip_username = std::string(user) + (*kind == LineKind::kWebrtc ? "_w" : "");
  }
  const std::string derived = std::string(kDevicePrefix) + sip_username;
  if (!message.device().empty() && !message.sip_username().empty() && message.device() != derived) {
    return FieldInvalid("lines.sip_username", message.sip_username(),
                        fmt::format("empty, or what follows {} in the device", kDevicePrefix));
  }
  return Line{.kind = *kind,
              .pbx = message.pbx(),
              .device = message.device().empty() ? derived : message.device()};
}

absl::Status SetLines(const v1::User& message, User& user) {
  user.lines.clear();
  for (const v1::Line& line : message.lines()) {
    UNIPRESENCE_ASSIGN_OR_RETURN(Line parsed, LineFromMessage(line, user.id));
    user.lines.push_back(std::move(parsed));
  }
  std::sort(user.lines.begin(), user.lines.end(),
            [](const Line& a, const Line& b) { return a.kind < b.kind; });
  return absl::OkStatus();
}

absl::Status SetLineType(const v1::User& message, User& user) {
  const std::optional<LineType> type = FromProto(message.line_type());
  if (!type) {
    return FieldRequired("line_type", "give LINE_TYPE_SIP, _WEBRTC or _UNIQUE_ACCOUNT");
  }
  user.line_type = *type;
  return absl::OkStatus();
}

absl::Status SetRole(const v1::User& message, User& user) {
  const std::optional<Role> role = FromProto(message.role());
  if (!role) return FieldInvalid("role", std::to_string(message.role()), "the values of Role");
  user.role = *role;
  return absl::OkStatus();
}

absl::Status CheckLinesFit(const User& user) {
  const auto has = [&](LineKind kind) {
    return std::any_of(user.lines.begin(), user.lines.end(),
                       [&](const Line& line) { return line.kind == kind; });
  };
  const bool deskphone = user.line_type != LineType::kWebrtc;
  const bool webrtc = user.line_type != LineType::kSip;
  if (has(LineKind::kDeskphone) == deskphone && has(LineKind::kWebrtc) == webrtc &&
      user.lines.size() == static_cast<std::size_t>(deskphone) + static_cast<std::size_t>(webrtc)) {
    return absl::OkStatus();
  }
  return Failure(v1::ERROR_REASON_LINES_DO_NOT_FIT,
                 fmt::format("lines: the line type {} has {}", ToString(user.line_type),
                             deskphone && webrtc ? "one deskphone and one WebRTC line"
                             : deskphone         ? "one deskphone line"
                                                 : "one WebRTC line"),
                 {{"line_type", ToString(user.line_type)}});
}

absl::Status Check(const User& user) {
  UNIPRESENCE_RETURN_IF_ERROR(CheckLinesFit(user));
  const absl::Status valid = ValidateUser(user);
  if (valid.ok()) return valid;
  return Failure(v1::ERROR_REASON_FIELD_INVALID, FromAbsl(valid.message()));
}

}  // namespace

absl::StatusOr<User> UserFromMessage(const v1::User& message) {
  UNIPRESENCE_RETURN_IF_ERROR(CheckKept(message));
  User user;
  user.id = message.id().empty() ? message.username() : message.id();
  if (user.id.empty()) return FieldRequired("user.id", "give an id or a username");
  user.username = message.username().empty() ? user.id : message.username();
  user.display_name = message.display_name().empty() ? user.id : message.display_name();
  if (message.exten().empty()) return FieldRequired("user.exten", "give the number");
  if (message.context().empty()) return FieldRequired("user.context", "give the dialplan context");
  user.exten = message.exten();
  user.context = message.context();
  UNIPRESENCE_RETURN_IF_ERROR(SetLineType(message, user));
  UNIPRESENCE_RETURN_IF_ERROR(SetRole(message, user));
  UNIPRESENCE_RETURN_IF_ERROR(SetLines(message, user));
  UNIPRESENCE_RETURN_IF_ERROR(Check(user));
  return user;
}

absl::StatusOr<std::vector<std::string>> UpdatePaths(const v1::UpdateUserRequest& request) {
  std::vector<std::string> paths(request.update_mask().paths().begin(),
                                 request.update_mask().paths().end());
  if (paths.empty()) {
    UNIPRESENCE_RETURN_IF_ERROR(CheckKept(request.user()));
    paths = SetFields(request.user());
    std::erase_if(paths, [](const std::string& path) { return !Contains(kWritable, path); });
    return paths;
  }
  for (const std::string& path : paths) {
    if (Contains(kWritable, path)) continue;
    return Failure(
        v1::ERROR_REASON_UPDATE_MASK_INVALID,
        fmt::format("update_mask names '{}', which does not exist or cannot be written", path),
        {{"path", path}});
  }
  return paths;
}

absl::Status ApplyUpdate(const v1::User& message, const std::vector<std::string>& paths,
                         User& user) {
  for (const std::string& path : paths) {
    if (path == "display_name") user.display_name = message.display_name();
    if (path == "username") user.username = message.username();
    if (path == "exten") user.exten = message.exten();
    if (path == "context") user.context = message.context();
    if (path == "role") UNIPRESENCE_RETURN_IF_ERROR(SetRole(message, user));
    if (path == "line_type") UNIPRESENCE_RETURN_IF_ERROR(SetLineType(message, user));
    if (path == "lines") UNIPRESENCE_RETURN_IF_ERROR(SetLines(message, user));
  }
  return Check(user);
}

void FillUser(const StoredUser& stored, UserDetail detail, v1::User& out) {
  const User& user = stored.user;
  out.set_id(user.id);
  out.set_display_name(user.display_name);
  out.set_exten(user.exten);
  out.set_context(user.context);
  out.set_line_type(ToProto(user.line_type));
  if (detail == UserDetail::kDirectory) return;
  out.set_etag(std::to_string(stored.version));
  out.set_username(user.username);
  out.set_role(ToProto(user.role));
  for (const Line& line : user.lines) {
    v1::Line& message = *out.add_lines();
    message.set_kind(publish::ToProto(line.kind));
    message.set_pbx(line.pbx);
    message.set_device(line.device);
    if (line.device.starts_with(kDevicePrefix)) {
      message.set_sip_username(line.device.substr(kDevicePrefix.size()));
    }
  }
  out.set_outgoing_caller_id("default");
  out.set_enabled(true);
  out.set_supervision_enabled(true);
  out.set_call_transfer_enabled(false);
  out.set_simultaneous_calls(5);
  out.set_ring_seconds(30);
  out.set_cti_profile_enabled(true);
  SetTime(stored.create_time, *out.mutable_create_time());
  SetTime(stored.update_time, *out.mutable_update_time());
}

absl::Status CheckEtag(const StoredUser& user, std::string_view etag) {
  const std::string current = std::to_string(user.version);
  if (etag.empty() || etag == current) return absl::OkStatus();
  return Failure(v1::ERROR_REASON_ETAG_MISMATCH,
                 fmt::format("'{}' was changed meanwhile; read it again, apply your change, retry",
                             user.user.id),
                 {{"etag", current}});
}

bool MatchesQuery(const User& user, std::string_view lower_case_query) {
  if (lower_case_query.empty()) return true;
  const auto contains = [&](const std::string& text) {
    return absl::AsciiStrToLower(ToAbsl(text)).find(std::string(lower_case_query)) !=
           std::string::npos;
  };
  return contains(user.id) || contains(user.display_name) || contains(user.exten);
}

}  // namespace unipresence
