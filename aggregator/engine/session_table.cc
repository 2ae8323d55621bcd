#include "aggregator/engine/session_table.h"

#include <fmt/format.h>

#include <algorithm>

#include "aggregator/base/strings.h"

namespace unipresence {

std::string_view ToString(SessionKind kind) {
  switch (kind) {
    case SessionKind::kAssistant:
      return "ASSISTANT";
    case SessionKind::kClient:
      return "CLIENT";
  }
  __builtin_unreachable();
}

absl::Status SessionTable::Add(const SessionKey& key, Session session, MonotonicTime now) {
  if (sessions_.size() >= options_.max_sessions) {
    return absl::ResourceExhaustedError(fmt::format(
        "{} sessions are open, the most this server keeps; log some out", options_.max_sessions));
  }
  if (sessions_.contains(key)) return absl::AlreadyExistsError("a session with this key exists");
  UserEntry& user = users_[session.user];
  if (user.keys.size() >= options_.max_sessions_per_user) {
    return absl::ResourceExhaustedError(
        fmt::format("user '{}' has {} sessions, the most a user may have; log some out",
                    session.user, options_.max_sessions_per_user));
  }
  user.keys.push_back(key);
  if (session.kind == SessionKind::kAssistant) ++user.assistants;
  session.holds = 0;
  session.deadline = Awake(now) + options_.time_to_live;
  deadlines_.emplace(session.deadline, key);
  sessions_.emplace(key, std::move(session));
  return absl::OkStatus();
}

const Session* SessionTable::Find(const SessionKey& key, MonotonicTime now) const {
  const auto it = sessions_.find(key);
  if (it == sessions_.end()) return nullptr;
  const Session& session = it->second;
  return !Held(session) && DeadlineOf(session, now) <= now ? nullptr : &session;
}

bool SessionTable::StoodStill(MonotonicTime now) const {
  return last_expire_ && now - *last_expire_ > options_.longest_pause;
}

MonotonicTime SessionTable::Awake(MonotonicTime now) const {
  return (StoodStill(now) ? *last_expire_ : now) - stood_still_;
}

MonotonicTime SessionTable::AfterPauses(MonotonicTime deadline, MonotonicTime now) const {
  const MonotonicTime heard = deadline - options_.time_to_live;
  const auto first = std::lower_bound(resumed_.begin(), resumed_.end(), heard);
  if (first != resumed_.end()) return *first + options_.time_to_live;
  return StoodStill(now) ? Awake(now) + options_.time_to_live : deadline;
}

MonotonicTime SessionTable::DeadlineOf(const Session& session, MonotonicTime now) const {
  return now + (AfterPauses(session.deadline, now) - Awake(now));
}

void SessionTable::Unschedule(const SessionKey& key, const Session& session) {
  const auto [begin, end] = deadlines_.equal_range(session.deadline);
  const auto it = std::find_if(begin, end, [&](const auto& entry) { return entry.second == key; });
  if (it != end) deadlines_.erase(it);
}

void SessionTable::SetDeadline(const SessionKey& key, Session& session, MonotonicTime deadline) {
  Unschedule(key, session);
  session.deadline = deadline;
  if (!Held(session)) deadlines_.emplace(deadline, key);
}

bool SessionTable::Touch(const SessionKey& key, MonotonicTime now) {
  if (Find(key, now) == nullptr) return false;
  SetDeadline(key, sessions_.find(key)->second, Awake(now) + options_.time_to_live);
  return true;
}

bool SessionTable::Hold(const SessionKey& key, MonotonicTime now) {
  if (Find(key, now) == nullptr) return false;
  Session& session = sessions_.find(key)->second;
  if (!Held(session)) Unschedule(key, session);
  ++session.holds;
  if (!Held(session)) deadlines_.emplace(session.deadline, key);
  return true;
}

void SessionTable::Release(const SessionKey& key, MonotonicTime now) {
  const auto it = sessions_.find(key);
  if (it == sessions_.end() || it->second.holds == 0) return;
  const bool held = Held(it->second);
  --it->second.holds;
  if (held && !Held(it->second)) SetDeadline(key, it->second, Awake(now) + options_.time_to_live);
}

bool SessionTable::LiveByMessages(const SessionKey& key, MonotonicTime now) {
  if (Find(key, now) == nullptr) return false;
  Session& session = sessions_.find(key)->second;
  session.by_messages = true;
  SetDeadline(key, session, Awake(now) + options_.time_to_live);
  return true;
}

std::optional<Session> SessionTable::Remove(const SessionKey& key) {
  const auto it = sessions_.find(key);
  if (it == sessions_.end()) return std::nullopt;
  Session session = std::move(it->second);
  if (!Held(session)) Unschedule(key, session);
  sessions_.erase(it);
  const auto user = users_.find(session.user);
  std::erase(user->second.keys, key);
  if (session.kind == SessionKind::kAssistant) --user->second.assistants;
  if (user->second.keys.empty()) users_.erase(user);
  return session;
}

std::size_t SessionTable::RemoveUser(std::string_view user) {
  const auto it = users_.find(ToAbsl(user));
  if (it == users_.end()) return 0;
  const std::vector<SessionKey> keys = it->second.keys;
  for (const SessionKey& key : keys) Remove(key);
  return keys.size();
}

std::vector<Session> SessionTable::Expire(MonotonicTime now) {
  if (StoodStill(now)) {
    resumed_.push_back(Awake(now));
    stood_still_ += now - *last_expire_;
  }
  last_expire_ = now;
  const MonotonicTime awake = Awake(now);
  std::vector<Session> expired;
  // What becomes of deadlines does not change their order.
  while (!deadlines_.empty() && AfterPauses(deadlines_.begin()->first, now) <= awake) {
    const SessionKey key = deadlines_.begin()->second;
    if (std::optional<Session> session = Remove(key)) expired.push_back(*std::move(session));
  }
  // Who was not heard since then is gone.
  while (!resumed_.empty() && resumed_.front() + options_.time_to_live <= awake) {
    resumed_.pop_front();
  }
  return expired;
}

std::optional<MonotonicTime> SessionTable::NextDeadline() const {
  if (deadlines_.empty()) return std::nullopt;
  const MonotonicTime now = last_expire_.value_or(MonotonicTime());
  return AfterPauses(deadlines_.begin()->first, now) + stood_still_;
}

std::size_t SessionTable::AssistantCount(std::string_view user) const {
  const auto it = users_.find(ToAbsl(user));
  return it == users_.end() ? 0 : it->second.assistants;
}

std::vector<Session> SessionTable::OfUser(std::string_view user) const {
  std::vector<Session> sessions;
  const auto it = users_.find(ToAbsl(user));
  if (it == users_.end()) return sessions;
  for (const SessionKey& key : it->second.keys) sessions.push_back(sessions_.at(key));
  return sessions;
}

}  // namespace unipresence
