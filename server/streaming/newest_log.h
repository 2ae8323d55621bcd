#ifndef UNIPRESENCE_SERVER_STREAMING_NEWEST_LOG_H_
#define UNIPRESENCE_SERVER_STREAMING_NEWEST_LOG_H_

// The newest voicemail box of every user whose box changed since some sequence, in order of
// sequence: what all watch streams read mailboxes from, each at its own place.
//
// A box is told as a whole, and only the newest one of a user counts. So one that is followed by a
// newer one leaves the log, and a reader that comes late finds each once. The log holds at most one
// entry per user, however slow its readers are, and its bytes stay below about four times those of
// its entries.
//
// Entries are kept as they go over the wire (field `mailboxes` of WatchPresencesResponse), in
// slices that responses refer to: a change is copied once for all streams.
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
#include "aggregator/publish/batch.h"
#include "server/streaming/watch_piece.h"

namespace unipresence {

class NewestLog {
 public:
  // Empties it; what comes next has sequences above `sequence`.
  void Reset(std::uint64_t sequence);

  // Adds the changes of a batch that are above end(). False if there is a hole between end() and
  // the batch: then nothing is added, and readers cannot go on.
  bool Append(const publish::Batch& batch);

  // Every newest change with a sequence above this one is here.
  std::uint64_t begin() const { return begin_; }
  // The sequence of the last change added.
  std::uint64_t end() const { return end_; }

  // The newest changes above `after`, in order, until `max_bytes` are reached. `after` must not be
  // below begin(). `next` is end() if all were taken.
  WatchPiece Read(std::uint64_t after, std::size_t max_bytes, SkipChange skip) const;

  // The newest change of one user.
  struct Entry {
    std::uint64_t sequence;
    std::string_view wire;  // valid until the next non-const call
  };
  std::optional<Entry> Find(std::string_view user) const;

  // Nobody needs changes up to `sequence` any more; they may leave, unless they are among the
  // newest `keep` entries.
  void Trim(std::uint64_t sequence, std::size_t keep);

  std::size_t entries() const { return newest_.size(); }
  std::size_t bytes() const { return bytes_; }

 private:
  struct Record {
    std::uint64_t sequence;
    std::uint32_t offset;  // of the user id in `users`, and of the wire bytes in `wire`
    std::uint32_t wire_offset;
    std::uint32_t wire_size;
    std::uint8_t user_size;
    bool live;
  };
  struct Segment {
    std::vector<Record> records;  // ascending by sequence
    std::string users;
    grpc::Slice wire;
    std::size_t live = 0;
    std::size_t live_bytes = 0;

    std::string_view user(const Record& record) const {
      return {users.data() + record.offset, record.user_size};
    }
  };
  struct Location {
    std::uint64_t segment;  // number of the segment: first_segment_ is the front's
    std::uint32_t record;
  };

  Segment& At(std::uint64_t segment) { return segments_[segment - first_segment_]; }
  const Segment& At(std::uint64_t segment) const { return segments_[segment - first_segment_]; }
  void Kill(Segment& segment, Record& record);
  void DropDeadSegments();
  void CompactIfSparse();

  std::deque<Segment> segments_;
  std::uint64_t first_segment_ = 0;
  absl::flat_hash_map<std::string, Location> newest_;  // by user
  std::uint64_t begin_ = 0;
  std::uint64_t end_ = 0;
  std::size_t bytes_ = 0;       // of the wire bytes that segments hold
  std::size_t live_bytes_ = 0;  // of those, of live records
};

}  // namespace unipresence

#endif  // UNIPRESENCE_SERVER_STREAMING_NEWEST_LOG_H_
