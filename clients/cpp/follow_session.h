#ifndef UNIPRESENCE_CLIENTS_CPP_FOLLOW_SESSION_H_
#define UNIPRESENCE_CLIENTS_CPP_FOLLOW_SESSION_H_

// What a follower does with messages and time (replication.proto), without sockets: it notices
// every gap, every restart and every silence, and says when to ask for which page and when to
// connect anew. follower.h is the driver that applications use; tests drive this one directly.
//
//   session.OnMessage(message, now);        // each message of the SUB
//   session.OnReply(reply, now);            // each message of the DEALER
//   const auto step = session.Advance(now, nothing_left_to_read);
//   if (step.reopen_stream) ...             // do what it says, then come back at step.next
//
// Not thread-safe.

#include <cstddef>
#include <cstdint>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "aggregator/base/clock.h"
#include "aggregator/publish/decoder.h"
#include "aggregator/publish/presence_value.h"
#include "aggregator/publish/replica_table.h"
#include "unipresence/v1/replication.pb.h"

namespace unipresence::client {

// Why what a follower holds is not (or no longer) what the server holds.
enum class GapReason : std::uint8_t {
  kLost,          // the server dropped frames, because this follower read too slowly
  kRestarted,     // the server was restarted
  kDisconnected,  // the connection broke
  kSilent,        // no heartbeat for three intervals
};

std::string_view ToString(GapReason reason);  // "LOST", ...

// Learns what happens, in order. Called on the thread that drives the follower; must not call back
// into it. Each method may be left out.
class FollowListener {
 public:
  virtual ~FollowListener() = default;

  // A user's presence is new or another one. `change` tells the state that you were told before,
  // and what made it another one, if that is known (replica_table.h). Valid until the call returns.
  virtual void OnPresence(const publish::PresenceValue& /*presence*/,
                          const publish::ReplicaChange& /*change*/) {}
  // A user exists no longer.
  virtual void OnRemoved(std::string_view /*user*/, const publish::ReplicaChange& /*change*/) {}
  // Forget everything: the server was restarted, and tells all again. Keep showing the old values
  // greyed until OnCurrent, if you like.
  virtual void OnReset() {}
  // From now on what you were told is complete and current.
  virtual void OnCurrent() {}
  // It is not, until the next OnCurrent. Healing is under way already.
  virtual void OnGap(GapReason /*reason*/) {}
};

struct FollowOptions {
  std::vector<std::string> users = {};  // empty: everyone

  // How large pages of the snapshot may be, in bytes.
  std::uint32_t page_bytes = 256 << 10;
  // Users asked for in one request, when `users` are given.
  std::size_t users_per_request = 1'000;
  // Without an answer for so long a page is asked for again. Doubled with each time-out, up to
  // 30 s, and halved again when answers come in a quarter of it: a server or a machine that is slow
  // for good is given the time that it needs.
  Duration request_timeout = std::chrono::seconds(5);
  // Between snapshots that came to nothing, or are needed again soon: doubled from the one up to
  // the other, with jitter. The first one after a calm time goes out at once.
  Duration min_backoff = std::chrono::milliseconds(100);
  Duration max_backoff = std::chrono::seconds(10);
  // Until the server has told its own.
  Duration heartbeat_interval = std::chrono::seconds(1);
  // Without a first frame for so long the connection is made anew. Doubled each time, up to
  // 30 s, until a frame comes.
  Duration first_frame_timeout = std::chrono::seconds(10);
};

class FollowSession final : private publish::ReplicaObserver {
 public:
  struct Step {
    bool reopen_stream = false;    // close the SUB, connect and subscribe a new one
    bool reopen_snapshot = false;  // the same for the DEALER; before `request` is sent
    std::string request;           // to send on the DEALER; empty: nothing
    MonotonicTime next{};          // when to call Advance again at the latest
  };

  struct Counters {
    std::uint64_t frames = 0;
    std::uint64_t bad_messages = 0;  // not of this protocol; ignored
    std::uint64_t gaps = 0;          // frames were lost
    std::uint64_t restarts = 0;      // of the server
    std::uint64_t silences = 0;
    std::uint64_t snapshots = 0;  // begun
    std::uint64_t timeouts = 0;   // of pages
    std::uint64_t refused = 0;    // pages
  };

