#include "clients/cli/user_message.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <utility>

#include "aggregator/base/status_macros.h"
#include "aggregator/publish/codec.h"

namespace unipresence::cli {
namespace {

v1::Role ToProto(Role role) {
  switch (role) {
    case Role::kUser:
      return v1::ROLE_USER;
    case Role::kAdministrator:
      return v1::ROLE_ADMINISTRATOR;
  }
  return v1::ROLE_UNSPECIFIED;
}

absl::Status ApplyLine(v1::LineKind kind, const std::optional<std::string>& device,
                       const std::optional<std::string>& pbx, bool no_sip_account, v1::User& user) {
  auto& lines = *user.mutable_lines();
  const auto it = std::find_if(lines.begin(), lines.end(),
                               [kind](const v1::Line& line) { return line.kind() == kind; });
  if (device && device->empty()) {
    if (it != lines.end()) lines.erase(it);
    return absl::OkStatus();
  }
  if (!device && it == lines.end()) return absl::OkStatus();
  v1::Line& line = it != lines.end() ? *it : *lines.Add();
  line.set_kind(kind);
  if (device) {
    if (*device != line.device()) line.clear_no_sip_account();
    line.set_device(*device);
    line.clear_sip_username();  // that of the former device
  }
  if (pbx) line.set_pbx(*pbx);
  line.clear_sip_secret();
  if (no_sip_account) {
    line.set_no_sip_account(true);
    line.clear_sip_username();
  }
  if (!line.pbx().empty()) return absl::OkStatus();
  return absl::InvalidArgumentError(
      fmt::format("the PBX of device {} is missing: give --pbx PBX", line.device()));
}

// False if no flag is about the box.
bool ApplyVoicemail(const UserFlags& flags, v1::User& user) {
  if (flags.voicemail && flags.voicemail->empty()) {
    user.clear_voicemail();
    return true;
  }
  if (flags.voicemail) {
    const std::size_t at = flags.voicemail->find('@');
    v1::Voicemail& box = *user.mutable_voicemail();
    box.set_number(flags.voicemail->substr(0, at));
    box.set_context(at == std::string::npos ? "" : flags.voicemail->substr(at + 1));
  }
  if (flags.voicemail_email) user.mutable_voicemail()->set_email(*flags.voicemail_email);
  return flags.voicemail || flags.voicemail_email || flags.voicemail_password_file;
}

v1::LineType TypeOf(const v1::User& user) {
  LineKinds kinds;
  for (const v1::Line& line : user.lines()) {
    if (const auto kind = publish::FromProto(line.kind())) kinds.Add(*kind);
  }
  const std::optional<LineType> type = LineTypeOf(kinds);
  return type ? publish::ToProto(*type) : v1::LINE_TYPE_UNSPECIFIED;
}

}  // namespace

absl::StatusOr<v1::User> ToMessage(const config::UserSeed& seed) {
  if (!seed.password_hash.empty()) {
    return absl::InvalidArgumentError(fmt::format(
        "user '{}' has a password_hash, which only the server's own users_file may have; give a "
        "password instead",
        seed.user.id));
  }
  v1::User user;
  user.set_id(seed.user.id);
  user.set_display_name(seed.user.display_name);
  user.set_exten(seed.user.exten);
  user.set_context(seed.user.context);
  user.set_line_type(publish::ToProto(seed.user.line_type));
  user.set_username(seed.user.username);
  user.set_password(seed.password);
  user.set_role(ToProto(seed.user.role));
  for (const Line& seed_line : seed.user.lines) {
    v1::Line& line = *user.add_lines();
    line.set_kind(publish::ToProto(seed_line.kind));
    line.set_pbx(seed_line.pbx);
    line.set_device(seed_line.device);
    line.set_sip_username(seed_line.sip_username);
    line.set_sip_secret(seed_line.sip_secret);
    line.set_no_sip_account(seed_line.sip_username.empty());
  }
  user.set_ring_seconds(seed.user.ring_seconds);
  if (seed.user.voicemail) {
    v1::Voicemail& box = *user.mutable_voicemail();
    box.set_name(seed.user.voicemail->name);
    box.set_number(seed.user.voicemail->number);
    box.set_context(seed.user.voicemail->context);
    box.set_password(seed.user.voicemail->password);
    box.set_email(seed.user.voicemail->email);
  }
  return user;
}

bool NeedsPbx(const UserFlags& flags) {
  const bool has_device =
      std::any_of(kLineKinds.begin(), kLineKinds.end(), [&flags](LineKind kind) {
        const std::optional<std::string>& device = flags.devices[kind];
        return device && !device->empty();
      });
  return has_device && !flags.pbx;
}

absl::StatusOr<std::vector<std::string>> ApplyFlags(const UserFlags& flags, v1::User& user) {
  std::vector<std::string> fields;
  const auto set = [&](const char* field, const std::optional<std::string>& value,
                       void (v1::User::*setter)(const std::string&)) {
    if (!value) return;
    (user.*setter)(*value);
    fields.emplace_back(field);
  };
  set("display_name", flags.display_name, &v1::User::set_display_name<const std::string&>);
  set("exten", flags.exten, &v1::User::set_exten<const std::string&>);
  set("context", flags.context, &v1::User::set_context<const std::string&>);
  set("username", flags.username, &v1::User::set_username<const std::string&>);
  if (flags.role) {
    user.set_role(*flags.role);
    fields.emplace_back("role");
  }
  if (flags.ring_seconds) {
    user.set_ring_seconds(*flags.ring_seconds);
    fields.emplace_back("ring_seconds");
  }
  if (ApplyVoicemail(flags, user)) fields.emplace_back("voicemail");
  const bool lines_given =
      flags.pbx || flags.no_sip_account ||
      std::any_of(kLineKinds.begin(), kLineKinds.end(),
                  [&flags](LineKind kind) { return flags.devices[kind].has_value(); });
  if (lines_given) {
    for (LineKind kind : kLineKinds) {
      UNIPRESENCE_RETURN_IF_ERROR(ApplyLine(publish::ToProto(kind), flags.devices[kind], flags.pbx,
                                            flags.no_sip_account, user));
    }
    fields.emplace_back("lines");
  }
  if (flags.line_type || lines_given) {
    user.set_line_type(flags.line_type ? *flags.line_type : TypeOf(user));
    fields.emplace_back("line_type");
  }
  return fields;
}

}  // namespace unipresence::cli
