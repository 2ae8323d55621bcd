#include "server/storage/sqlite/sqlite_rows.h"

#include <fmt/format.h>

#include <algorithm>

#include "aggregator/base/status_macros.h"
#include "server/storage/refusals.h"

namespace unipresence {
namespace {

absl::Status UnknownWord(std::string_view column, std::string_view word, std::string_view of) {
  return absl::DataLossError(
      fmt::format("store: {} of '{}' is '{}', which this program does not know; correct it, or run "
                  "the program that wrote it",
                  column, of, word));
}

// A column of NULLs or defaults costs as much as any other, and most users never change some of
// these: they are not looked at one by one.
absl::Status ReadSettings(const SqliteStatement& row, StoredUser& user) {
  user.settings = {};
  if (row.IsNull(14)) return absl::OkStatus();  // no row of settings
  if (!row.IsNull(13)) {
    user.settings.selected_device = ParseLineKind(row.Text(13));
    if (!user.settings.selected_device.has_value()) {
      return UnknownWord("settings.selected_device", row.Text(13), user.user.id);
    }
  }
  user.settings.select_time = row.Int(14);
  user.settings.do_not_disturb = row.Int(15) != 0;
  user.settings.forwarding_version = static_cast<std::uint64_t>(row.Int(23));
  if (user.settings.forwarding_version == 0) return absl::OkStatus();  // never forwarded
  user.settings.forwarding_time = row.Int(22);
  int column = 16;
  for (ForwardingCondition condition : kForwardingConditions) {
    Forward& forward = user.settings.forwardings[condition];
    forward.destination = row.Text(column++);
    forward.enabled = row.Int(column++) != 0;
  }
  return absl::OkStatus();
}

void ReadVoicemail(const SqliteStatement& row, User& user) {
  if (row.IsNull(26)) {
    user.voicemail.reset();
    return;
  }
  Voicemail& box = user.voicemail.emplace();
  box.name = row.Text(25);
  box.number = row.Text(26);
  box.context = row.Text(27);
  box.password = row.Text(28);
  box.email = row.Text(29);
}

}  // namespace

std::string_view SessionKindWord(SessionKind kind) {
  switch (kind) {
    case SessionKind::kAssistant:
      return "assistant";
    case SessionKind::kClient:
      return "client";
  }
  __builtin_unreachable();
}

absl::Status ReadUserRow(const SqliteStatement& row, StoredUser& user) {
  user.user.id = row.Text(1);
  user.user.display_name = row.Text(2);
  user.user.exten = row.Text(3);
  user.user.context = row.Text(4);
  const auto line_type = ParseLineType(row.Text(5));
  if (!line_type.has_value()) return UnknownWord("users.line_type", row.Text(5), user.user.id);
  user.user.line_type = *line_type;
  user.user.username = row.Text(6);
  const auto role = ParseRole(row.Text(7));
  if (!role.has_value()) return UnknownWord("users.role", row.Text(7), user.user.id);
  user.user.role = *role;
  user.user.lines.clear();
  user.password_hash = row.Text(8);
  // Who wrote it first matters to people only: an unknown word is no reason to refuse the user.
  user.origin =
      row.Text(9) == ToString(UserOrigin::kSeed) ? UserOrigin::kSeed : UserOrigin::kProvisioned;
  user.create_time = row.Int(10);
  user.update_time = row.Int(11);
  user.version = static_cast<std::uint64_t>(row.Int(12));
  user.user.ring_seconds = static_cast<std::uint16_t>(row.Int(24));
  ReadVoicemail(row, user.user);
  return ReadSettings(row, user);
}

absl::StatusOr<Line> ReadLine(const SqliteStatement& row, int first) {
  const auto kind = ParseLineKind(row.Text(first));
  if (!kind.has_value()) return UnknownWord("lines.kind", row.Text(first), row.Text(first + 2));
  return Line{.kind = *kind,
              .pbx = std::string(row.Text(first + 1)),
              .device = CanonicalDevice(row.Text(first + 2)),
              .sip_username = std::string(row.Text(first + 3)),
              .sip_secret = std::string(row.Text(first + 4))};
}

absl::StatusOr<StoredSession> ReadSession(const SqliteStatement& row) {
  StoredSession session;
  const auto key = row.Blob(0);
  if (key.size() != session.key.size()) {
    return absl::DataLossError(
        fmt::format("store: the key of session '{}' has {} bytes instead of {}; "
                    "delete the session",
                    row.Text(1), key.size(), session.key.size()));
  }
  std::copy(key.begin(), key.end(), session.key.begin());
  session.id = row.Text(1);
  session.user = row.Text(2);
  if (row.Text(3) == SessionKindWord(SessionKind::kAssistant)) {
    session.kind = SessionKind::kAssistant;
  } else if (row.Text(3) == SessionKindWord(SessionKind::kClient)) {
    session.kind = SessionKind::kClient;
  } else {
    return UnknownWord("sessions.kind", row.Text(3), session.id);
  }
  const auto role = ParseRole(row.Text(4));
  if (!role.has_value()) return UnknownWord("sessions.role", row.Text(4), session.id);
  session.role = *role;
  session.create_time = row.Int(5);
  session.client_name = row.Text(6);
  session.peer = row.Text(7);
  return session;
}

absl::StatusOr<std::int64_t> UserNumberOf(SqliteDatabase& database, std::string_view id) {
  SqliteStatement statement = database.Prepare("SELECT number FROM users WHERE id = ?");
  UNIPRESENCE_ASSIGN_OR_RETURN(const bool row, statement.Bind(1, id).Step());
  if (!row) return NoSuchUser(id);
  return statement.Int(0);
}

}  // namespace unipresence
