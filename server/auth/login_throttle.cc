#include "server/auth/login_throttle.h"

#include <fmt/format.h>

#include <algorithm>

namespace unipresence::auth {
namespace {

// Usernames have at most 64 bytes (ValidateUser); longer texts are nobody's and share a name.
constexpr std::size_t kMaxNameBytes = 64;

std::string KeyOf(std::string_view username) {
  std::string key(username.substr(0, kMaxNameBytes));
  for (char& c : key) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return key;
}

}  // namespace

std::optional<Duration> LoginThrottle::Admit(std::string_view username, MonotonicTime now) {
  const std::string key = KeyOf(username);
  MutexLock lock(mutex_);
  while (!entries_.empty() && entries_.front().last + options_.forget_after <= now) {
    Forget(entries_.begin());
  }
  auto found = by_name_.find(key);
  if (found == by_name_.end()) {
    if (entries_.size() >= options_.capacity) Forget(entries_.begin());
    entries_.push_back({key, 0, now, now});
    found = by_name_.emplace(key, std::prev(entries_.end())).first;
  }
  Entry& entry = *found->second;
  if (now < entry.not_before) {
    refused_.Add();
    return entry.not_before - now;
  }
  ++entry.failures;
  entry.last = now;
  entry.not_before = now + WaitAfter(entry.failures);
  entries_.splice(entries_.end(), entries_, found->second);
  return std::nullopt;
}

void LoginThrottle::Succeeded(std::string_view username) {
  const std::string key = KeyOf(username);
  MutexLock lock(mutex_);
  if (const auto found = by_name_.find(key); found != by_name_.end()) Forget(found->second);
}

void LoginThrottle::Withdraw(std::string_view username) {
  const std::string key = KeyOf(username);
  MutexLock lock(mutex_);
  const auto found = by_name_.find(key);
  if (found == by_name_.end()) return;
  Entry& entry = *found->second;
  if (--entry.failures <= 0) return Forget(found->second);
  entry.not_before = entry.last;
}

std::size_t LoginThrottle::size() const {
  MutexLock lock(mutex_);
  return entries_.size();
}

Duration LoginThrottle::WaitAfter(int failures) const {
  const int waits = failures - options_.free_failures;
  if (waits < 0) return Duration::zero();
  Duration wait = options_.first_wait;
  for (int i = 0; i < waits && wait < options_.max_wait; ++i) wait *= 2;
  return std::min(wait, options_.max_wait);
}

void LoginThrottle::Forget(Entries::iterator entry) {
  by_name_.erase(entry->name);
  entries_.erase(entry);
}

absl::Status TooManyAttempts(Duration wait) {
  const auto seconds = std::chrono::ceil<std::chrono::seconds>(wait).count();
  return absl::ResourceExhaustedError(
      fmt::format("too many failed log-ins for this username; retry in {} s", seconds));
}

}  // namespace unipresence::auth
