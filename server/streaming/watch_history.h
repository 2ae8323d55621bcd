#ifndef UNIPRESENCE_SERVER_STREAMING_WATCH_HISTORY_H_
#define UNIPRESENCE_SERVER_STREAMING_WATCH_HISTORY_H_

// The changes that watch streams are told: the log, and what is still needed of those that left it.
//
//   spans, by user: how many changes, and the state before    the log: every change
//   |--------- from 7 ---------|------ from 900 -------|================================|
//   ^ a reader stands here     ^ two stand here        ^ log().begin()          log().end() ^
//
// A change that leaves the log while a reader has not come to it is folded into the last span, of
// which there is one from each place where a reader stands: so it costs the same however many
// readers are behind, and each can be told how many changes of a user it missed and what it was
// shown last. Beside that the newest value of each user is kept, once for all, and the cause of his
// last change of state.
//
// When nobody is behind nothing is kept. entries() tells what is; the owner sees to its bound.
//
// Thread: the watch thread's.

#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "aggregator/publish/batch.h"
#include "aggregator/publish/encoded_update.h"
#include "server/streaming/watch_log.h"

namespace unipresence {

class WatchHistory {
 public:
  // Several changes of one user.
  struct Merged {
    std::uint32_t changes = 0;
    std::uint32_t previous_state = 0;  // before the first of them, as EncodedUpdate has it
  };
  using MergedUsers = absl::flat_hash_map<std::string, Merged>;

  // `window`: as of WatchLog.
  explicit WatchHistory(std::size_t window) : log_(window) {}

  const WatchLog& log() const { return log_; }
  // The sequence of the last change.
  std::uint64_t end() const { return log_.end(); }

  // Empties it.
  void Reset(std::uint64_t sequence);
  // As that of WatchLog.
  bool Append(const publish::Batch& batch) { return log_.Append(batch); }

  // Lets the oldest changes leave the log. `places` are those below log().TrimmedBegin() at which
  // readers of everyone stand, ascending, each once. Without `anyone_behind`, who may be a reader
  // of some users too, nothing that left is kept.
  void Trim(const std::vector<std::uint64_t>& places, bool anyone_behind);

  // Adds a change to what stands for those before.
  static void Fold(const WatchLog::Change& change, MergedUsers& users);
  // All changes above `place`, which was among the `places` of the last Trim().
  MergedUsers Since(std::uint64_t place) const;

  // The newest change of a user, also if it has left the log.
  struct Newest {
    std::uint64_t sequence = 0;
    publish::EncodedUpdate update;
    std::string_view cause;  // of the change above `shown` that brought the state; if the state did
                             // not change since, that of the newest
  };
  std::optional<Newest> Find(std::string_view user, std::uint64_t shown) const;

  // Changes of the user above `after`, which must not be below log().begin().
  std::uint32_t CountAfter(std::string_view user, std::uint64_t after) const;

  // Users of the spans, and those of whom the newest value is kept.
  std::size_t entries() const;

 private:
  struct Span {
    std::uint64_t from = 0;
    MergedUsers users;
  };
  struct Left {
    std::uint64_t sequence = 0;
    std::string update;
    std::uint64_t brought_at = 0;  // the last change of the state
    std::string cause;
  };

  void DropSpans(const std::vector<std::uint64_t>& places);
  void Keep(const WatchLog::Change& change);
  std::string_view BroughtBy(const WatchLog::Change& newest, std::uint64_t shown) const;

  WatchLog log_;
  std::deque<Span> spans_;
  absl::flat_hash_map<std::string, Left> left_;  // the newest that left the log, by user
};

}  // namespace unipresence

#endif  // UNIPRESENCE_SERVER_STREAMING_WATCH_HISTORY_H_
