#ifndef UNIPRESENCE_AGGREGATOR_PUBLISH_REPLICA_TABLE_H_
#define UNIPRESENCE_AGGREGATOR_PUBLISH_REPLICA_TABLE_H_

// A follower's copy of the server's table of presences: the algorithm of replication.proto, fed
// with messages that were read (decoder.h). Knows no socket, no time and no retry;
// clients/cpp/follow_session.h adds them.
//
// Followers of everyone:
//
//   ReplicaTable table(observer);
//   table.ApplyFrame(frame);              // each frame of `all`
//   if (!table.snapshot_done()) {         // at first, after a gap, after a restart of the server
//     table.BeginSnapshot();              // then ask for the first page, not before
//     while (pages) table.ApplyPage(page);
//     table.EndSnapshot();
//   }
//
// While a snapshot is pulled frames go on being applied: per user the higher revision stays, so the
// order in which pages and frames are read does not matter. A gap while pages are pulled makes the
// snapshot worthless (snapshot_begun() is false): begin again.
//
// Followers of some users construct it with their ids and use ApplyUserFrame and ApplyHeartbeat;
// other users are ignored, so memory is bounded by the list.
//
// Presences are held as they are encoded: of a large table, that is less memory to wait for with
// each update. Only what is told or asked for is decoded.
//
// What a server sends is never trusted to be consistent: any sequence of messages leaves a valid
// table. Not thread-safe.

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/functional/function_ref.h"
#include "aggregator/publish/decoder.h"
#include "aggregator/publish/presence_value.h"
#include "unipresence/v1/replication.pb.h"

namespace unipresence::publish {

// How a change of the table came about.
struct ReplicaChange {
  // The state that was told of the user before; nullopt if he was not there.
  std::optional<PresenceState> previous_state = std::nullopt;
  // What made it, an encoded v1::Cause; see cause(). Empty if that is not known, for what was told
  // before is not what the server had before: values of snapshots and repetitions, and changes
  // after others that were lost. Valid as long as what it is told with.
  std::string_view encoded_cause = {};

  // nullopt if it is not known, or cannot be read.
  std::optional<v1::Cause> cause() const;
};

// Learns of each change of the table, in order. Must not call back into the table.
class ReplicaObserver {
 public:
  virtual ~ReplicaObserver() = default;

  // A user's presence is new or another one. What is passed is valid until the call returns.
  virtual void OnPresence(const PresenceValue& presence, const ReplicaChange& change) = 0;
  // A user that was told of exists no longer.
  virtual void OnRemoved(std::string_view user, const ReplicaChange& change) = 0;
  // The server was restarted: all that was told is void, everything will be told again.
  virtual void OnReset() = 0;
};

class ReplicaTable {
 public:
  enum class Result : std::uint8_t {
    kApplied,
    kGap,       // something was lost: a new snapshot is needed
    kNewEpoch,  // another run of the server (or the first frame at all): the same
    kInvalid,   // not a frame of a server (no epoch, or an unreadable update of a user): ignored
  };

  // A follower of everyone. `observer` must outlive the table.
  explicit ReplicaTable(ReplicaObserver& observer) : observer_(observer) {}
  // A follower of `users`; an empty list follows everyone.
  ReplicaTable(ReplicaObserver& observer, const std::vector<std::string>& users);
  ReplicaTable(const ReplicaTable&) = delete;
  ReplicaTable& operator=(const ReplicaTable&) = delete;

  // A frame of `all`: its updates, then its heartbeat. What it holds is applied whatever the
  // result, up to an update that cannot be read: that one is lost, and what follows it.
  Result ApplyFrame(const StreamFrameView& frame);

  // A frame of `user/<id>`. A change missed before it is no gap: the value at hand is the current
  // one.
  Result ApplyUserFrame(const UserFrameView& frame);
  // A frame of `heartbeat`, for followers of some users.
  Result ApplyHeartbeat(const StreamFrameView& frame);

  // A snapshot is about to be asked for. Only what was asked for after this call may be applied.
  void BeginSnapshot();
  // A page of it. False, and nothing is applied, if it is of another epoch than the frames, or if
  // no snapshot is begun (any more): start again.
  bool ApplyPage(const v1::SnapshotReply& page);
  // The last page is in: drops users of which neither page nor frame spoke since BeginSnapshot.
  void EndSnapshot();

  bool snapshot_begun() const { return snapshot_ == Snapshot::kBegun; }
  bool snapshot_done() const { return snapshot_ == Snapshot::kDone; }
  // The table is what the server's table was at `sequence()`. After the last page of a snapshot
  // this may still wait for frames on their way.
  bool current() const { return snapshot_done() && (filtered_ || sequence_ >= snapshot_sequence_); }

  std::uint64_t epoch() const { return epoch_; }        // 0 before the first frame
  std::uint64_t sequence() const { return sequence_; }  // of the newest update or heartbeat
  std::size_t size() const { return present_; }         // users that exist

  // nullopt if there is no such user.
  std::optional<PresenceValue> Find(std::string_view user) const;
  // All users that exist, in no order. What is passed is valid until `visit` returns.
  void ForEach(absl::FunctionRef<void(const PresenceValue&)> visit) const;

 private:
  enum class Snapshot : std::uint8_t { kNeeded, kBegun, kDone };

  struct Entry {
    std::string presence;        // encoded, if present; otherwise only its memory is kept
    std::uint64_t revision = 0;  // of the presence, or of the removal
    std::uint64_t as_of = 0;     // sequence of the message that said so last
    std::uint32_t round = 0;     // of the snapshot in which it was last named
    PresenceState state = PresenceState::kUnknown;  // if present
    bool present = false;
  };
  using Entries = absl::flat_hash_map<std::string, Entry>;

  // An update that was read, with the presence that it brings.
  struct Read {
    UpdateView update;
    PresenceValue presence;  // reused, it keeps its memory
  };

  // Reads updates, as many as there is room for, into reads_. How many could be read.
  std::size_t ReadUpdates(std::span<const std::string_view> updates);
  // Has what those updates will touch come into the processor's caches.
  void Fetch(std::size_t count) const;
  // The entry to change; null if the user is not followed.
  Entry* EntryOf(std::string_view user);
  Result EnterEpoch(std::uint64_t epoch, std::uint64_t sequence);
  Result AdvanceTo(std::uint64_t sequence);
  void ApplyUpdate(const Read& read);
  // Of `update` all but the user counts; a page tells no cause.
  void ApplyPresence(const PresenceValue& presence, const UpdateView& update);
  void ApplyRemoval(const UpdateView& update);
  void ApplyUnknown(std::string_view user, std::uint64_t as_of);
  void SetAbsent(std::string_view user, Entry& entry, std::string_view cause);

  ReplicaObserver& observer_;
  const bool filtered_ = false;
  std::uint64_t epoch_ = 0;
  std::uint64_t sequence_ = 0;
  std::uint64_t snapshot_sequence_ = 0;  // the highest of the pages of this snapshot
  std::uint32_t round_ = 0;
  Snapshot snapshot_ = Snapshot::kNeeded;
  Entries entries_;
  std::array<Read, 16> reads_;  // side by side: of a large table each waits for memory
  std::string page_presence_;   // reused, it keeps its memory
  std::size_t present_ = 0;
};

}  // namespace unipresence::publish

#endif  // UNIPRESENCE_AGGREGATOR_PUBLISH_REPLICA_TABLE_H_
