#ifndef UNIPRESENCE_SERVER_STREAMING_MAILBOX_WATCH_H_
#define UNIPRESENCE_SERVER_STREAMING_MAILBOX_WATCH_H_

// The voicemail boxes of one WatchPresences stream: what it has been sent and what it is sent next.
// The part of watch_stream.h for `include_mailboxes`, with a log of its own.
//
//   begins at sequence S      initial values come with those of the presences (InitialSlice)
//   changes above S           from the log, except those that an initial value already had
//
// A stream of all boxes is a place in the log. A stream of some keeps the users whose box changed
// and takes the newest value when it is sent. Nothing is resumed: every stream begins with all.
//
// Thread: the watch thread's.

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "server/streaming/newest_log.h"
#include "server/streaming/watchers.h"

namespace unipresence {

class MailboxWatch {
 public:
  // `users` are those whose boxes are watched. `log` must outlive it.
  MailboxWatch(WatchedUsers users, const NewestLog& log) : users_(std::move(users)), log_(log) {}

  bool everyone() const { return users_ == nullptr; }
  const WatchedUsers& users() const { return users_; }

  // All values are read anew; what they lack above `sequence` is in the log, or will be.
  void Begin(std::uint64_t sequence);

  // A slice of initial values was sent, read when the newest change was `sequence`; `newer` names
  // boxes in it with changes above place().
  void AddInitial(std::uint64_t sequence, std::vector<std::pair<std::string, std::uint64_t>> newer);
  // That was the last one.
  void EndInitial() { initial_ = false; }

  // Not of everyone: that user's box has a change in the log.
  void NoteChange(std::string_view user, std::uint64_t sequence);

  // The newest changes that were not sent, about `max_bytes`. They count as sent.
  WatchPiece Take(std::size_t max_bytes);
  // All changes up to the initial values' sequence were sent.
  bool current() const { return !initial_ && !current_at_; }

  // Initial values must name boxes with changes above this.
  std::uint64_t place() const { return after_; }
  // The log must keep what is above this.
  std::uint64_t Needs() const;

 private:
  bool HasNewer(std::string_view user, std::uint64_t sequence) const;
  WatchPiece TakePending(std::size_t max_bytes);

  const WatchedUsers users_;
  const NewestLog& log_;
  std::uint64_t after_ = 0;  // as in WatchStream
  bool initial_ = false;
  absl::flat_hash_map<std::string, std::uint64_t> newer_;  // sent with changes above `after_`
  std::optional<std::uint64_t> current_at_;
  std::deque<std::string> pending_;  // users with changes that were not sent, each once
  absl::flat_hash_set<std::string> is_pending_;
};

}  // namespace unipresence

#endif  // UNIPRESENCE_SERVER_STREAMING_MAILBOX_WATCH_H_
