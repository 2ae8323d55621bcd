#include "server/account/session_keeper.h"

#include <fmt/format.h>

#include "aggregator/base/strings.h"
#include "aggregator/engine/engine_writer.h"
#include "server/account/failure.h"

namespace unipresence {
namespace {

bool UserExists(const Core& core, std::string_view user) {
  return core.presences.Read(user, [](const PresenceSource::Entry&) {});
}

}  // namespace

SessionKeeper::SessionKeeper(SessionLeases& leases, AccountProbe& probe,
                             std::function<void(std::string)> on_end)
    : leases_(leases), probe_(probe), on_end_(std::move(on_end)) {}

absl::Status SessionKeeper::Begin(Core& core, const StoredSession& session) {
  if (by_id_.contains(session.id)) return absl::OkStatus();
  if (!UserExists(core, session.user)) return UserNotFound(session.user);
  if (absl::Status granted = leases_.Grant(core, session); !granted.ok()) {
    if (!absl::IsResourceExhausted(granted)) return granted;
    return Failure(AccountProblem::kTooManySessions, FromAbsl(granted.message()));
  }
  Insert(session);
  probe_.logins.Add();
  UpdateEngine(core, session.user, CauseKind::kLogin);
  UpdateGauges(core);
  return absl::OkStatus();
}

void SessionKeeper::Load(Core& core, std::span<const StoredSession> sessions) {
  std::vector<std::string> refused;
  for (const StoredSession& session : sessions) {
    if (!UserExists(core, session.user) || !leases_.Grant(core, session).ok()) {
      refused.push_back(session.id);
      continue;
    }
    Insert(session);
    UpdateEngine(core, session.user, CauseKind::kServerStart);
  }
  UpdateGauges(core);
  if (!refused.empty()) leases_.Forget(std::move(refused), nullptr);
}

void SessionKeeper::Insert(const StoredSession& session) {
  const auto it =
      by_place_.insert_or_assign(Place{session.create_time, session.id}, Entry{session, 0}).first;
  by_id_[session.id] = it;
}

void SessionKeeper::UpdateEngine(Core& core, const std::string& user, CauseKind cause) {
  const bool logged_in = leases_.AssistantCount(core, user) > 0;
  if (logged_in) {
    logged_in_.insert(user);
  } else {
    logged_in_.erase(user);
  }
  // NOT_FOUND only when the user was deleted: then there is nobody to tell.
  core.writer.SetLoggedIn(user, logged_in, cause).IgnoreError();
}

absl::StatusOr<Caller> SessionKeeper::Authenticate(Core& core, const SessionKey& key) {
  const Session* session = leases_.Find(core, key);
  if (session == nullptr) {
    return SessionEnded();
  }
  Caller caller{.key = key, .session = session->id, .user = session->user, .role = session->role};
  leases_.KeepAlive(core, key);
  return caller;
}

absl::Status SessionKeeper::OpenStream(Core& core, const Caller& caller, std::size_t limit,
                                       bool hold) {
  const auto it = by_id_.find(caller.session);
  if (it == by_id_.end()) {
    return SessionEnded();
  }
  Entry& entry = it->second->second;
  if (entry.streams >= limit) {
    return Failure(
        AccountProblem::kTooManyStreams,
        fmt::format("the session has {} open streams, the most it may have; share one", limit),
        {{"limit", fmt::to_string(limit)}});
  }
  ++entry.streams;
  if (hold) {
    leases_.Hold(core, caller.key);
  } else {
    leases_.LiveByMessages(core, caller.key);
  }
  return absl::OkStatus();
}

void SessionKeeper::CloseStream(Core& core, const Caller& caller, bool hold) {
  const auto it = by_id_.find(caller.session);
  if (it == by_id_.end()) return;
  --it->second->second.streams;
  if (hold) leases_.Release(core, caller.key);
}

const StoredSession* SessionKeeper::Find(std::string_view id) const {
  const auto it = by_id_.find(ToAbsl(id));
  return it == by_id_.end() ? nullptr : &it->second->second.stored;
}

SessionView SessionKeeper::View(Core& core, const StoredSession& session) const {
  const MonotonicTime fresh = core.clock.Now() + leases_.time_to_live(core);
  const Session* live = leases_.Find(core, session.key);
  const bool counting_down = live != nullptr && (live->holds == 0 || live->by_messages);
  return {.stored = session, .deadline = counting_down ? leases_.DeadlineOf(core, *live) : fresh};
}

void SessionKeeper::Touch(Core& core, const StoredSession& session) {
  leases_.KeepAlive(core, session.key);
}

bool SessionKeeper::List(std::string_view user, std::size_t limit, std::size_t scan, Place& place,
                         absl::FunctionRef<void(const StoredSession&)> visit) const {
  auto it = by_place_.upper_bound(place);
  for (; it != by_place_.end() && limit > 0 && scan > 0; ++it, --scan) {
    place = it->first;
    if (!user.empty() && it->second.stored.user != user) continue;
    visit(it->second.stored);
    --limit;
  }
  return it != by_place_.end();
}

std::pair<std::uint32_t, std::uint32_t> SessionKeeper::CountOfUser(Core& core,
                                                                   std::string_view user) const {
  std::uint32_t assistants = 0;
  std::uint32_t clients = 0;
  for (const Session& session : leases_.OfUser(core, user)) {
    switch (session.kind) {
      case SessionKind::kAssistant:
        ++assistants;
        break;
      case SessionKind::kClient:
        ++clients;
        break;
    }
  }
  return {assistants, clients};
}

bool SessionKeeper::End(Core& core, std::string_view id, absl::AnyInvocable<void() &&> forgotten) {
  const StoredSession* found = Find(id);
  if (found == nullptr) return false;
  const StoredSession session = *found;
  leases_.Revoke(core, {&session, 1});
  Drop(core, session.id, CauseKind::kLogout);
  probe_.logouts.Add();
  UpdateGauges(core);
  leases_.Forget({session.id}, std::move(forgotten));
  return true;
}

void SessionKeeper::EndOfUser(Core& core, std::string_view user, CauseKind cause) {
  std::vector<StoredSession> sessions;
  for (const Session& lease : leases_.OfUser(core, user)) {
    if (const StoredSession* session = Find(lease.id)) sessions.push_back(*session);
  }
  if (sessions.empty()) return;
  leases_.Revoke(core, sessions);
  std::vector<std::string> ids;
  for (const StoredSession& session : sessions) {
    Drop(core, session.id, cause);
    ids.push_back(session.id);
  }
  UpdateGauges(core);
  leases_.Forget(std::move(ids), nullptr);
}

void SessionKeeper::Expire(Core& core) {
  const std::vector<Session> expired = leases_.Expire(core);
  if (expired.empty()) return;
  std::vector<std::string> ids;
  for (const Session& session : expired) {
    Drop(core, session.id, CauseKind::kSessionExpired);
    probe_.expired_sessions.Add();
    ids.push_back(session.id);
  }
  UpdateGauges(core);
  leases_.Forget(std::move(ids), nullptr);
}

void SessionKeeper::Drop(Core& core, std::string_view id, CauseKind cause) {
  const auto it = by_id_.find(ToAbsl(id));
  if (it == by_id_.end()) return;
  const std::string user = it->second->second.stored.user;
  by_place_.erase(it->second);
  by_id_.erase(it);
  UpdateEngine(core, user, cause);
  on_end_(std::string(id));
}

void SessionKeeper::UpdateGauges(Core& core) {
  probe_.sessions.Set(static_cast<std::int64_t>(leases_.size(core)));
  probe_.logged_in_users.Set(static_cast<std::int64_t>(logged_in_.size()));
}

}  // namespace unipresence
