#include "server/account/stored_leases.h"

#include <spdlog/spdlog.h>

#include <memory>
#include <utility>

#include "aggregator/base/strings.h"

namespace unipresence {

absl::Status StoredLeases::Grant(Core& core, const StoredSession& stored) {
  Session session;
  session.id = stored.id;
  session.user = stored.user;
  session.kind = stored.kind;
  session.role = stored.role;
  session.create_time = stored.create_time;
  return core.sessions.Add(stored.key, std::move(session), core.clock.Now());
}

const Session* StoredLeases::Find(Core& core, const SessionKey& key) const {
  return core.sessions.Find(key, core.clock.Now());
}

std::vector<Session> StoredLeases::OfUser(Core& core, std::string_view user) const {
  return core.sessions.OfUser(user);
}

std::size_t StoredLeases::AssistantCount(Core& core, std::string_view user) const {
  return core.sessions.AssistantCount(user);
}

std::size_t StoredLeases::size(Core& core) const { return core.sessions.size(); }

MonotonicTime StoredLeases::DeadlineOf(Core& core, const Session& session) const {
  return core.sessions.DeadlineOf(session, core.clock.Now());
}

Duration StoredLeases::time_to_live(Core& core) const { return core.sessions.time_to_live(); }

void StoredLeases::KeepAlive(Core& core, const SessionKey& key) {
  core.sessions.Touch(key, core.clock.Now());
}

void StoredLeases::Hold(Core& core, const SessionKey& key) {
  core.sessions.Hold(key, core.clock.Now());
}

void StoredLeases::Release(Core& core, const SessionKey& key) {
  core.sessions.Release(key, core.clock.Now());
}

void StoredLeases::LiveByMessages(Core& core, const SessionKey& key) {
  core.sessions.LiveByMessages(key, core.clock.Now());
}

void StoredLeases::Revoke(Core& core, std::span<const StoredSession> sessions) {
  for (const StoredSession& session : sessions) core.sessions.Remove(session.key);
}

std::vector<Session> StoredLeases::Expire(Core& core) {
  if (!unforgotten_.empty()) Forget(std::exchange(unforgotten_, {}), nullptr);
  return core.sessions.Expire(core.clock.Now());
}

void StoredLeases::Forget(std::vector<std::string> ids, Forgotten forgotten) {
  auto shared = std::make_shared<const std::vector<std::string>>(std::move(ids));
  SubmitOrRefuse(
      store_,
      [shared](Transaction& transaction) {
        return transaction.sessions.DeleteEach(*shared).status();
      },
      [this, shared, forgotten = std::move(forgotten)](const absl::Status& status) mutable {
        if (forgotten) std::move(forgotten)();
        if (status.ok()) return;
        spdlog::warn("sessions that ended stay in the store for now: {}",
                     FromAbsl(status.message()));
        // Lost if the pipeline is stopping: then they live again for one time-to-live at most.
        executor_.Post([this, shared](Core&) {
          unforgotten_.insert(unforgotten_.end(), shared->begin(), shared->end());
        });
      });
}

}  // namespace unipresence
