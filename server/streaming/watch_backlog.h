#ifndef UNIPRESENCE_SERVER_STREAMING_WATCH_BACKLOG_H_
#define UNIPRESENCE_SERVER_STREAMING_WATCH_BACKLOG_H_

// What one watch stream is told of changes that it does not get one by one.
//
// A stream that fell behind is sent one update for each user with changes up to some place, the
// stream's: it stands for all of them (PresenceUpdate.merged_changes), with the state that the
// receiver was shown last as the state before. The value is the newest there is when it is sent, so
// it may be ahead of the place; what it already tells is not sent again. Initial values are ahead
// in the same way.
//
// Bounded by the users: one entry each, however many changes.
//
// Thread: the watch thread's.

#include <cstddef>
#include <cstdint>
#include <deque>
#include <string>
#include <string_view>

#include "absl/container/flat_hash_map.h"
#include "aggregator/publish/byte_buffer.h"
#include "server/streaming/watch_history.h"
#include "server/streaming/watch_piece.h"

namespace unipresence {

class WatchBacklog {
 public:
  void Clear();

  // An initial value was sent that has the user's changes up to `sequence`, which is above the
  // stream's place.
  void ShownInitially(std::string_view user, std::uint64_t sequence);
  // The stream passes that change. True if the receiver was sent it already, or a newer one of the
  // user.
  bool Passes(std::string_view user, std::uint64_t sequence) {
    return !ahead_.empty() && PassesAhead(user, sequence);
  }
  // The stream has come to that place.
  void Reached(std::uint64_t place);
  // The receiver was shown newer values of some users than those at the stream's place.
  bool ahead() const { return !ahead_.empty(); }

  // Takes in all `changes` from the stream's `place` up to `new_place`, which is where the stream
  // stands after that.
  void Merge(WatchHistory::MergedUsers changes, std::uint64_t place, std::uint64_t new_place,
             const WatchHistory& history);
  // Nothing is left to send.
  bool empty() const { return queue_.empty(); }
  // Updates, about `max_bytes`. They count as sent. `place` is where the stream stands.
  WatchPiece Take(std::size_t max_bytes, std::uint64_t place, const WatchHistory& history);

  std::size_t entries() const { return queue_.size() + ahead_.size(); }

 private:
  // Of one user, what he has changes above.
  struct Missed {
    std::string user;
    std::uint64_t shown = 0;  // the receiver knows his changes up to here
    WatchHistory::Merged merged;
    bool refresh = false;  // what the receiver was shown last is not known: a repetition is sent
  };
  // What was shown of a user whose value is ahead of the stream's place.
  struct Ahead {
    std::uint64_t sequence = 0;
    std::uint32_t state = 0;
    std::uint32_t changes = 0;  // above the place up to `sequence`
    bool initial = false;       // state and changes are not known
  };

  bool PassesAhead(std::string_view user, std::uint64_t sequence);
  void HeedInitialValue(Missed& missed) const;
  bool Send(Missed missed, std::uint64_t place, const WatchHistory& history,
            publish::ByteBuffer& update, WatchPiece& piece);

  std::deque<Missed> queue_;
  absl::flat_hash_map<std::string, Ahead> ahead_;
  std::uint64_t ahead_until_ = 0;  // the highest sequence of them
};

}  // namespace unipresence

#endif  // UNIPRESENCE_SERVER_STREAMING_WATCH_BACKLOG_H_
