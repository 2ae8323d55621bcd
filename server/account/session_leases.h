#ifndef UNIPRESENCE_SERVER_ACCOUNT_SESSION_LEASES_H_
#define UNIPRESENCE_SERVER_ACCOUNT_SESSION_LEASES_H_

// Sessions as leases: each lives for a time-to-live from when it was granted or kept alive last,
// or while something holds it, unless it is revoked. Whoever grants them decides how they end;
// SessionKeeper makes of it what a user notices.
//
// Thread: the pipeline's; `core` is that of the command that calls.

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "absl/status/status.h"
#include "aggregator/base/clock.h"
#include "aggregator/engine/session_table.h"
#include "aggregator/pipeline/executor.h"
#include "server/storage/session_store.h"

namespace unipresence {

class SessionLeases {
 public:
  virtual ~SessionLeases() = default;

  // The session, which the store has, lives from now on. RESOURCE_EXHAUSTED names the bound that is
  // reached; ALREADY_EXISTS for a key in use.
  virtual absl::Status Grant(Core& core, const StoredSession& session) = 0;

  // Null if there is none of that key, or its time is over. Valid until the next other call.
  virtual const Session* Find(Core& core, const SessionKey& key) const = 0;
  virtual std::vector<Session> OfUser(Core& core, std::string_view user) const = 0;
  virtual std::size_t AssistantCount(Core& core, std::string_view user) const = 0;
  virtual std::size_t size(Core& core) const = 0;
  // When its time is over unless it is kept alive.
  virtual MonotonicTime DeadlineOf(Core& core, const Session& session) const = 0;
  virtual Duration time_to_live(Core& core) const = 0;

  // Those below do nothing where there is no such session.
  virtual void KeepAlive(Core& core, const SessionKey& key) = 0;
  // It does not expire before `Release`, with which it gets a time-to-live. They nest.
  virtual void Hold(Core& core, const SessionKey& key) = 0;
  virtual void Release(Core& core, const SessionKey& key) = 0;
  // From now on only KeepAlive counts, and no Hold.
  virtual void LiveByMessages(Core& core, const SessionKey& key) = 0;

  // They end at once. The store has them until Forget.
  virtual void Revoke(Core& core, std::span<const StoredSession> sessions) = 0;
  // Ends those whose time is over, and returns them; the store has them until Forget. Some times a
  // second.
  virtual std::vector<Session> Expire(Core& core) = 0;
  // Deletes sessions that do not live from the store. `forgotten`, which may be empty, is called on
  // the store's thread, or within the call, once they are not stored any more or could not be
  // deleted now; that is tried again by Expire.
  using Forgotten = absl::AnyInvocable<void() &&>;
  virtual void Forget(std::vector<std::string> ids, Forgotten forgotten) = 0;
};

}  // namespace unipresence

#endif  // UNIPRESENCE_SERVER_ACCOUNT_SESSION_LEASES_H_
