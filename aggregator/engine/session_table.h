#ifndef UNIPRESENCE_AGGREGATOR_ENGINE_SESSION_TABLE_H_
#define UNIPRESENCE_AGGREGATOR_ENGINE_SESSION_TABLE_H_

// The live sessions: who is logged in with what, and until when.
//
// A session lives while it is kept alive: by calls (each `Touch` gives it another time-to-live) or
// by open streams (`Hold`/`Release`; a held session does not expire, and gets a full time-to-live
// when the last stream ends). A client that vanishes without a word leaves its streams open for a
// while, so a session whose client sends messages (`LiveByMessages`) lives by those and by calls
// alone.
//
// Where the process stood still (a frozen machine, a debugger) its clients could not be heard. That
// time does not count, and who was not heard since before has one time-to-live from then on,
// whatever was left of his; once, however often the process stands still again.
//
// The table does not tell the engine: its owner passes `AssistantCount(user) > 0` to
// Engine::SetLoggedIn after each change.
//
// Thread: the pipeline's. Keys are digests of secret tokens; the table never sees a token.

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "aggregator/base/clock.h"
#include "aggregator/model/session.h"
#include "aggregator/model/user.h"

namespace unipresence {

std::string_view ToString(SessionKind kind);  // "ASSISTANT", "CLIENT"

struct Session {
  std::string id;    // public name of the session, not a secret
  std::string user;  // user id
  SessionKind kind = SessionKind::kAssistant;
  Role role = Role::kUser;
  WallTimeMicros create_time = 0;
  MonotonicTime deadline;    // in the table's time, see DeadlineOf
  int holds = 0;             // open streams
  bool by_messages = false;  // open streams do not keep it alive
};

class SessionTable {
 public:
  struct Options {
    Duration time_to_live = std::chrono::seconds(20);
    std::size_t max_sessions = 1'000'000;
    std::size_t max_sessions_per_user = 64;
    // Between two calls of Expire(); after a longer one the process stood still.
    Duration longest_pause = std::chrono::seconds(1);
  };

  explicit SessionTable(Options options) : options_(options) {}

  // RESOURCE_EXHAUSTED names the bound that is reached; ALREADY_EXISTS for a key in use.
  absl::Status Add(const SessionKey& key, Session session, MonotonicTime now);

  // The session of that key, or null if there is none or its deadline has passed. Valid until the
  // next non-const call.
  const Session* Find(const SessionKey& key, MonotonicTime now) const;

  // A new time-to-live; false if there is no such session or it has expired.
  bool Touch(const SessionKey& key, MonotonicTime now);

  // An open stream keeps it alive until `Release`. False if there is no such session.
  bool Hold(const SessionKey& key, MonotonicTime now);
  void Release(const SessionKey& key, MonotonicTime now);

  // Open streams do not keep it alive from now on; it gets a full time-to-live. False if there is
  // no such session.
  bool LiveByMessages(const SessionKey& key, MonotonicTime now);

  // Ends it; the session that was, or nullopt.
  std::optional<Session> Remove(const SessionKey& key);
  // Ends all of a user (deleted, password changed); how many there were.
  std::size_t RemoveUser(std::string_view user);

  // Removes the sessions whose deadline has passed and returns them. To be called much more often
  // than `longest_pause`.
  std::vector<Session> Expire(MonotonicTime now);
  // When the session expires unless it is kept alive or held.
  MonotonicTime DeadlineOf(const Session& session, MonotonicTime now) const;
  // The earliest deadline of a session that is not held; nullopt if none.
  std::optional<MonotonicTime> NextDeadline() const;

  std::size_t AssistantCount(std::string_view user) const;
  std::vector<Session> OfUser(std::string_view user) const;
  std::size_t size() const { return sessions_.size(); }
  Duration time_to_live() const { return options_.time_to_live; }

 private:
  struct UserEntry {
    std::vector<SessionKey> keys;
    std::size_t assistants = 0;
  };

  bool StoodStill(MonotonicTime now) const;
  // Time without that in which the process stood still; all that is stored is in it.
  MonotonicTime Awake(MonotonicTime now) const;
  // What becomes of a deadline, both in awake time.
  MonotonicTime AfterPauses(MonotonicTime deadline, MonotonicTime now) const;
  static bool Held(const Session& session) { return session.holds > 0 && !session.by_messages; }
  void SetDeadline(const SessionKey& key, Session& session, MonotonicTime deadline);
  void Unschedule(const SessionKey& key, const Session& session);

  Options options_;
  absl::flat_hash_map<SessionKey, Session> sessions_;
  absl::flat_hash_map<std::string, UserEntry> users_;
  std::multimap<MonotonicTime, SessionKey> deadlines_;  // of sessions that are not held
  std::optional<MonotonicTime> last_expire_;
  Duration stood_still_{0};  // in all
  // When the process went on, in awake time and in order; of those that still matter.
  std::deque<MonotonicTime> resumed_;
};

}  // namespace unipresence

#endif  // UNIPRESENCE_AGGREGATOR_ENGINE_SESSION_TABLE_H_
