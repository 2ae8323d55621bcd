#include "server/app/administrator_reset.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>
#include <vector>

#include "aggregator/base/status_macros.h"
#include "server/auth/password.h"

namespace unipresence {
namespace {

constexpr std::size_t kNamed = 5;

// How many insertions, deletions and replacements lead from one to the other.
std::size_t Distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j) row[j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    std::size_t diagonal = std::exchange(row[0], i);
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t replaced = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
      diagonal = std::exchange(row[j], std::min({row[j] + 1, row[j - 1] + 1, replaced}));
    }
  }
  return row.back();
}

// Administrators first, then the users whose names are nearest.
absl::StatusOr<std::string> Candidates(const UserReader& users, std::string_view name) {
  std::vector<std::pair<std::size_t, std::string>> near;
  UNIPRESENCE_RETURN_IF_ERROR(users.ForEach({}, [&](const StoredUser& stored) {
    const bool administers = stored.user.role == Role::kAdministrator;
    const std::size_t distance =
        std::min(Distance(name, stored.user.id), Distance(name, stored.user.username));
    if (!administers && distance > 2 + name.size() / 4) return;
    near.emplace_back(administers ? 0 : distance,
                      fmt::format("{}{}", stored.user.id, administers ? " (administrator)" : ""));
    std::sort(near.begin(), near.end());
    if (near.size() > kNamed) near.pop_back();
  }));
  std::vector<std::string> names;
  for (auto& [distance, text] : near) names.push_back(std::move(text));
  return fmt::format("{}", fmt::join(names, ", "));
}

absl::StatusOr<StoredUser> Find(const UserReader& users, std::string_view name) {
  absl::StatusOr<StoredUser> user = users.Get(name);
  if (absl::IsNotFound(user.status())) user = users.GetByUsername(name);
  if (!absl::IsNotFound(user.status())) return user;
  UNIPRESENCE_ASSIGN_OR_RETURN(const std::string candidates, Candidates(users, name));
  return absl::NotFoundError(fmt::format(
      "the store has no user '{}'; {}", name,
      candidates.empty() ? std::string("add one to the users file, with role: administrator and a "
                                       "password, and start the server")
                         : "did you mean: " + candidates));
}

}  // namespace

absl::Status ResetAdministrator(Transaction& store, std::string_view name,
                                std::string_view password) {
  UNIPRESENCE_RETURN_IF_ERROR(auth::ValidatePassword(password));
  UNIPRESENCE_ASSIGN_OR_RETURN(StoredUser stored, Find(store.users, name));
  UNIPRESENCE_ASSIGN_OR_RETURN(const std::string hash, auth::HashPassword(password));
  stored.user.role = Role::kAdministrator;
  UNIPRESENCE_RETURN_IF_ERROR(store.users.Update(stored.user));
  UNIPRESENCE_RETURN_IF_ERROR(store.users.SetPasswordHash(stored.user.id, hash));
  return store.sessions.DeleteOfUser(stored.user.id).status();
}

}  // namespace unipresence
