#ifndef UNIPRESENCE_SERVER_ACCOUNT_STORED_LEASES_H_
#define UNIPRESENCE_SERVER_ACCOUNT_STORED_LEASES_H_

// The leases of a server that alone grants them: in its session table, and in its store for the
// next start.
//
// What the store could not forget now is tried again by Expire.
//
// Thread: the pipeline's.

#include <string>
#include <vector>

#include "server/account/session_leases.h"
#include "server/storage/store.h"

namespace unipresence {

class StoredLeases final : public SessionLeases {
 public:
  // Both must outlive it.
  StoredLeases(Store& store, Executor& executor) : store_(store), executor_(executor) {}

  absl::Status Grant(Core& core, const StoredSession& session) override;
  const Session* Find(Core& core, const SessionKey& key) const override;
  std::vector<Session> OfUser(Core& core, std::string_view user) const override;
  std::size_t AssistantCount(Core& core, std::string_view user) const override;
  std::size_t size(Core& core) const override;
  MonotonicTime DeadlineOf(Core& core, const Session& session) const override;
  Duration time_to_live(Core& core) const override;
  void KeepAlive(Core& core, const SessionKey& key) override;
  void Hold(Core& core, const SessionKey& key) override;
  void Release(Core& core, const SessionKey& key) override;
  void LiveByMessages(Core& core, const SessionKey& key) override;
  void Revoke(Core& core, std::span<const StoredSession> sessions) override;
  std::vector<Session> Expire(Core& core) override;
  void Forget(std::vector<std::string> ids, Forgotten forgotten) override;

 private:
  Store& store_;
  Executor& executor_;
  std::vector<std::string> unforgotten_;  // ended, but the store could not be told yet
};

}  // namespace unipresence

#endif  // UNIPRESENCE_SERVER_ACCOUNT_STORED_LEASES_H_
