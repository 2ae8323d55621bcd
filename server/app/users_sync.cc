#include "server/app/users_sync.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <optional>
#include <unordered_map>
#include <unordered_set>
#include <utility>

#include "aggregator/base/status_macros.h"
#include "aggregator/base/strings.h"
#include "server/account/last_administrator.h"
#include "server/app/user_difference.h"
#include "server/app/users_exchange.h"

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
  Syncer(Transaction& store, std::span<const UserSeed> seeds, bool file_wins, std::stop_token stop)
      : store_(store), file_wins_(file_wins), stop_(std::move(stop)) {
    for (const UserSeed& seed : seeds) by_id_.emplace(seed.user.id, &seed);
    ids_.reserve(seeds.size());
    for (const UserSeed& seed : seeds) ids_.push_back(seed.user.id);
  }

  absl::Status Run() {
    UNIPRESENCE_RETURN_IF_ERROR(store_.users.ForEach({}, [this](const StoredUser& stored) {
      if (!stop_.stop_requested()) Look(stored);
    }));
    for (const UserSeed* seed : hashes_) {
      UNIPRESENCE_RETURN_IF_ERROR(CheckStop());
      UNIPRESENCE_RETURN_IF_ERROR(store_.users.SetPasswordHash(seed->user.id, seed->password_hash));
      hashes_taken_.Add(fmt::format("{}: password_hash: taken", seed->user.id));
    }
    UNIPRESENCE_RETURN_IF_ERROR(LookForNew());
    UNIPRESENCE_RETURN_IF_ERROR(TakeAll());
    return CheckStop();
  }

  // What is to be remembered of the file, but for its digest and number.
  TakenUsersFile Taken() {
    for (Lines* kind : {&left_, &refused_, &gone_}) kind->MoveTo(notes_);
    if (left_.count() > 0) {
      notes_.emplace_back(
          "what the file says of known users is taken with users_file_wins: true; or use "
          "`unipresence users update`");
    }
    if (not_compared_ > 0) {
      notes_.push_back(
          fmt::format("the passwords of {} known users were not compared", not_compared_));
    }
    if (deleted_ > 0) {
      notes_.push_back(fmt::format("{} of its users were deleted here and stay so", deleted_));
    }
    TakenUsersFile taken;
    taken.complete = out_.passwords.empty();
    taken.refused = refused_.count() > 0;
    taken.notes = fmt::format("{}", fmt::join(notes_, "\n"));
    return taken;
  }

  // After Taken.
  UsersSync Finish(std::uint64_t reading) {
    std::vector<std::string>& lines = out_.lines;
    for (Lines* kind : {&taken_, &hashes_taken_}) kind->MoveTo(lines);
    for (std::string& note : notes_) lines.push_back(std::move(note));
    lines.push_back(
        fmt::format("{} users added, {} changed, {} known before", added_, taken_.count(), known_));
    for (PasswordTask& task : out_.passwords) task.reading = reading;
    return std::move(out_);
  }

 private:
  absl::Status CheckStop() const {
    if (stop_.stop_requested()) return absl::CancelledError("the server stops");
    return absl::OkStatus();
  }

  void Look(const StoredUser& stored) {
    const auto found = by_id_.find(stored.user.id);
    if (found == by_id_.end()) {
      if (stored.origin == UserOrigin::kSeed) {
        gone_.Add(
            fmt::format("{}: not in the file any more, but kept; `unipresence users delete {}` "
                        "deletes the user",
                        stored.user.id, stored.user.id));
      }
      return;
    }
    const UserSeed& seed = *found->second;
    ++known_;
    seen_.insert(found->first);
    std::vector<std::string> differences = DifferencesOf(stored.user, seed.user);
    LookAtPassword(stored, seed, differences);
    if (differences.empty()) return;
    const std::string line = fmt::format("{}: {}", stored.user.id, fmt::join(differences, "; "));
    if (file_wins_) {
      differences_.push_back({&seed, line});
    } else {
      left_.Add(line + " (not taken)");
    }
  }

  void LookAtPassword(const StoredUser& stored, const UserSeed& seed,
                      std::vector<std::string>& differences) {
    const bool pending = stored.password_hash == kPasswordPending;
    if (!seed.password_hash.empty()) {
      if (pending) {
        hashes_.push_back(&seed);
      } else if (seed.password_hash != stored.password_hash) {
        differences.emplace_back("password_hash: another one");
      }
      return;
    }
    if (seed.password.empty()) {
      if (pending) {
        refused_.Add(
            fmt::format("{}: cannot log in: the file had a password, which was not hashed "
                        "yet and is gone; `unipresence users update` sets one",
                        stored.user.id));
      }
      return;
    }
    if (stored.password_hash.empty() && !file_wins_) {
      differences.emplace_back("password: another one");
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
    UNIPRESENCE_RETURN_IF_ERROR(CheckStop());
    std::vector<std::string> unseen;
    for (const std::string& id : ids_) {
      if (!seen_.contains(id)) unseen.push_back(id);
    }
    std::vector<std::string> fresh = unseen;
    if (!file_wins_) {
      UNIPRESENCE_ASSIGN_OR_RETURN(fresh, store_.users.Unseeded(unseen));
      deleted_ = unseen.size() - fresh.size();
    }
    for (const std::string& id : fresh) differences_.push_back({by_id_.at(id), ""});
    return absl::OkStatus();
  }

  absl::Status TakeAll() {
    // Who is to administer comes before who is to do so no more.
    std::stable_partition(differences_.begin(), differences_.end(), [](const Difference& it) {
      return it.seed->user.role == Role::kAdministrator;
    });
    std::vector<Difference> left;
    for (Difference& difference : differences_) {
      UNIPRESENCE_RETURN_IF_ERROR(CheckStop());
      difference.status = store_.InPart([&] { return Write(store_, difference); });
      if (difference.status.ok()) {
        Note(difference);
      } else if (IsRefusal(difference.status)) {
        left.push_back(std::move(difference));
      } else {
        return difference.status;
      }
    }
    if (!left.empty()) UNIPRESENCE_RETURN_IF_ERROR(TakeTogether(left));
    for (const Difference& difference : left) {
      if (difference.status.ok()) continue;
      refused_.Add(
          fmt::format("{}: not taken: {}", difference.id(), FromAbsl(difference.status.message())));
    }
    return absl::OkStatus();
  }

  // Sets the status of those who are taken to OK.
  absl::Status TakeTogether(std::vector<Difference>& left) {
    Exchange exchange(store_, left);
    std::vector<Difference*> taken;
    const absl::Status tried = store_.InPart([&]() -> absl::Status {
      UNIPRESENCE_ASSIGN_OR_RETURN(taken, exchange.Try());
      return absl::CancelledError("only tried");
    });
    if (IsRefusal(tried)) return absl::OkStatus();  // somebody is named like those aside
    if (!absl::IsCancelled(tried)) return tried;
    UNIPRESENCE_RETURN_IF_ERROR(CheckStop());
    // In one part, for in no order can they be applied one by one.
    const absl::Status written = store_.InPart([&]() -> absl::Status {
      UNIPRESENCE_RETURN_IF_ERROR(exchange.MakeWay());
      for (const Difference* difference : taken) {
        UNIPRESENCE_RETURN_IF_ERROR(Write(store_, *difference));
      }
      return absl::OkStatus();
    });
    if (IsRefusal(written)) return absl::OkStatus();
    UNIPRESENCE_RETURN_IF_ERROR(written);
    for (Difference* difference : taken) {
      difference->status = absl::OkStatus();
      Note(*difference);
    }
    return absl::OkStatus();
  }

  // It was taken.
  void Note(const Difference& difference) {
    if (!difference.is_new()) return taken_.Add(difference.line);
    ++added_;
    if (difference.seed->password.empty()) return;
    out_.passwords.push_back({.user = difference.id(),
                              .password = difference.seed->password,
                              .held = std::string(kPasswordPending)});
  }

  Transaction& store_;
  const bool file_wins_;
  const std::stop_token stop_;
  std::unordered_map<std::string_view, const UserSeed*> by_id_;
  std::vector<std::string> ids_;  // in the order of the file
  std::unordered_set<std::string_view> seen_;
  std::vector<const UserSeed*> hashes_;  // of those whose password is pending
  std::vector<Difference> differences_;
  UsersSync out_;
  std::vector<std::string> notes_;
  Lines taken_{"users changed"};
  Lines hashes_taken_{"password hashes were taken"};
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

absl::StatusOr<UsersSync> SyncUsers(Transaction& store, std::span<const UserSeed> seeds,
                                    std::string_view file, std::string_view digest, bool file_wins,
                                    std::stop_token stop) {
  UsersSync sync;
  UNIPRESENCE_RETURN_IF_ERROR(store.InPart([&]() -> absl::Status {
    Syncer syncer(store, seeds, file_wins, std::move(stop));
    UNIPRESENCE_RETURN_IF_ERROR(syncer.Run());
    UNIPRESENCE_ASSIGN_OR_RETURN(const auto before, store.users_file.Get());
    TakenUsersFile taken = syncer.Taken();
    taken.digest = digest;
    taken.reading = before.has_value() ? before->reading + 1 : 1;
    sync = syncer.Finish(taken.reading);
    return store.users_file.Put(taken);
  }));
  for (std::string& line : sync.lines) line = fmt::format("users file {}: {}", file, line);
  return sync;
}

absl::Status CompleteUsersFile(Transaction& store, std::uint64_t reading) {
  UNIPRESENCE_ASSIGN_OR_RETURN(std::optional<TakenUsersFile> file, store.users_file.Get());
  if (!file.has_value() || file->reading != reading) return absl::OkStatus();
  file->complete = true;
  return store.users_file.Put(*file);
}

}  // namespace unipresence
