#ifndef UNIPRESENCE_SERVER_ACCOUNT_SESSION_KEEPER_H_
#define UNIPRESENCE_SERVER_ACCOUNT_SESSION_KEEPER_H_

// The one way by which sessions begin and end: keeps the leases, the engine's "logged in" and the
// open streams of one mind.
//
//   begins   the store has it already (log-in) or still (restart) -> lease -> engine
//   ends     (log-out, expiry, end of its user) lease -> engine -> its streams
//
// A log-out counts at once: that the store forgets the session is the leases' affair.
//
// Thread: the pipeline's.

#include <cstdint>
#include <functional>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "absl/functional/any_invocable.h"
#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "aggregator/model/caller.h"
#include "aggregator/pipeline/executor.h"
#include "server/account/account_probe.h"
#include "server/account/session_leases.h"
#include "server/storage/session_store.h"

namespace unipresence {

// A session for display.
struct SessionView {
  const StoredSession& stored;
  MonotonicTime deadline;  // now + time-to-live while a stream holds it
};

class SessionKeeper {
 public:
  // `on_end` gets the id of each session that ended, so that its streams end. All must outlive the
  // keeper.
  SessionKeeper(SessionLeases& leases, AccountProbe& probe,
                std::function<void(std::string)> on_end);

  // A session that the store has. OK also if it lives already. kTooManySessions, or kUserNotFound
  // if the user was deleted meanwhile; then the session is not begun.
  absl::Status Begin(Core& core, const StoredSession& session);
  // Sessions of the store after a restart, each with a fresh time-to-live.
  void Load(Core& core, std::span<const StoredSession> sessions);

  // The caller of that key, with a new time-to-live. kSessionEnded.
  absl::StatusOr<Caller> Authenticate(Core& core, const SessionKey& key);

  // A stream of the session begins. kTooManyStreams if it has `limit` of them. With `hold` the
  // stream keeps the session alive; without, the messages on it do, and no open stream
  // (SessionTable::LiveByMessages). Balance it by CloseStream with the same `hold`.
  absl::Status OpenStream(Core& core, const Caller& caller, std::size_t limit, bool hold);
  void CloseStream(Core& core, const Caller& caller, bool hold);

  // The session of that id; null if there is none. Valid until the next call.
  const StoredSession* Find(std::string_view id) const;
  SessionView View(Core& core, const StoredSession& session) const;
  // A new time-to-live.
  void Touch(Core& core, const StoredSession& session);
  // Up to `limit` sessions in order of (create_time, id), from behind that place on; of `user` only
  // unless empty. Looks at no more than `scan` sessions. True while more may follow: `place` is
  // then the place of the last one looked at.
  using Place = std::pair<WallTimeMicros, std::string>;
  bool List(std::string_view user, std::size_t limit, std::size_t scan, Place& place,
            absl::FunctionRef<void(const StoredSession&)> visit) const;
  std::size_t size() const { return by_place_.size(); }
  std::size_t logged_in_users() const { return logged_in_.size(); }
  // Live sessions of the user by kind.
  std::pair<std::uint32_t, std::uint32_t> CountOfUser(Core& core, std::string_view user) const;

  // Ends the session: log-out. `forgotten` is called, on the store thread, once the store has been
  // told or could not be. False, without that call, if there is no session of that id.
  bool End(Core& core, std::string_view id, absl::AnyInvocable<void() &&> forgotten);
  // Ends all sessions of a user.
  void EndOfUser(Core& core, std::string_view user, CauseKind cause);
  // Ends the sessions whose time is over.
  void Expire(Core& core);

 private:
  struct Entry {
    StoredSession stored;
    std::size_t streams = 0;
  };
  using ByPlace = std::map<Place, Entry, std::less<>>;

  void Insert(const StoredSession& session);
  // Takes it out of the tables here; its lease has ended already.
  void Drop(Core& core, std::string_view id, CauseKind cause);
  void UpdateEngine(Core& core, const std::string& user, CauseKind cause);
  void UpdateGauges(Core& core);

  SessionLeases& leases_;
  AccountProbe& probe_;
  std::function<void(std::string)> on_end_;
  ByPlace by_place_;
  absl::flat_hash_map<std::string, ByPlace::iterator> by_id_;
  absl::flat_hash_set<std::string> logged_in_;  // users with ASSISTANT sessions
};

}  // namespace unipresence

#endif  // UNIPRESENCE_SERVER_ACCOUNT_SESSION_KEEPER_H_
