#ifndef UNIPRESENCE_SERVER_STREAMING_WATCH_STREAM_H_
#define UNIPRESENCE_SERVER_STREAMING_WATCH_STREAM_H_

// What one WatchPresences stream has been sent and what it is sent next. No gRPC calls, no threads,
// no clock: watch_hub.h drives it.
//
//   begins at sequence S      RESET if what a resume token says cannot be continued
//   initial values            read from the engine in slices; the next one is asked for when the
//                             one before is on its way, so a slow client never piles them up
//   changes above S           from the log, except those that an initial value already had
//   CURRENT                   when all changes up to the last slice are sent
//   changes, for ever
//
// A stream of everyone is a place in the log. A stream of some users keeps the sequences of their
// changes. Whoever keeps up is sent each change. One that falls behind is sent one merged update
// for each user (watch_backlog.h): a stream of everyone when the log has moved on beyond its place,
// one of some users then too, and when more than kMaxPending of their changes wait.
//
// Each response has a resume token. It names a place up to which the receiver was shown all, and
// nothing beyond, so that what is told to who resumes joins what he was shown last. While there is
// no such place, for initial values and merged updates are being sent, it names one from which on
// all is to be read anew, as repetitions; or none, before the receiver has all initial values.
//
// Thread: the watch thread's.

#include <grpcpp/support/byte_buffer.h>

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "server/streaming/mailbox_watch.h"
#include "server/streaming/newest_log.h"
#include "server/streaming/watch_backlog.h"
#include "server/streaming/watch_history.h"

namespace unipresence {

// Where a stream stands when the pipeline has registered it.
struct WatchRegistration {
  std::uint64_t epoch = 0;
  std::uint64_t sequence = 0;
  std::uint64_t removal_sequence = 0;
  std::uint64_t mailbox_sequence = 0;
};

// Which initial values to read next.
struct SliceRequest {
  std::uint64_t attempt = 0;       // to be given back
  std::uint64_t cursor = 0;        // of PresenceSource::Read, or a place among the users
  std::uint64_t unless_up_to = 0;  // leave out users without a change above this
  std::uint64_t newer_than = 0;    // name users with a change above this
  bool presences = true;           // else mailboxes alone
  bool mailboxes = false;
  WatchedUsers mailbox_users;              // whose boxes
  std::uint64_t mailboxes_newer_than = 0;  // name boxes with a change above this
};

// Initial values, as they go over the wire.
struct InitialSlice {
  std::uint64_t attempt = 0;
  std::string wire;
  std::size_t updates = 0;
  std::uint64_t next_cursor = 0;  // 0: this was the last one
  std::uint64_t sequence = 0;     // of the engine when it was read
  std::vector<std::pair<std::string, std::uint64_t>> newer;
  std::uint64_t mailbox_sequence = 0;  // as `sequence`
  std::vector<std::pair<std::string, std::uint64_t>> newer_mailboxes;
};

class WatchStream {
 public:
  // Changes that wait for a stream of some users before they are merged.
  static constexpr std::size_t kMaxPending = 1024;

  WatchStream(WatchedUsers users, std::string resume_token);

  // Before Begin: sends voicemail boxes too. `user` may read all boxes if `all`, else his own.
  void WatchMailboxes(const std::string& user, bool all, const NewestLog& mailbox_log);
  // Null if it sends no boxes.
  MailboxWatch* mailboxes() { return mailboxes_ ? &*mailboxes_ : nullptr; }

  const WatchedUsers& users() const { return users_; }
  bool everyone() const { return users_ == nullptr; }

  // How a stream begins.
  enum class Start {
    kFresh,    // all values
    kResumed,  // what it missed, from the log
    kReread,   // what it missed, from the engine
    kReset,    // RESET, then all values
  };
  Start Begin(const WatchRegistration& registration, const WatchHistory& history);
  // RESET, and all values anew.
  void StartOver(const WatchHistory& history);

