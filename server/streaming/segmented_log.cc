#include "server/streaming/segmented_log.h"

#include <algorithm>

namespace unipresence {

std::string_view SegmentedLog::Change::update() const {
  std::size_t head = 1;  // the tag
  while (static_cast<unsigned char>(wire[head]) >= 0x80) ++head;
  return wire.substr(head + 1);
}

void SegmentedLog::Clear(std::uint64_t sequence) {
  segments_.clear();
  newest_.clear();
  bytes_ = live_bytes_ = 0;
  begin_ = end_ = sequence;
}

char* SegmentedLog::Add(const Change& change, std::size_t size) {
  if (segments_.empty() || segments_.back().wire.size() - segments_.back().used < size) {
    Segment& added = segments_.emplace_back();
    added.wire = grpc::Slice(std::max(size, kSegmentBytes));
    bytes_ += added.wire.size();
  }
  Segment& segment = segments_.back();
  segment.records.push_back({.sequence = change.sequence,
                             .before = change.before,
                             .user_offset = static_cast<std::uint32_t>(segment.users.size()),
                             .wire_offset = static_cast<std::uint32_t>(segment.used),
                             .wire_size = static_cast<std::uint32_t>(size),
                             .user_size = static_cast<std::uint16_t>(change.user.size()),
                             .live = true});
  segment.users.append(change.user);
  segment.used += size;
  ++segment.live;
  live_bytes_ += size;
  return MutableData(segment.wire) + segment.records.back().wire_offset;
}

SegmentedLog::Segments::const_iterator SegmentedLog::SegmentOf(std::uint64_t sequence) const {
  return std::partition_point(segments_.begin(), segments_.end(), [&](const Segment& candidate) {
    return candidate.last_sequence() < sequence;
  });
}

std::vector<SegmentedLog::Record>::const_iterator SegmentedLog::RecordOf(const Segment& segment,
                                                                         std::uint64_t sequence) {
  // Where nothing was left out it is at once known.
  const std::uint64_t first = segment.records.front().sequence;
  const std::uint64_t index = sequence > first ? sequence - first : 0;
  if (index < segment.records.size() && segment.records[index].sequence == sequence) {
    return segment.records.begin() + static_cast<std::ptrdiff_t>(index);
  }
  return std::partition_point(
      segment.records.begin(), segment.records.end(),
      [&](const Record& candidate) { return candidate.sequence < sequence; });
}

SegmentedLog::Change SegmentedLog::ChangeOf(const Segment& segment, const Record& record) {
  return {.sequence = record.sequence,
          .before = record.before,
          .user = segment.user(record),
          .wire = segment.wire_of(record)};
}

WatchPiece SegmentedLog::Read(std::uint64_t after, std::size_t max_bytes, SkipChange skip) const {
  WatchPiece piece;
  piece.next = end_;
  PieceGatherer gatherer(piece);
  for (auto segment = SegmentOf(after + 1); segment != segments_.end(); ++segment) {
    if (segment->live == 0) continue;
    for (auto record = RecordOf(*segment, after + 1); record != segment->records.end(); ++record) {
      if (!record->live || skip(segment->user(*record), record->sequence)) continue;
      if (piece.updates > 0 && piece.bytes + record->wire_size > max_bytes) {
        piece.next = record->sequence - 1;
        gatherer.Finish();
        return piece;
      }
      gatherer.Add(segment->wire, record->wire_offset, record->wire_size);
    }
  }
  gatherer.Finish();
  return piece;
}

SegmentedLog::Change SegmentedLog::At(std::uint64_t sequence) const {
  const Segment& segment = *SegmentOf(sequence);
  return ChangeOf(segment, *RecordOf(segment, sequence));
}

std::optional<SegmentedLog::Change> SegmentedLog::Newest(std::string_view user) const {
  const auto it = newest_.find(ToAbsl(user));
  if (it == newest_.end() || it->second <= begin_) return std::nullopt;
  return At(it->second);
}

void SegmentedLog::DropFront() {
  bytes_ -= segments_.front().wire.size();
  segments_.pop_front();
}

}  // namespace unipresence
