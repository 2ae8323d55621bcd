#include "server/app/users_sync.h"

#include <fmt/format.h>

#include <unordered_map>
#include <unordered_set>
#include <utility>

#include "aggregator/base/status_macros.h"
#include "aggregator/base/strings.h"
#include "server/account/last_administrator.h"
#include "server/app/user_difference.h"

namespace unipresence {
namespace {

using config::UserSeed;

// Log lines of one kind: the first of them, then how many more there are.
class Lines {
 public:
  explicit Lines(std::string_view more) : more_(more) {}

  void Add(std::string line) {
    if (++count_ <= kUsersNamed) lines_.push_back(std::move(line));
  }
  void MoveTo(std::vector<std::string>& out) {
    for (std::string& line : lines_) out.push_back(std::move(line));
    if (count_ > kUsersNamed) out.push_back(fmt::format("{} more {}", count_ - kUsersNamed, more_));
  }
  std::size_t count() const { return count_; }

 private:
  std::string_view more_;
  std::size_t count_ = 0;
  std::vector<std::string> lines_;
};

class Syncer {
 public:
  Syncer(Store& store, std::span<const UserSeed> seeds, bool file_wins)
      : store_(store), file_wins_(file_wins) {
    for (const UserSeed& seed : seeds) by_id_.emplace(seed.user.id, &seed);
    ids_.reserve(seeds.size());
    for (const UserSeed& seed : seeds) ids_.push_back(seed.user.id);
  }

  absl::Status Run() {
    UNIPRESENCE_RETURN_IF_ERROR(
        store_.ForEachUser([this](const StoredUser& stored) { Look(stored); }));
    UNIPRESENCE_RETURN_IF_ERROR(LookForNew());
    UNIPRESENCE_RETURN_IF_ERROR(TakeAll());
    return absl::OkStatus();
  }

  UsersSync Finish() {
    std::vector<std::string>& lines = out_.lines;
    for (Lines* kind : {&taken_, &left_, &refused_, &gone_}) kind->MoveTo(lines);
    if (left_.count() > 0) {
      lines.emplace_back(
          "what the file says of known users is taken with users_file_wins: true; or use "
          "`unipresence user update`");
    }
    if (not_compared_ > 0) {
      lines.push_back(
          fmt::format("the passwords of {} known users were not compared", not_compared_));
    }
    if (deleted_ > 0) {
      lines.push_back(fmt::format("{} of its users were deleted here and stay so", deleted_));
    }
    lines.push_back(
        fmt::format("{} users added, {} changed, {} known before", added_, taken_.count(), known_));
    return std::move(out_);
  }

 private:
  void Look(const StoredUser& stored) {
    const auto found = by_id_.find(stored.user.id);
    if (found == by_id_.end()) {
      if (stored.origin == UserOrigin::kSeed) {
        gone_.Add(
            fmt::format("{}: not in the file any more, but kept; `unipresence user delete {}` "
                        "deletes the user",
                        stored.user.id, stored.user.id));
      }
      return;
    }
    const UserSeed& seed = *found->second;
    ++known_;
    seen_.insert(found->first);
    std::vector<std::string> differences = DifferencesOf(stored.user, seed.user);
    if (!seed.password_hash.empty() && seed.password_hash != stored.password_hash) {
      differences.emplace_back("password_hash: another one");
    }
    LookAtPassword(stored, seed);
    if (differences.empty()) return;
    const std::string line = fmt::format("{}: {}", stored.user.id, fmt::join(differences, "; "));
    if (file_wins_) {
      pending_.push_back({&seed, line});
    } else {
      left_.Add(line + " (not taken)");
    }
  }

  void LookAtPassword(const StoredUser& stored, const UserSeed& seed) {
    const bool pending = stored.password_hash == kPasswordPending;
    if (seed.password.empty()) {
      if (pending && seed.password_hash.empty()) {
        refused_.Add(
            fmt::format("{}: cannot log in: the file had a password, which was not hashed "
                        "yet and is gone; `unipresence user update` sets one",
                        stored.user.id));
      }
      return;
    }
    if (!pending && !file_wins_ && ++compared_ > kMaxCompared) {
      ++not_compared_;
      return;
    }
    out_.passwords.push_back({.user = stored.user.id,
                              .password = seed.password,
                              .held = stored.password_hash,
                              .take = pending || file_wins_});
  }

