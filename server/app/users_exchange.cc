#include "server/app/users_exchange.h"

#include <fmt/format.h>

#include <optional>
#include <utility>

#include "aggregator/base/status_macros.h"
#include "server/account/last_administrator.h"
#include "server/storage/conflict.h"

namespace unipresence {
namespace {

absl::Status Add(Transaction& store, const config::UserSeed& seed) {
  const NewUser user{seed.user,
                     seed.password.empty() ? seed.password_hash : std::string(kPasswordPending)};
  UNIPRESENCE_ASSIGN_OR_RETURN(const SeedReport report, store.users.Seed({&user, 1}));
  if (!report.refused.empty()) return report.refused.front();
  // Deleted before.
  return report.added == 0 ? store.users.Create(user) : absl::OkStatus();
}

}  // namespace

bool IsRefusal(const absl::Status& status) {
  return absl::IsAlreadyExists(status) || absl::IsFailedPrecondition(status);
}

absl::Status Write(Transaction& store, const Difference& difference) {
  const config::UserSeed& seed = *difference.seed;
  if (difference.is_new()) return Add(store, seed);
  UNIPRESENCE_ASSIGN_OR_RETURN(const StoredUser before, store.users.Get(seed.user.id));
  UNIPRESENCE_RETURN_IF_ERROR(store.users.Update(seed.user));
  const std::string& hash = seed.password_hash;
  const bool new_password = !hash.empty() && hash != before.password_hash;
  if (new_password) UNIPRESENCE_RETURN_IF_ERROR(store.users.SetPasswordHash(seed.user.id, hash));
  UNIPRESENCE_RETURN_IF_ERROR(CheckSomebodyAdministers(store.users, before));
  if (!new_password && seed.user.role == before.user.role) return absl::OkStatus();
  return store.sessions.DeleteOfUser(seed.user.id).status();
}

Exchange::Exchange(Transaction& store, std::vector<Difference>& differences) : store_(store) {
  for (Difference& difference : differences) {
    by_id_[difference.id()] = members_.size();
    members_.push_back({.difference = &difference});
  }
}

absl::StatusOr<std::vector<Difference*>> Exchange::Try() {
  UNIPRESENCE_ASSIGN_OR_RETURN(const std::uint64_t administrators,
                               store_.users.CountLogins(Role::kAdministrator));
  for (Member& member : members_) {
    if (member.difference->is_new()) continue;
    UNIPRESENCE_ASSIGN_OR_RETURN(member.before, store_.users.Get(member.difference->id()));
    UNIPRESENCE_RETURN_IF_ERROR(StepAside(member));
  }
  std::vector<std::size_t> stay;
  UNIPRESENCE_RETURN_IF_ERROR(WriteEach(stay));
  while (!stay.empty()) {
    const std::size_t member = stay.back();
    stay.pop_back();
    UNIPRESENCE_RETURN_IF_ERROR(Restore(member, stay));
  }
  UNIPRESENCE_ASSIGN_OR_RETURN(const std::uint64_t left,
                               store_.users.CountLogins(Role::kAdministrator));
  // Who was to administer instead had to stay.
  const bool nobody_administers = left == 0 && administrators > 0;
  std::vector<Difference*> taken;
  for (Member& member : members_) {
    member.taken &= !nobody_administers;
    if (member.taken) taken.push_back(member.difference);
  }
  return taken;
}

absl::Status Exchange::WriteEach(std::vector<std::size_t>& stay) {
  for (std::size_t i = 0; i < members_.size(); ++i) {
    Member& member = members_[i];
    absl::Status status = store_.InPart([&] { return Write(store_, *member.difference); });
    if (!status.ok() && !IsRefusal(status)) return status;
    member.taken = status.ok();
    if (member.taken) continue;
    member.difference->status = std::move(status);
    stay.push_back(i);
  }
  return absl::OkStatus();
}

absl::Status Exchange::MakeWay() {
  for (const Member& member : members_) {
    if (member.taken) UNIPRESENCE_RETURN_IF_ERROR(StepAside(member));
  }
  return absl::OkStatus();
}

absl::Status Exchange::StepAside(const Member& member) {
  if (member.difference->is_new()) return absl::OkStatus();
  User user = member.before.user;
  const std::string name = fmt::format("unipresence-aside-{}", by_id_.at(member.difference->id()));
  // A number and a box are unique within their context only.
  user.username = user.context = name;
  for (Line& line : user.lines) line.device = fmt::format("{}/{}", name, ToString(line.kind));
  if (user.voicemail) user.voicemail->context = name;
  return store_.users.Update(user);
}

absl::Status Exchange::Restore(std::size_t index, std::vector<std::size_t>& stay) {
  if (members_[index].difference->is_new()) return absl::OkStatus();
  const StoredUser& before = members_[index].before;
  while (true) {
    absl::Status status = store_.users.Update(before.user);
    if (status.ok()) return store_.users.SetPasswordHash(before.user.id, before.password_hash);
    const std::optional<Conflict> conflict = ConflictOf(status);
    const auto owner = conflict ? by_id_.find(conflict->owner) : by_id_.end();
    if (owner == by_id_.end() || !members_[owner->second].taken) return status;
    Member& other = members_[owner->second];
    other.taken = false;
    if (other.difference->is_new()) {
      UNIPRESENCE_RETURN_IF_ERROR(store_.users.Delete(other.difference->id()));
    } else {
      UNIPRESENCE_RETURN_IF_ERROR(StepAside(other));
      stay.push_back(owner->second);
    }
  }
}

}  // namespace unipresence
