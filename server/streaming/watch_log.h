#ifndef UNIPRESENCE_SERVER_STREAMING_WATCH_LOG_H_
#define UNIPRESENCE_SERVER_STREAMING_WATCH_LOG_H_

// The last changes of all users as they were published, in order of sequence: what all watch
// streams read from, each at its own place. It takes the place of a queue per stream.
//
// The oldest ones leave when there are more than the window holds. A reader that is still below
// them has fallen behind: watch_history.h tells it what it missed.
//
// Changes are kept as they go over the wire (field `updates` of WatchPresencesResponse), in slices
// that responses refer to: a change is copied once for all streams.
//
// Thread: the watch thread's.

#include <grpcpp/support/slice.h>

#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/functional/function_ref.h"
#include "aggregator/publish/batch.h"
#include "server/streaming/watch_piece.h"

namespace unipresence {

class WatchLog {
 public:
  // Keeps `window` changes, and up to a quarter more, so that not each one costs a look at all
  // readers.
  explicit WatchLog(std::size_t window) : window_(window) {}

  // One change; its views are valid until the next non-const call.
  struct Change {
    std::uint64_t sequence = 0;
    std::uint64_t before = 0;  // sequence of the user's change before; 0 or up to begin(): left
    std::string_view user;
    std::string_view wire;  // with tag and length

    // The PresenceUpdate alone.
    std::string_view update() const;
  };

  // Empties it; what comes next has sequences above `sequence`.
  void Reset(std::uint64_t sequence);

  // Adds the changes of a batch that are above end(). False if there is a hole between end() and
  // the batch: then nothing is added, and readers cannot go on.
  bool Append(const publish::Batch& batch);

  // Every change with a sequence above begin() and up to end() is here.
  std::uint64_t begin() const { return begin_; }
  std::uint64_t end() const { return end_; }

  // The changes above `after`, in order, until `max_bytes` are reached. `after` must not be below
  // begin(). `next` is end() if all were taken.
  WatchPiece Read(std::uint64_t after, std::size_t max_bytes, SkipChange skip) const;

  // Visits the changes above `after`, in order; as for Read.
  void ForEach(std::uint64_t after, absl::FunctionRef<void(const Change&)> visit) const;

  // `sequence` must be above begin() and up to end().
  Change At(std::uint64_t sequence) const;
  // The last change of that user.
  std::optional<Change> Newest(std::string_view user) const;

  // More is held than the window and a quarter.
  bool full() const { return end_ - begin_ > window_ + window_ / 4; }
  // Where begin() will be after Trim().
  std::uint64_t TrimmedBegin() const { return end_ - begin_ > window_ ? end_ - window_ : begin_; }
  // Lets the oldest changes go until the window holds the rest; tells each before.
  void Trim(absl::FunctionRef<void(const Change&)> leaving);

  std::size_t size() const { return end_ - begin_; }
  // Held for changes.
  std::size_t bytes() const { return bytes_; }

 private:
  struct Record {
    std::uint64_t before;
    std::uint32_t user_offset;  // in `users`
    std::uint32_t wire_offset;
    std::uint32_t wire_size;
    std::uint32_t user_size;
  };
  // Records are added to the last one until its slice is full.
  struct Segment {
    std::uint64_t first_sequence = 0;
    std::vector<Record> records;  // of consecutive sequences
    std::string users;
    grpc::Slice wire;
    std::size_t used = 0;  // bytes of `wire`

    std::uint64_t last_sequence() const { return first_sequence + records.size() - 1; }
    std::string_view user(const Record& record) const {
      return {users.data() + record.user_offset, record.user_size};
    }
  };
  using Segments = std::deque<Segment>;

  // The one with that change.
  Segments::const_iterator SegmentOf(std::uint64_t sequence) const;
  static Change ChangeOf(const Segment& segment, std::uint64_t sequence);
  Segment& SegmentFor(std::size_t bytes);

  const std::size_t window_;
  Segments segments_;
  // By user, of changes here; some that left stay until they are many.
  absl::flat_hash_map<std::string, std::uint64_t> newest_;
  std::uint64_t begin_ = 0;
  std::uint64_t end_ = 0;
  std::size_t bytes_ = 0;
};

}  // namespace unipresence

#endif  // UNIPRESENCE_SERVER_STREAMING_WATCH_LOG_H_
