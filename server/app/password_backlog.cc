#include "server/app/password_backlog.h"

#include <spdlog/spdlog.h>

#include <algorithm>
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
      // One of an earlier load that still waits: the newer file counts.
      if (!waiting_.try_emplace(task.user).second) {
        std::erase_if(queue_, [&](const PasswordTask& other) { return other.user == task.user; });
      }
      queue_.push_back(std::move(task));
    }
    if (queue_.size() > kTold) {
      spdlog::info("users file: {} passwords to hash or to compare, behind", queue_.size());
    }
    if (done_ == 0) started_ = ports_.clock.Now();
    next_report_ = ports_.clock.Now() + kReportPeriod;
  }
  Pump();
}

void PasswordBacklog::WhenHashed(const std::string& user, Done done) {
  {
    MutexLock lock(mutex_);
    const auto found = waiting_.find(user);
    if (found != waiting_.end() && !stopped_) {
      found->second.push_back(std::move(done));
      const auto task = std::find_if(queue_.begin(), queue_.end(),
                                     [&](const PasswordTask& t) { return t.user == user; });
      if (task != queue_.end()) std::rotate(queue_.begin(), task, task + 1);
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
      started.push_back(std::move(queue_.front()));
      queue_.pop_front();
      ++running_;
    }
  }
  for (PasswordTask& task : started) Start(std::move(task));
}

void PasswordBacklog::Start(PasswordTask task) {
  if (!HasPassword(task.held)) return Hash(std::move(task));
  const PasswordTask& kept = task;
  std::string held = kept.held;
  std::string password = kept.password;
  ports_.hasher.Verify(std::move(held), std::move(password),
                       [this, task = std::move(task)](absl::StatusOr<bool> right) mutable {
                         if (!right.ok()) return Retry(std::move(task));
                         if (*right) return Finish(task);
                         if (task.take) return Hash(std::move(task));
                         spdlog::warn("users file: {}: password: another one (not taken)",
                                      task.user);
                         Finish(task);
                       });
}

void PasswordBacklog::Hash(PasswordTask task) {
  std::string password = task.password;
  ports_.hasher.Hash(std::move(password),
                     [this, task = std::move(task)](absl::StatusOr<std::string> hash) mutable {
                       if (!hash.ok()) return Retry(std::move(task));
                       Save(task, *std::move(hash));
                     });
}

void PasswordBacklog::Save(const PasswordTask& task, std::string hash) {
  const absl::Status refused = ports_.store.Call<std::optional<StoredUser>>(
      [task,
       hash = std::move(hash)](Transaction& store) -> absl::StatusOr<std::optional<StoredUser>> {
        const absl::StatusOr<StoredUser> user = store.users.Get(task.user);
        if (absl::IsNotFound(user.status())) return std::nullopt;  // deleted meanwhile
        if (!user.ok()) return user.status();
        if (user->password_hash != task.held) return std::nullopt;  // somebody set another one
        UNIPRESENCE_ASSIGN_OR_RETURN(const auto file, store.users_file.Get());
        UNIPRESENCE_RETURN_IF_ERROR(store.users.SetPasswordHash(task.user, hash));
        // What the file says itself makes the users no others than it says.
        if (file.has_value() && file->reading == task.reading) {
          UNIPRESENCE_RETURN_IF_ERROR(store.users_file.Put(*file));
        }
        if (task.held == kPasswordPending) return std::nullopt;
        UNIPRESENCE_RETURN_IF_ERROR(store.sessions.DeleteOfUser(task.user).status());
        UNIPRESENCE_ASSIGN_OR_RETURN(StoredUser changed, store.users.Get(task.user));
        return changed;
      },
      [this, task](absl::StatusOr<std::optional<StoredUser>> changed) {
        if (!changed.ok()) return Retry(task);
        if (changed->has_value()) {
          spdlog::info("users file: {}: password: another one", task.user);
          ports_.changed(std::move(**changed));
        }
        Finish(task);
      });
  if (!refused.ok()) Retry(task);
}

void PasswordBacklog::Finish(const PasswordTask& task) {
  std::vector<Done> waiters;
  bool idle = false;
  std::uint64_t reading = 0;
  {
    MutexLock lock(mutex_);
    reading = reading_;
    const auto found = waiting_.find(task.user);
    if (found != waiting_.end()) {
      waiters = std::move(found->second);
      waiting_.erase(found);
    }
    --running_;
    ++done_;
    idle = running_ == 0 && queue_.empty() && !stopped_;
    if (idle) {
      const std::size_t done = std::exchange(done_, 0);
      if (done > kTold) spdlog::info("users file: all {} passwords are done", done);
    }
    settled_.notify_all();
  }
  for (Done& done : waiters) std::move(done)();
  if (idle && ports_.idle) ports_.idle(reading);
  Pump();
}

void PasswordBacklog::Retry(PasswordTask task) {
  MutexLock lock(mutex_);
  queue_.push_front(std::move(task));
  --running_;
  paused_ = true;
  settled_.notify_all();
}

void PasswordBacklog::OnSecond() {
  {
    MutexLock lock(mutex_);
    paused_ = false;
    const MonotonicTime now = ports_.clock.Now();
    if (!queue_.empty() && done_ > 0 && now >= next_report_) {
      const auto took = std::chrono::duration_cast<std::chrono::seconds>(now - started_).count();
      const std::size_t left = static_cast<std::size_t>(took) * queue_.size() / done_;
      spdlog::info("users file: {} passwords done, {} left, about {} s", done_, queue_.size(),
                   left);
      next_report_ = now + kReportPeriod;
    }
  }
  Pump();
}

void PasswordBacklog::Stop() {
  absl::flat_hash_map<std::string, std::vector<Done>> waiting;
  {
    MutexLock lock(mutex_);
    if (!std::exchange(stopped_, true) && !queue_.empty()) {
      spdlog::info("users file: {} passwords are left for the next start", queue_.size());
    }
    queue_.clear();
    while (running_ > 0) settled_.wait(mutex_);
    waiting.swap(waiting_);
  }
  for (auto& [user, waiters] : waiting) {
    for (Done& done : waiters) std::move(done)();
  }
}

}  // namespace unipresence