  // The initial values to ask for now; nullopt if none are wanted, or some are on their way or
  // waiting.
  std::optional<SliceRequest> TakeSliceRequest();
  // False if the slice is of an attempt that was given up.
  bool AddSlice(InitialSlice slice);

  // A filtered stream: user number `index` of users() has a change in the log. In order.
  void NoteChange(std::size_t index, std::uint64_t sequence, const WatchHistory& history);

  // Changes up to `sequence` are about to leave the log. True if the history must keep what stands
  // for them.
  bool FallsBehind(std::uint64_t sequence, const WatchHistory& history);

  // The next response, if there is something to tell. What it carries counts as sent.
  struct Response {
    grpc::ByteBuffer bytes;
    std::size_t updates = 0;
    std::size_t missed = 0;  // changes that were merged into others
  };
  std::optional<Response> Next(const WatchHistory& history, std::size_t max_bytes);
  // A response without news.
  Response SignOfLife(const WatchHistory& history);

  // Streams of everyone that are only following: those at the same place are sent the same, so one
  // response serves all. nullopt for others.
  std::optional<std::uint64_t> SharedPlace(const WatchHistory& history) const;
  // For such streams: what Next gave to another one counts as sent here too.
  void SkipTo(std::uint64_t place) {
    after_ = place;
    complete_at_ = place;
  }
  std::uint64_t place() const { return after_; }

  // What it keeps because it is behind, in users.
  std::size_t entries() const { return backlog_.entries(); }
  // TakeSliceRequest would give one.
  bool wants_slice() const { return initial_ && !slice_asked_ && !slice_; }

 private:
  void ReadAll(const WatchLog& log, std::uint64_t unless_up_to);
  void ReadInitial(const WatchLog& log, bool presences, std::uint64_t unless_up_to);
  void CollectChanges(const WatchLog& log);
  void MergePending(const WatchHistory& history);
  std::optional<Response> NextInitial();
  std::optional<Response> NextChanges(const WatchHistory& history, std::size_t max_bytes);
  WatchPiece TakeChanges(const WatchHistory& history, std::size_t max_bytes);
  void Settle(const WatchLog& log);
  void TakePending(const WatchLog& log, std::size_t max_bytes, WatchPiece& piece);
  std::string Token() const;

  const WatchedUsers users_;
  const std::uint64_t users_hash_;
  std::string resume_token_;
  std::uint64_t epoch_ = 0;

  bool reset_due_ = false;
  // Changes up to here were sent, are in initial values, or in the backlog. For a filtered stream:
  // what is pending is above.
  std::uint64_t after_ = 0;
  WatchBacklog backlog_;
  // What the receiver holds is complete as of here, or newer. Not set before it has all initial
  // values.
  std::optional<std::uint64_t> complete_at_;

  // Initial values, while `initial_`.
  bool initial_ = false;
  bool slice_asked_ = false;
  std::uint64_t attempt_ = 0;
  std::uint64_t cursor_ = 0;
  std::uint64_t initial_after_ = 0;  // `after_` when they began
  std::uint64_t unless_up_to_ = 0;
  bool presences_ = true;  // are read too
  std::optional<InitialSlice> slice_;
  // CURRENT is due once changes up to this are sent.
  std::optional<std::uint64_t> current_at_;

  // A filtered stream: changes that were not sent, in order.
  struct Pending {
    std::uint64_t sequence = 0;
    std::uint32_t user = 0;
  };
  std::deque<Pending> pending_;

  std::optional<MailboxWatch> mailboxes_;
  std::uint64_t mailbox_start_ = 0;  // registration.mailbox_sequence
};

// For tests and tools: what a resume token says.
struct ResumeToken {
  std::uint64_t epoch = 0;
  std::uint64_t sequence = 0;
  std::uint64_t users_hash = 0;  // 0 = everyone
  bool exact = true;             // the receiver was shown nothing beyond the sequence

  std::string Encode() const;
  static std::optional<ResumeToken> Decode(std::string_view token);
};

}  // namespace unipresence

#endif  // UNIPRESENCE_SERVER_STREAMING_WATCH_STREAM_H_
