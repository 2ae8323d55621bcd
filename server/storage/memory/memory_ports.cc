#include "server/storage/memory/memory_ports.h"

#include <algorithm>
#include <tuple>
#include <utility>

#include "aggregator/base/status_macros.h"
#include "server/storage/refusals.h"

namespace unipresence {

// --- Settings ---

absl::Status MemorySettings::Edit(std::string_view user,
                                  absl::FunctionRef<absl::Status(StoredUser&)> edit) {
  const auto before = log_.tables().Find(user);
  if (before == nullptr) return NoSuchUser(user);
  auto after = std::make_shared<StoredUser>(*before);
  UNIPRESENCE_RETURN_IF_ERROR(edit(*after));
  log_.Put(UserChange{
      .key = log_.tables().by_id.find(user)->second, .before = nullptr, .after = std::move(after)});
  return absl::OkStatus();
}

absl::Status MemorySettings::SetSelectedDevice(std::string_view user, LineKind device) {
  return Edit(user, [&](StoredUser& stored) {
    const std::vector<Line>& lines = stored.user.lines;
    if (std::none_of(lines.begin(), lines.end(),
                     [&](const Line& line) { return line.kind == device; })) {
      return NoLineToSelect(user, device);
    }
    if (stored.settings.selected_device != device) stored.settings.select_time = clock_.WallNow();
    stored.settings.selected_device = device;
    return absl::OkStatus();
  });
}

absl::Status MemorySettings::SetDoNotDisturb(std::string_view user, bool do_not_disturb) {
  return Edit(user, [&](StoredUser& stored) {
    UserSettings& settings = stored.settings;
    if (std::exchange(settings.do_not_disturb, do_not_disturb) != do_not_disturb) {
      settings.forwarding_time = clock_.WallNow();
      ++settings.forwarding_version;
    }
    return absl::OkStatus();
  });
}

absl::Status MemorySettings::SetForwardings(std::string_view user, const Forwardings& forwardings) {
  UNIPRESENCE_RETURN_IF_ERROR(ValidateForwardings(forwardings));
  return Edit(user, [&](StoredUser& stored) {
    UserSettings& settings = stored.settings;
    if (settings.forwardings == forwardings) return absl::OkStatus();
    settings.forwardings = forwardings;
    settings.forwarding_time = clock_.WallNow();
    ++settings.forwarding_version;
    return absl::OkStatus();
  });
}

// --- Sessions ---

absl::Status MemorySessions::Save(const StoredSession& session) {
  const MemoryTables& tables = log_.tables();
  if (tables.Find(session.user) == nullptr) return NoSuchUser(session.user);
  if (tables.sessions.contains(session.id) || tables.session_keys.contains(session.key)) {
    return SessionInUse(session.id);
  }
  log_.Put(SessionChange{
      .key = session.id, .before = nullptr, .after = std::make_shared<StoredSession>(session)});
  return absl::OkStatus();
}

absl::Status MemorySessions::Delete(std::string_view id) {
  if (!log_.tables().sessions.contains(id)) return NoSuchSession(id);
  log_.Put(SessionChange{.key = std::string(id), .before = nullptr, .after = nullptr});
  return absl::OkStatus();
}

absl::StatusOr<std::size_t> MemorySessions::DeleteEach(std::span<const std::string> ids) {
  std::size_t deleted = 0;
  for (const std::string& id : ids) {
    if (Delete(id).ok()) ++deleted;  // NOT_FOUND is its only error
  }
  return deleted;
}

absl::StatusOr<std::size_t> MemorySessions::DeleteOfUser(std::string_view user) {
  std::vector<std::string> ids;
  for (const auto& [id, session] : log_.tables().sessions) {
    if (session->user == user) ids.push_back(id);
  }
  return DeleteEach(ids);
}

absl::StatusOr<std::vector<StoredSession>> MemorySessions::List() const {
  std::vector<StoredSession> sessions;
  for (const auto& [id, session] : log_.tables().sessions) sessions.push_back(*session);
  std::sort(sessions.begin(), sessions.end(), [](const StoredSession& a, const StoredSession& b) {
    return std::tie(a.create_time, a.id) < std::tie(b.create_time, b.id);
  });
  return sessions;
}

// --- The users file ---

absl::StatusOr<std::optional<TakenUsersFile>> MemoryUsersFile::Get() const {
  const auto& file = log_.tables().users_file;
  return file == nullptr ? std::nullopt : std::optional<TakenUsersFile>(*file);
}

absl::Status MemoryUsersFile::Put(const TakenUsersFile& file) {
  log_.Put(UsersFileChange{
      .key = {}, .before = nullptr, .after = std::make_shared<TakenUsersFile>(file)});
  return absl::OkStatus();
}

}  // namespace unipresence
