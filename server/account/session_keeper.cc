#include "server/account/session_keeper.h"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <memory>

#include "aggregator/base/strings.h"
#include "aggregator/engine/engine_writer.h"
#include "server/account/failure.h"

namespace unipresence {
namespace {

bool UserExists(const Core& core, std::string_view user) {
  return core.presences.Read(user, [](const PresenceSource::Entry&) {});
}

Session LiveSession(const StoredSession& stored) {
  Session session;
  session.id = stored.id;
  session.user = stored.user;
  session.kind = stored.kind;
  session.role = stored.role;
  session.create_time = stored.create_time;
  return session;
}

}  // namespace

SessionKeeper::SessionKeeper(Store& store, Executor& executor, AccountProbe& probe,
                             std::function<void(std::string)> on_end)
    : store_(store), executor_(executor), probe_(probe), on_end_(std::move(on_end)) {}

absl::Status SessionKeeper::Begin(Core& core, const StoredSession& session) {
  if (!UserExists(core, session.user)) return UserNotFound(session.user);
  if (absl::Status added = core.sessions.Add(session.key, LiveSession(session), core.clock.Now());
      !added.ok()) {
    if (!absl::IsResourceExhausted(added)) return added;
    return Failure(AccountProblem::kTooManySessions, FromAbsl(added.message()));
  }
  Insert(session);
  probe_.logins.Add();
  TellEngine(core, session.user, CauseKind::kLogin);
  UpdateGauges(core);
  return absl::OkStatus();
}

void SessionKeeper::Load(Core& core, std::span<const StoredSession> sessions) {
  std::vector<std::string> refused;
  for (const StoredSession& session : sessions) {
    if (!UserExists(core, session.user) ||
        !core.sessions.Add(session.key, LiveSession(session), core.clock.Now()).ok()) {
      refused.push_back(session.id);
      continue;
    }
    Insert(session);
    TellEngine(core, session.user, CauseKind::kServerStart);
  }
  UpdateGauges(core);
  if (!refused.empty()) Forget(std::move(refused));
}

void SessionKeeper::Insert(const StoredSession& session) {
  const auto it =
      by_place_.insert_or_assign(Place{session.create_time, session.id}, Entry{session, 0}).first;
  by_id_[session.id] = it;
}

void SessionKeeper::TellEngine(Core& core, const std::string& user, CauseKind cause) {
  const bool logged_in = core.sessions.AssistantCount(user) > 0;
  if (logged_in) {
    logged_in_.insert(user);
  } else {
    logged_in_.erase(user);
  }
  // NOT_FOUND only when the user was deleted: then there is nobody to tell.
  core.writer.SetLoggedIn(user, logged_in, cause).IgnoreError();
}

absl::StatusOr<Caller> SessionKeeper::Authenticate(Core& core, const SessionKey& key) {
  const Session* session = core.sessions.Find(key, core.clock.Now());
  if (session == nullptr) {
    return SessionEnded();
  }
  Caller caller{.key = key, .session = session->id, .user = session->user, .role = session->role};
  core.sessions.Touch(key, core.clock.Now());
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
    core.sessions.Hold(caller.key, core.clock.Now());
  } else {
    core.sessions.LiveByMessages(caller.key, core.clock.Now());
  }
  return absl::OkStatus();
}

void SessionKeeper::CloseStream(Core& core, const Caller& caller, bool hold) {
  const auto it = by_id_.find(caller.session);
  if (it == by_id_.end()) return;
  --it->second->second.streams;
  if (hold) core.sessions.Release(caller.key, core.clock.Now());
}

const StoredSession* SessionKeeper::Find(std::string_view id) const {
  const auto it = by_id_.find(ToAbsl(id));
  return it == by_id_.end() ? nullptr : &it->second->second.stored;
}

SessionView SessionKeeper::View(Core& core, const StoredSession& session) const {
  const MonotonicTime now = core.clock.Now();
  const MonotonicTime fresh = now + core.sessions.time_to_live();
  const Session* live = core.sessions.Find(session.key, now);
  const bool counting_down = live != nullptr && (live->holds == 0 || live->by_messages);
  return {.stored = session, .deadline = counting_down ? live->deadline : fresh};
}

void SessionKeeper::Touch(Core& core, const StoredSession& session) {
  core.sessions.Touch(session.key, core.clock.Now());
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
  for (const Session& session : core.sessions.OfUser(user)) {
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
  const StoredSession* session = Find(id);
  if (session == nullptr) return false;
  core.sessions.Remove(session->key);
  const std::string owned(id);
  Drop(core, owned, CauseKind::kLogout);
  probe_.logouts.Add();
  UpdateGauges(core);
  Forget({owned}, std::move(forgotten));
  return true;
}

void SessionKeeper::EndOfUser(Core& core, std::string_view user, CauseKind cause) {
  const std::vector<Session> sessions = core.sessions.OfUser(user);
  if (sessions.empty()) return;
  core.sessions.RemoveUser(user);
  std::vector<std::string> ids;
  for (const Session& session : sessions) {
    Drop(core, session.id, cause);
    ids.push_back(session.id);
  }
  UpdateGauges(core);
  Forget(std::move(ids));
}

void SessionKeeper::Expire(Core& core) {
  std::vector<std::string> ids = std::move(unforgotten_);
  unforgotten_.clear();
  for (const Session& session : core.sessions.Expire(core.clock.Now())) {
    Drop(core, session.id, CauseKind::kSessionExpired);
    probe_.expired_sessions.Add();
    ids.push_back(session.id);
  }
  if (ids.empty()) return;
  UpdateGauges(core);
  Forget(std::move(ids));
}

void SessionKeeper::Drop(Core& core, std::string_view id, CauseKind cause) {
  const auto it = by_id_.find(ToAbsl(id));
  if (it == by_id_.end()) return;
  const std::string user = it->second->second.stored.user;
  by_place_.erase(it->second);
  by_id_.erase(it);
  TellEngine(core, user, cause);
  on_end_(std::string(id));
}

void SessionKeeper::Forget(std::vector<std::string> ids, absl::AnyInvocable<void() &&> done) {
  auto shared = std::make_shared<const std::vector<std::string>>(std::move(ids));
  SubmitOrRefuse(
      store_,
      [shared](Transaction& transaction) {
        return transaction.sessions.DeleteEach(*shared).status();
      },
      [this, shared, done = std::move(done)](const absl::Status& status) mutable {
        if (done) std::move(done)();
        if (status.ok()) return;
        spdlog::warn("sessions that ended stay in the store for now: {}",
                     FromAbsl(status.message()));
        // Lost if the pipeline is stopping: then they live again for one time-to-live at
        // most.
        executor_.Post([this, shared](Core&) {
          unforgotten_.insert(unforgotten_.end(), shared->begin(), shared->end());
        });
      });
}

void SessionKeeper::UpdateGauges(Core& core) {
  probe_.sessions.Set(static_cast<std::int64_t>(core.sessions.size()));
  probe_.logged_in_users.Set(static_cast<std::int64_t>(logged_in_.size()));
}

}  // namespace unipresence