  absl::Status LookForNew() {
    std::vector<std::string> unseen;
    for (const std::string& id : ids_) {
      if (!seen_.contains(id)) unseen.push_back(id);
    }
    std::vector<std::string> fresh = unseen;
    if (!file_wins_) {
      UNIPRESENCE_ASSIGN_OR_RETURN(fresh, store_.UnseededIds(unseen));
      deleted_ = unseen.size() - fresh.size();
    }
    for (const std::string& id : fresh) pending_.push_back({by_id_.at(id), ""});
    return absl::OkStatus();
  }

  // One user's number may be free only after another one has changed: as often as it helps.
  absl::Status TakeAll() {
    std::size_t left = pending_.size() + 1;
    while (pending_.size() < left) {
      left = pending_.size();
      std::vector<Pending> again;
      for (Pending& pending : pending_) {
        pending.status = store_.InTransaction([&] { return Take(pending); });
        if (absl::IsAlreadyExists(pending.status)) {
          again.push_back(std::move(pending));
        } else if (absl::IsFailedPrecondition(pending.status)) {
          Refuse(pending);
        } else if (!pending.status.ok()) {
          return pending.status;
        }
      }
      pending_ = std::move(again);
    }
    for (const Pending& pending : pending_) Refuse(pending);
    return absl::OkStatus();
  }

  struct Pending {
    const UserSeed* seed;
    std::string line;  // what differs; empty: a new user
    absl::Status status{};
  };

  absl::Status Take(const Pending& pending) {
    const User& user = pending.seed->user;
    if (pending.line.empty()) return Add(*pending.seed);
    UNIPRESENCE_ASSIGN_OR_RETURN(const StoredUser before, store_.GetUser(user.id));
    UNIPRESENCE_RETURN_IF_ERROR(store_.UpdateUser(user));
    const std::string& hash = pending.seed->password_hash;
    const bool new_password = !hash.empty() && hash != before.password_hash;
    if (new_password) UNIPRESENCE_RETURN_IF_ERROR(store_.SetPasswordHash(user.id, hash));
    UNIPRESENCE_RETURN_IF_ERROR(CheckSomebodyAdministers(store_, before));
    const bool ends_sessions = new_password || user.role != before.user.role;
    if (ends_sessions) {
      UNIPRESENCE_RETURN_IF_ERROR(store_.DeleteSessionsOfUser(user.id).status());
    }
    out_.changed.push_back({user.id, ends_sessions});
    taken_.Add(pending.line);
    return absl::OkStatus();
  }

  absl::Status Add(const UserSeed& seed) {
    const bool plain = !seed.password.empty();
    const NewUser user{seed.user, plain ? std::string(kPasswordPending) : seed.password_hash};
    UNIPRESENCE_ASSIGN_OR_RETURN(const SeedReport report, store_.SeedUsers({&user, 1}));
    if (!report.refused.empty()) return report.refused.front();
    // Deleted before.
    if (report.added == 0) UNIPRESENCE_RETURN_IF_ERROR(store_.CreateUser(user));
    ++added_;
    out_.changed.push_back({seed.user.id, false});
    if (plain) {
      out_.passwords.push_back(
          {.user = seed.user.id, .password = seed.password, .held = std::string(kPasswordPending)});
    }
    return absl::OkStatus();
  }

  void Refuse(const Pending& pending) {
    refused_.Add(fmt::format("{}: not taken: {}", pending.seed->user.id,
                             FromAbsl(pending.status.message())));
  }

  Store& store_;
  const bool file_wins_;
  std::unordered_map<std::string_view, const UserSeed*> by_id_;
  std::vector<std::string> ids_;  // in the order of the file
  std::unordered_set<std::string_view> seen_;
  std::vector<Pending> pending_;
  UsersSync out_;
  Lines taken_{"users changed"};
  Lines left_{"users differ"};
  Lines refused_{"users are not as the file says"};
  Lines gone_{"users are not in the file any more"};
  std::size_t added_ = 0;
  std::size_t known_ = 0;
  std::size_t deleted_ = 0;
  std::size_t compared_ = 0;
  std::size_t not_compared_ = 0;
};

}  // namespace

absl::StatusOr<UsersSync> SyncUsers(Store& store, std::span<const UserSeed> seeds,
                                    std::string_view file, bool file_wins) {
  Syncer syncer(store, seeds, file_wins);
  UNIPRESENCE_RETURN_IF_ERROR(store.InTransaction([&] { return syncer.Run(); }));
  UsersSync sync = syncer.Finish();
  for (std::string& line : sync.lines) line = fmt::format("users file {}: {}", file, line);
  return sync;
}

}  // namespace unipresence