  // `listener` must outlive the session. `seed` varies the jitter.
  FollowSession(FollowOptions options, FollowListener& listener, MonotonicTime now,
                std::uint32_t seed);

  // Topics to subscribe to, in this order.
  std::vector<std::string> Topics() const;

  void OnMessage(std::string_view message, MonotonicTime now);
  void OnReply(std::string_view reply, MonotonicTime now);
  // The SUB lost its connection; libzmq makes a new one by itself.
  void OnDisconnected(MonotonicTime now);

  // `idle`: all that had arrived was handed in. Silence is only judged then: after a stall of this
  // process the frames that came meanwhile are read first. And only then a page of a snapshot is
  // asked for (at the latest after request_timeout): whoever lags behind the stream reads that
  // first, or the pages would make him lose frames, which would make the pages worthless.
  Step Advance(MonotonicTime now, bool idle);

  const publish::ReplicaTable& table() const { return table_; }
  // What the listener was told last: OnCurrent and not OnGap.
  bool current() const { return told_current_; }
  const Counters& counters() const { return counters_; }

 private:
  enum class Snapshot : std::uint8_t {
    kNone,     // not needed
    kWaiting,  // for `snapshot_due_`
    kAsked,    // until `snapshot_due_`; or, if `page_wanted_`, to be asked for by then
  };

  void OnPresence(const publish::PresenceValue& presence,
                  const publish::ReplicaChange& change) override;
  void OnRemoved(std::string_view user, const publish::ReplicaChange& change) override;
  void OnReset() override;

  bool filtered() const { return !options_.users.empty(); }
  bool IsCurrent() const;
  bool NeedsSnapshot() const;
  publish::ReplicaTable::Result Apply(std::string_view topic, std::string_view payload);
  void Lost(GapReason reason, MonotonicTime now);
  void NotifyIfCurrent(MonotonicTime now);
  void TakeHeartbeat(const v1::Heartbeat& heartbeat);
  bool MissedHeartbeat();
  void JudgeSilence(MonotonicTime now, bool idle, Step& step);
  void AdvanceSnapshot(MonotonicTime now, bool idle, Step& step);
  bool IsPlanned() const;
  void CountAttempt();
  void WaitForSnapshot(MonotonicTime now);
  void RetrySnapshot(MonotonicTime now);
  void BeginSnapshot(MonotonicTime now);
  void WantPage(MonotonicTime now);
  void AskForPage(MonotonicTime now, Step& step);
  void EndSnapshot();
  Duration SilenceLimit() const;
  Duration RequestLimit() const;

  const FollowOptions options_;
  FollowListener& listener_;
  publish::ReplicaTable table_;
  std::minstd_rand random_;
  Counters counters_;

  Duration interval_;  // of heartbeats
  MonotonicTime now_;  // of the call that runs
  MonotonicTime last_heard_;
  MonotonicTime last_advance_;
  bool connected_ = false;  // a frame came since the SUB was opened or lost its connection
  bool told_current_ = false;
  MonotonicTime current_since_{};
  int failed_connections_ = 0;  // in a row, without a frame
  int late_pages_ = 0;          // doublings of the request time-out

  // Of some users: snapshots to pull. One for what came before the connection, and one after the
  // next heartbeat, when all topics are surely active (a SUB activates them one after the other).
  int pulls_ = 2;
  bool beat_since_pull_ = false;
  std::uint64_t heartbeat_number_ = 0;  // of the newest on this connection, 0 before

  Snapshot snapshot_ = Snapshot::kNone;
  MonotonicTime snapshot_due_{};
  int attempts_ = 0;  // snapshots since the last calm time
  std::uint64_t request_id_ = 0;
  std::size_t portion_ = 0;  // the first of options_.users that is asked for now
  std::string page_token_;
  bool page_wanted_ = false;  // the next page is to be asked for

  publish::StreamFrameView stream_frame_;  // reused, they keep their memory
  v1::SnapshotReply reply_;
};

}  // namespace unipresence::client

#endif  // UNIPRESENCE_CLIENTS_CPP_FOLLOW_SESSION_H_
