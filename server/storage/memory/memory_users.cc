// The users of MemoryStore.

#include <algorithm>
#include <utility>

#include "absl/strings/ascii.h"
#include "aggregator/base/status_macros.h"
#include "aggregator/base/strings.h"
#include "server/storage/conflict.h"
#include "server/storage/memory/memory_ports.h"
#include "server/storage/refusals.h"

namespace unipresence {
namespace {

using Field = Conflict::Field;

User WithCanonicalDevices(User user) {
  for (Line& line : user.lines) line.device = CanonicalDevice(line.device);
  return user;
}

// UserFilter, with its text in lower case.
bool Matches(const User& user, const UserFilter& filter, const std::string& text) {
  const auto contains = [&](const std::string& value) {
    return absl::AsciiStrToLower(value).find(text) != std::string::npos;
  };
  if (!contains(user.id) && !contains(user.display_name) && !contains(user.exten)) return false;
  if (filter.role.has_value() && user.role != *filter.role) return false;
  return filter.pbx.empty() ||
         std::any_of(user.lines.begin(), user.lines.end(),
                     [&](const Line& line) { return line.pbx == filter.pbx; });
}

}  // namespace

void MemoryUsers::Replace(std::uint64_t number, std::shared_ptr<const StoredUser> user) {
  log_.Put(UserChange{.key = number, .before = nullptr, .after = std::move(user)});
  const auto& file = log_.tables().users_file;
  if (file == nullptr || file->users_changed) return;
  auto changed = std::make_shared<TakenUsersFile>(*file);
  changed->users_changed = true;
  log_.Put(UsersFileChange{.key = {}, .before = nullptr, .after = std::move(changed)});
}

absl::Status MemoryUsers::CheckUnique(const User& user, std::uint64_t number) const {
  const MemoryTables& tables = log_.tables();
  const auto owner = [&](const auto& index, const auto& key) -> std::string {
    const auto found = index.find(key);
    if (found == index.end() || found->second == number) return {};
    return tables.users.at(found->second)->user.id;
  };
  using Pair = MemoryTables::Pair;
  if (const auto id = owner(tables.by_id, user.id); !id.empty()) {
    return ConflictError({Field::kId, user.id, "", id});
  }
  const std::string username = absl::AsciiStrToLower(user.username);
  if (const auto id = owner(tables.by_username, username); !id.empty()) {
    return ConflictError({Field::kUsername, user.username, "", id});
  }
  if (const auto id = owner(tables.by_exten, Pair(user.context, user.exten)); !id.empty()) {
    return ConflictError({Field::kExten, user.exten, user.context, id});
  }
  for (const Line& line : user.lines) {
    const Pair device(line.pbx, CanonicalDevice(line.device));
    if (const auto id = owner(tables.by_device, device); !id.empty()) {
      return ConflictError({Field::kDevice, line.device, line.pbx, id});
    }
  }
  if (user.voicemail.has_value()) {
    const Pair box(user.voicemail->context, user.voicemail->number);
    if (const auto id = owner(tables.by_box, box); !id.empty()) {
      return ConflictError({Field::kMailbox, box.second, box.first, id});
    }
  }
  std::set<Pair> own;
  for (const Line& line : user.lines) {
    if (own.emplace(line.pbx, CanonicalDevice(line.device)).second) continue;
    return ConflictError({Field::kDevice, line.device, line.pbx, user.id});
  }
  return absl::OkStatus();
}

absl::Status MemoryUsers::Insert(const NewUser& added, UserOrigin origin) {
  UNIPRESENCE_RETURN_IF_ERROR(CheckUnique(added.user, 0));
  const auto& users = log_.tables().users;
  const WallTimeMicros now = clock_.WallNow();
  Replace(users.empty() ? 1 : users.rbegin()->first + 1,
          std::make_shared<StoredUser>(StoredUser{.user = WithCanonicalDevices(added.user),
                                                  .password_hash = added.password_hash,
                                                  .settings = {},
                                                  .origin = origin,
                                                  .create_time = now,
                                                  .update_time = now,
                                                  .version = 1}));
  return absl::OkStatus();
}

absl::Status MemoryUsers::Create(const NewUser& user) {
  UNIPRESENCE_RETURN_IF_ERROR(ValidateUser(user.user));
  UNIPRESENCE_RETURN_IF_ERROR(Insert(user, UserOrigin::kProvisioned));
  log_.Put(DeletedChange{.key = user.user.id, .before = nullptr, .after = nullptr});
  return absl::OkStatus();
}

absl::Status MemoryUsers::Update(const User& user) {
  UNIPRESENCE_RETURN_IF_ERROR(ValidateUser(user));
  const auto before = log_.tables().Find(user.id);
  if (before == nullptr) return NoSuchUser(user.id);
  if (before->user == user) return absl::OkStatus();
  const std::uint64_t number = log_.tables().by_id.find(user.id)->second;
  UNIPRESENCE_RETURN_IF_ERROR(CheckUnique(user, number));
  auto after = std::make_shared<StoredUser>(*before);
  after->user = WithCanonicalDevices(user);
  after->update_time = clock_.WallNow();
  ++after->version;
  const std::optional<LineKind>& selected = after->settings.selected_device;
  if (selected.has_value() &&
      std::none_of(user.lines.begin(), user.lines.end(),
                   [&](const Line& line) { return line.kind == *selected; })) {
    after->settings.selected_device.reset();
    after->settings.select_time = 0;
  }
  Replace(number, std::move(after));
  return absl::OkStatus();
}

absl::Status MemoryUsers::SetPasswordHash(std::string_view id, std::string_view password_hash) {
  const auto before = log_.tables().Find(id);
  if (before == nullptr) return NoSuchUser(id);
  auto after = std::make_shared<StoredUser>(*before);
  after->password_hash = password_hash;
  after->update_time = clock_.WallNow();
  ++after->version;
  Replace(log_.tables().by_id.find(id)->second, std::move(after));
  return absl::OkStatus();
}

absl::Status MemoryUsers::Delete(std::string_view id) {
  const MemoryTables& tables = log_.tables();
  const auto found = tables.by_id.find(id);
  if (found == tables.by_id.end()) return NoSuchUser(id);
  UNIPRESENCE_RETURN_IF_ERROR(MemorySessions(log_).DeleteOfUser(id).status());
  Replace(found->second, nullptr);
  log_.Put(DeletedChange{
      .key = std::string(id), .before = nullptr, .after = std::make_shared<DeletedId>()});
  return absl::OkStatus();
}

absl::StatusOr<SeedReport> MemoryUsers::Seed(std::span<const NewUser> users) {
  for (const NewUser& seed : users) UNIPRESENCE_RETURN_IF_ERROR(ValidateUser(seed.user));
  SeedReport report;
  for (const NewUser& seed : users) {
    UNIPRESENCE_ASSIGN_OR_RETURN(const auto unseeded, Unseeded({&seed.user.id, 1}));
    if (unseeded.empty()) {
      ++report.left_alone;
    } else if (absl::Status status = Insert(seed, UserOrigin::kSeed); status.ok()) {
      ++report.added;
    } else {
      report.refused.push_back(std::move(status));
    }
  }
  return report;
}

absl::StatusOr<StoredUser> MemoryUsers::Get(std::string_view id) const {
  const auto user = log_.tables().Find(id);
  if (user == nullptr) return NoSuchUser(id);
  return *user;
}

absl::StatusOr<StoredUser> MemoryUsers::GetByUsername(std::string_view username) const {
  const MemoryTables& tables = log_.tables();
  const auto found = tables.by_username.find(absl::AsciiStrToLower(ToAbsl(username)));
  if (found == tables.by_username.end()) return NoSuchUser(username, "username");
  return *tables.users.at(found->second);
}

absl::StatusOr<UserPage> MemoryUsers::List(const UserFilter& filter,
                                           const UserPageRequest& page) const {
  const MemoryTables& tables = log_.tables();
  const std::string text = absl::AsciiStrToLower(filter.text);
  UserPage listed;
  std::size_t scanned = 0;
  for (auto it = tables.by_id.upper_bound(page.after); it != tables.by_id.end(); ++it) {
    const StoredUser& user = *tables.users.at(it->second);
    if (Matches(user.user, filter, text)) listed.users.push_back(user);
    const bool full = listed.users.size() == page.limit;
    if (++scanned < page.scan_limit && !full) continue;
    if (!full || std::next(it) != tables.by_id.end()) listed.next = it->first;
    break;
  }
  return listed;
}

absl::Status MemoryUsers::ForEach(const UserFilter& filter,
                                  absl::FunctionRef<void(const StoredUser&)> visit) const {
  const std::string text = absl::AsciiStrToLower(filter.text);
  for (const auto& [number, user] : log_.tables().users) {
    if (Matches(user->user, filter, text)) visit(*user);
  }
  return absl::OkStatus();
}

absl::StatusOr<std::uint64_t> MemoryUsers::Count(std::optional<Role> role) const {
  std::uint64_t count = 0;
  for (const auto& [number, user] : log_.tables().users) {
    if (!role.has_value() || user->user.role == *role) ++count;
  }
  return count;
}

absl::StatusOr<std::uint64_t> MemoryUsers::CountLogins(Role role) const {
  std::uint64_t count = 0;
  for (const auto& [number, user] : log_.tables().users) {
    if (user->user.role == role && HasPassword(user->password_hash)) ++count;
  }
  return count;
}

absl::StatusOr<std::vector<std::string>> MemoryUsers::Unseeded(
    std::span<const std::string> ids) const {
  const MemoryTables& tables = log_.tables();
  std::vector<std::string> unseeded;
  for (const std::string& id : ids) {
    if (!tables.by_id.contains(id) && !tables.deleted.contains(id)) unseeded.push_back(id);
  }
  return unseeded;
}

}  // namespace unipresence
