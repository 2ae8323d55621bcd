#include "server/app/password_backlog.h"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <chrono>
#include <utility>

#include "aggregator/base/status_macros.h"
#include "aggregator/base/strings.h"

namespace unipresence {
namespace {

constexpr Duration kReportPeriod = std::chrono::seconds(10);

}  // namespace

void PasswordBacklog::Add(std::vector<PasswordTask> tasks) {
  {
    MutexLock lock(mutex_);
    if (stopped_) return;
    for (PasswordTask& task : tasks) {
      reading_ = task.reading;
      Entry& entry = entries_[task.user];
      if (!std::exchange(entry.waits, true)) {
        queue_.push_back(task.user);
        ++waiting_;
      }
      entry.task = std::move(task);
    }
    if (waiting_ > kTold) {
      spdlog::info("users file: {} passwords to hash or to compare, behind", waiting_);
    }
    if (done_ == 0) started_ = ports_.clock.Now();
    next_report_ = ports_.clock.Now() + kReportPeriod;
  }
  Pump();
}

void PasswordBacklog::PutFirst(const std::string& user, Entry& entry) {
  if (entry.waits && !std::exchange(entry.first, true)) queue_.push_front(user);
}

void PasswordBacklog::WhenHashed(const std::string& user, Done done) {
  {
    MutexLock lock(mutex_);
    const auto found = entries_.find(user);
    if (found != entries_.end() && !stopped_) {
      found->second.waiters.push_back(std::move(done));
      PutFirst(user, found->second);
      return;
    }
  }
  std::move(done)();
}

void PasswordBacklog::Pump() {
  std::vector<PasswordTask> started;
  {
    MutexLock lock(mutex_);
    while (!stopped_ && !paused_ && running_ < kParallel && !queue_.empty()) {
      const auto found = entries_.find(queue_.front());
      queue_.pop_front();
      if (found == entries_.end() || !found->second.waits) continue;  // it was put first
      Entry& entry = found->second;
      entry.first = false;
      if (entry.runs) continue;  // it comes back when the older one is done
      entry.waits = false;
      entry.runs = true;
      started.push_back(entry.task);
      --waiting_;
      ++running_;
    }
  }
  for (PasswordTask& task : started) Start(std::move(task));
}

void PasswordBacklog::Start(PasswordTask task) {
  if (!HasPassword(task.held)) return Hash(std::move(task));
  std::string held = task.held;
  std::string password = task.password;
  ports_.hasher.Verify(std::move(held), std::move(password),
                       [this, task = std::move(task)](absl::StatusOr<bool> right) mutable {
                         if (!right.ok()) return Retry(task);
                         if (*right) return Finish(task, task.held);
                         if (!task.take) return Tell(task);
                         Hash(std::move(task));
                       });
}

void PasswordBacklog::Tell(const PasswordTask& task) {
  const std::string line = fmt::format("{}: password: another one (not taken)", task.user);
  SubmitOrRefuse(
      ports_.store,
      [task, line](Transaction& store) -> absl::Status {
        UNIPRESENCE_ASSIGN_OR_RETURN(auto file, store.users_file.Get());
        if (!file.has_value() || file->reading != task.reading) return absl::OkStatus();
        file->notes += (file->notes.empty() ? "" : "\n") + line;
        return store.users_file.Put(*file);
      },
      [this, task, line](const absl::Status& noted) {
        if (!noted.ok()) return Retry(task);
        spdlog::warn("users file: {}", line);
        Finish(task, task.held);
      });
}

void PasswordBacklog::Hash(PasswordTask task) {
  std::string password = task.password;
  ports_.hasher.Hash(std::move(password),
                     [this, task = std::move(task)](absl::StatusOr<std::string> hash) mutable {
                       if (!hash.ok()) return Retry(task);
                       Save(task, *hash);
                     });
}

std::uint64_t PasswordBacklog::NewestReadingOf(const PasswordTask& task) {
  MutexLock lock(mutex_);
  const auto found = entries_.find(task.user);
  const bool same = found != entries_.end() && found->second.task.password == task.password;
  return same ? found->second.task.reading : task.reading;
}

void PasswordBacklog::Save(const PasswordTask& task, const std::string& hash) {
  struct Saved {
    bool taken = false;
    bool replaced = false;  // another password than the one before
  };
  CallOrRefuse<Saved>(
      ports_.store,
      [this, task, hash](Transaction& store) -> absl::StatusOr<Saved> {
        const absl::StatusOr<StoredUser> user = store.users.Get(task.user);
        if (absl::IsNotFound(user.status())) return Saved();  // deleted meanwhile
        if (!user.ok()) return user.status();
        if (user->password_hash != task.held) return Saved();  // somebody set another one
        UNIPRESENCE_ASSIGN_OR_RETURN(const auto file, store.users_file.Get());
        UNIPRESENCE_RETURN_IF_ERROR(store.users.SetPasswordHash(task.user, hash));
        // What the file says itself makes the users no others than it says. But who can log in now
        // may let be taken what was refused (an administrator more): then the mark stands, and the
        // file is read again.
        if (file.has_value() && !file->refused && file->reading == NewestReadingOf(task)) {
          UNIPRESENCE_RETURN_IF_ERROR(store.users_file.Put(*file));
        }
        if (task.held == kPasswordPending) return Saved{.taken = true};
        UNIPRESENCE_RETURN_IF_ERROR(store.sessions.DeleteOfUser(task.user).status());
        return Saved{.taken = true, .replaced = true};
      },
      [this, task, hash](absl::StatusOr<Saved> saved) {
        if (!saved.ok()) return Retry(task);
        if (saved->replaced) spdlog::info("users file: {}: password: another one", task.user);
        Finish(task, saved->taken ? hash : std::string());
      });
}

void PasswordBacklog::Finish(const PasswordTask& task, const std::string& stored) {
  std::vector<Done> waiters;
  bool idle = false;
  std::uint64_t reading = 0;
  {
    MutexLock lock(mutex_);
    reading = reading_;
    const auto found = entries_.find(task.user);
    if (found != entries_.end() && found->second.waits) {
      // One of a newer file, which knew the hash from before.
      Entry& newer = found->second;
      newer.runs = false;
      if (!stored.empty() && newer.task.held == task.held) newer.task.held = stored;
      PutFirst(task.user, newer);
    } else if (found != entries_.end()) {
      waiters = std::move(found->second.waiters);
      entries_.erase(found);
    }
    --running_;
    ++leaving_;
    ++done_;
    idle = running_ == 0 && waiting_ == 0 && !stopped_;
    if (idle) {
      const std::size_t done = std::exchange(done_, 0);
      if (done > kTold) spdlog::info("users file: all {} passwords are done", done);
    }
  }
  for (Done& done : waiters) std::move(done)();
  if (idle && ports_.idle) ports_.idle(reading);
  Pump();
  // Nothing of this is touched any more: who stops may destroy it.
  MutexLock lock(mutex_);
  --leaving_;
  settled_.notify_all();
}

void PasswordBacklog::Retry(const PasswordTask& task) {
  MutexLock lock(mutex_);
  if (const auto found = entries_.find(task.user); found != entries_.end()) {
    found->second.runs = false;
    if (!std::exchange(found->second.waits, true)) ++waiting_;  // else a newer one counts
    PutFirst(task.user, found->second);
  }
  --running_;
  paused_ = true;
  settled_.notify_all();
}

void PasswordBacklog::OnSecond() {
  {
    MutexLock lock(mutex_);
    paused_ = false;
    const MonotonicTime now = ports_.clock.Now();
    if (waiting_ > 0 && done_ > 0 && now >= next_report_) {
      const auto took = std::chrono::duration_cast<std::chrono::seconds>(now - started_).count();
      const std::size_t left = static_cast<std::size_t>(took) * waiting_ / done_;
      spdlog::info("users file: {} passwords done, {} left, about {} s", done_, waiting_, left);
      next_report_ = now + kReportPeriod;
    }
  }
  Pump();
}

void PasswordBacklog::Stop() {
  absl::flat_hash_map<std::string, Entry> entries;
  {
    MutexLock lock(mutex_);
    if (!std::exchange(stopped_, true) && waiting_ > 0) {
      spdlog::info("users file: {} passwords are left for the next start", waiting_);
    }
    queue_.clear();
    while (running_ > 0 || leaving_ > 0) settled_.wait(mutex_);
    waiting_ = 0;
    entries.swap(entries_);
  }
  for (auto& [user, entry] : entries) {
    for (Done& done : entry.waiters) std::move(done)();
  }
}

}  // namespace unipresence
