#ifndef UNIPRESENCE_SERVER_STREAMING_SEGMENTED_LOG_H_
#define UNIPRESENCE_SERVER_STREAMING_SEGMENTED_LOG_H_

// Changes in order of sequence, as they go over the wire, which all streams read, each at its own
// place: it takes the place of a queue per stream. What the logs of all resources have in common;
// which changes leave, and when, is said by those that derive from it.
//
// Changes are kept framed (a field of WatchPresencesResponse), in slices that responses refer to: a
// change is copied once for all streams.
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
#include "aggregator/base/strings.h"
#include "aggregator/publish/batch.h"
#include "aggregator/publish/wire.h"
#include "server/streaming/watch_piece.h"

namespace unipresence {

class SegmentedLog {
 public:
  // One change; its views are valid until the next non-const call.
  struct Change {
    std::uint64_t sequence = 0;
    std::uint64_t before = 0;  // sequence of the user's change before; 0 or up to begin(): left
    std::string_view user;
    std::string_view wire;  // with tag and length

    // The message alone.
    std::string_view update() const;
  };

  // Every change that the log promises to keep, with a sequence above begin() and up to end(), is
  // here.
  std::uint64_t begin() const { return begin_; }
  std::uint64_t end() const { return end_; }

  // The changes above `after`, in order, until `max_bytes` are reached. `after` must not be below
  // begin(). `next` is end() if all were taken.
  WatchPiece Read(std::uint64_t after, std::size_t max_bytes, SkipChange skip) const;

  // `sequence` must be that of a change that is here.
  Change At(std::uint64_t sequence) const;
  // The last change of that user.
  std::optional<Change> Newest(std::string_view user) const;

  // Held for changes.
  std::size_t bytes() const { return bytes_; }

 protected:
  struct Record {
    std::uint64_t sequence;
    std::uint64_t before;
    std::uint32_t user_offset;  // in `users`
    std::uint32_t wire_offset;
    std::uint32_t wire_size;
    std::uint16_t user_size;
    bool live;  // else it is read no more
  };
  // Records are added to the last one until its slice is full. There is none without records.
  struct Segment {
    std::vector<Record> records;  // ascending by sequence
    std::string users;
    grpc::Slice wire;
    std::size_t used = 0;  // bytes of `wire`
    std::size_t live = 0;  // records

    std::uint64_t last_sequence() const { return records.back().sequence; }
    std::string_view user(const Record& record) const {
      return {users.data() + record.user_offset, record.user_size};
    }
    std::string_view wire_of(const Record& record) const {
      return {reinterpret_cast<const char*>(wire.begin()) + record.wire_offset, record.wire_size};
    }
  };
  using Segments = std::deque<Segment>;

  static constexpr std::size_t kSegmentBytes = std::size_t{64} << 10;

  SegmentedLog() = default;
  ~SegmentedLog() = default;
  SegmentedLog(const SegmentedLog&) = default;
  SegmentedLog& operator=(const SegmentedLog&) = default;

  // Empties it; what comes next has sequences above `sequence`.
  void Clear(std::uint64_t sequence);

  // Adds the changes of a batch that are above end(), as field `kField`. False if there is a hole
  // between end() and the batch: then nothing is added, and readers cannot go on. `newer(older)` is
  // called for each change whose user had one before, with its sequence: before it is added.
  template <std::uint32_t kField, typename Newer>
  bool AppendAs(const publish::Batch& batch, Newer newer) {
    if (batch.last_sequence() <= end_) return true;
    if (batch.first_sequence() > end_ + 1) return false;
    for (std::size_t i = end_ + 1 - batch.first_sequence(); i < batch.size(); ++i) {
      const std::string_view update = batch.update(i);
      std::uint64_t& newest = newest_[ToAbsl(batch.user(i))];
      if (newest != 0) newer(newest);
      char* const out =
          Add({.sequence = ++end_, .before = newest, .user = batch.user(i), .wire = {}},
              publish::wire::LengthFieldSize(update.size()));
      publish::wire::PutBytesField<kField>(out, update);
      newest = end_;
    }
    return true;
  }
  // Makes room for a change, whose `size` bytes of wire are to be written there.
  char* Add(const Change& change, std::size_t size);

  // The first one that ends at that sequence or above.
  Segments::const_iterator SegmentOf(std::uint64_t sequence) const;
  static std::vector<Record>::const_iterator RecordOf(const Segment& segment,
                                                      std::uint64_t sequence);
  static Change ChangeOf(const Segment& segment, const Record& record);
  void DropFront();

  Segments segments_;
  // By user, the sequence of the last change; some that left may stay.
  absl::flat_hash_map<std::string, std::uint64_t> newest_;
  std::uint64_t begin_ = 0;
  std::uint64_t end_ = 0;
  std::size_t bytes_ = 0;       // of the slices
  std::size_t live_bytes_ = 0;  // of those, of live records; where records die it is counted down
};

}  // namespace unipresence

#endif  // UNIPRESENCE_SERVER_STREAMING_SEGMENTED_LOG_H_
