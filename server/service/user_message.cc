#include "server/service/user_message.h"

#include <fmt/format.h>
#include <google/protobuf/descriptor.h>
#include <google/protobuf/message.h>

#include <algorithm>
#include <array>
#include <string>
#include <utility>
#include <vector>

#include "aggregator/base/status_macros.h"
#include "aggregator/base/strings.h"
#include "aggregator/publish/codec.h"
#include "server/account/failure.h"
#include "server/auth/token.h"
#include "server/service/convert.h"
#include "server/service/status.h"

namespace unipresence {
namespace {

constexpr std::string_view kDevicePrefix = "PJSIP/";

// What the server keeps, by the names of fields of unipresence.v1.User. id, uuid, etag and the
// times are no fields that an update names.
constexpr std::array<std::string_view, 10> kWritable = {
    "display_name", "username",  "password", "role",         "exten",
    "context",      "line_type", "lines",    "ring_seconds", "voicemail"};
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

// The account of a device that stays keeps what the message leaves empty. A new account gets a
// secret; a device of another kind than PJSIP gets no account.
absl::Status SetAccount(const v1::Line& message, const Line* before, Line& line) {
  const bool stays = before != nullptr && before->pbx == line.pbx && before->device == line.device;
  const bool is_pjsip = line.device.starts_with(kDevicePrefix);
  const std::string_view endpoint =
      is_pjsip ? std::string_view(line.device).substr(kDevicePrefix.size()) : std::string_view();
  if (!message.sip_username().empty() && message.sip_username() != endpoint) {
    return FieldInvalid("lines.sip_username", message.sip_username(),
                        fmt::format("empty, or what follows {} in the device", kDevicePrefix));
  }
  if (message.no_sip_account()) {
    if (!message.sip_username().empty() || !message.sip_secret().empty()) {
      return FieldInvalid("lines.no_sip_account", "true",
                          "true with sip_username and sip_secret empty, or false");
    }
    return absl::OkStatus();
  }
  line.sip_username = message.sip_username().empty() && stays ? before->sip_username : endpoint;
  if (!message.sip_secret().empty()) {
    line.sip_secret = message.sip_secret();
  } else if (stays && before->sip_username == line.sip_username) {
    line.sip_secret = before->sip_secret;
  } else if (!line.sip_username.empty()) {
    UNIPRESENCE_ASSIGN_OR_RETURN(line.sip_secret, auth::NewSipSecret());
  }
  return absl::OkStatus();
}

// `before`: the line of that kind until now, or null.
absl::StatusOr<Line> LineFromMessage(const v1::Line& message, std::string_view user,
                                     const Line* before) {
  const std::optional<LineKind> kind = publish::FromProto(message.kind());
  if (!kind) {
    return FieldInvalid("lines.kind", v1::LineKind_Name(message.kind()), LineKindNames());
  }
  Line line{.kind = *kind, .pbx = message.pbx(), .device = CanonicalDevice(message.device())};
  if (line.device.empty() && message.no_sip_account()) {
    return FieldRequired("lines.device", "name the device whose SIP account is made in Asterisk");
  }
  if (line.device.empty()) {
    const std::string account = message.sip_username().empty()
                                    ? fmt::format("{}{}", user, TraitsOf(*kind).account_suffix)
                                    : message.sip_username();
    line.device = std::string(kDevicePrefix) + account;
  }
  UNIPRESENCE_RETURN_IF_ERROR(SetAccount(message, before, line));
  return line;
}

absl::Status SetLines(const v1::User& message, User& user) {
  const std::vector<Line> before = std::exchange(user.lines, {});
  for (const v1::Line& line : message.lines()) {
    const auto same_kind = std::find_if(before.begin(), before.end(), [&](const Line& candidate) {
      return publish::ToProto(candidate.kind) == line.kind();
    });
    UNIPRESENCE_ASSIGN_OR_RETURN(
        Line parsed,
        LineFromMessage(line, user.id, same_kind == before.end() ? nullptr : &*same_kind));
    user.lines.push_back(std::move(parsed));
  }
  std::sort(user.lines.begin(), user.lines.end(),
            [](const Line& a, const Line& b) { return a.kind < b.kind; });
  return absl::OkStatus();
}

absl::Status SetRingSeconds(const v1::User& message, User& user) {
  user.ring_seconds = kDefaultRingSeconds;
  if (!message.has_ring_seconds()) return absl::OkStatus();
  user.ring_seconds = static_cast<std::uint16_t>(message.ring_seconds());
  if (user.ring_seconds == message.ring_seconds()) return absl::OkStatus();  // else above 65535
  return FieldInvalid("ring_seconds", std::to_string(message.ring_seconds()),
                      "5 to 300, a multiple of 5");
}

absl::Status SetVoicemail(const v1::User& message, User& user) {
  const std::optional<Voicemail> before = std::exchange(user.voicemail, std::nullopt);
  if (!message.has_voicemail()) return absl::OkStatus();
  const v1::Voicemail& box = message.voicemail();
  if (box.number().empty()) {
    return FieldRequired("user.voicemail.number", "give the number of the box");
  }
  user.voicemail = {.name = box.name(),
                    .number = box.number(),
                    .context = box.context().empty() ? Voicemail().context : box.context(),
                    .password = box.password(),
                    .email = box.email()};
  // It is written only: who read the box and sends it back does not know it.
  if (box.password().empty() && before) user.voicemail->password = before->password;
  return absl::OkStatus();
}

absl::Status SetLineType(const v1::User& message, User& user) {
  const std::optional<LineType> type = publish::FromProto(message.line_type());
  if (!type) {
    return FieldRequired("line_type", fmt::format("give {}", LineTypeNames()));
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
  const LineKinds kinds = KindsOf(user.lines);
  if (LineTypeOf(kinds) == user.line_type && user.lines.size() == kinds.size()) {
    return absl::OkStatus();
  }
  return Failure(v1::ERROR_REASON_LINES_DO_NOT_FIT,
                 fmt::format("lines: the line type {} has {}", ToString(user.line_type),
                             OneLineOfEach(TraitsOf(user.line_type).kinds, &LineKindTraits::name)),
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
  UNIPRESENCE_RETURN_IF_ERROR(SetRingSeconds(message, user));
  UNIPRESENCE_RETURN_IF_ERROR(SetVoicemail(message, user));
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
    if (path == "ring_seconds") UNIPRESENCE_RETURN_IF_ERROR(SetRingSeconds(message, user));
    if (path == "voicemail") UNIPRESENCE_RETURN_IF_ERROR(SetVoicemail(message, user));
  }
  return Check(user);
}

namespace {

// The password is written only.
void FillVoicemail(const Voicemail& box, v1::Voicemail& out) {
  out.set_name(box.name);
  out.set_number(box.number);
  out.set_context(box.context);
  out.set_email(box.email);
}

}  // namespace

void FillUser(const StoredUser& stored, UserDetail detail, v1::User& out) {
  const User& user = stored.user;
  out.set_id(user.id);
  out.set_display_name(user.display_name);
  out.set_exten(user.exten);
  out.set_context(user.context);
  out.set_line_type(publish::ToProto(user.line_type));
  if (detail == UserDetail::kDirectory) return;
  out.set_etag(std::to_string(stored.version));
  out.set_username(user.username);
  out.set_role(ToProto(user.role));
  for (const Line& line : user.lines) {
    v1::Line& message = *out.add_lines();
    message.set_kind(publish::ToProto(line.kind));
    message.set_pbx(line.pbx);
    message.set_device(line.device);
    message.set_sip_username(line.sip_username);
    message.set_no_sip_account(line.sip_username.empty());
    if (detail == UserDetail::kWithSecrets) message.set_sip_secret(line.sip_secret);
  }
  if (user.voicemail) FillVoicemail(*user.voicemail, *out.mutable_voicemail());
  out.set_ring_seconds(user.ring_seconds);
  out.set_outgoing_caller_id("default");
  out.set_enabled(true);
  out.set_supervision_enabled(true);
  out.set_call_transfer_enabled(false);
  out.set_simultaneous_calls(5);
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

}  // namespace unipresence
