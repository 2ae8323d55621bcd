#include "server/streaming/watch_log.h"

#include <algorithm>
#include <utility>

#include "aggregator/base/strings.h"
#include "aggregator/publish/wire.h"
#include "unipresence/v1/presence.pb.h"

namespace unipresence {
namespace {

namespace wire = publish::wire;

// Of WatchPresencesResponse.
constexpr std::uint32_t kUpdatesField = 1;
static_assert(v1::WatchPresencesResponse::kUpdatesFieldNumber == kUpdatesField);

constexpr std::size_t kSegmentBytes = std::size_t{64} << 10;

}  // namespace

std::string_view WatchLog::Change::update() const {
  std::size_t head = 1;  // the tag
  while (static_cast<unsigned char>(wire[head]) >= 0x80) ++head;
  return wire.substr(head + 1);
}

void WatchLog::Reset(std::uint64_t sequence) {
  segments_.clear();
  newest_.clear();
  bytes_ = 0;
  begin_ = end_ = sequence;
}

bool WatchLog::Append(const publish::Batch& batch) {
  if (batch.last_sequence() <= end_) return true;
  if (batch.first_sequence() > end_ + 1) return false;
  for (std::size_t i = end_ + 1 - batch.first_sequence(); i < batch.size(); ++i) {
    const std::string_view user = batch.user(i);
    const std::string_view update = batch.update(i);
    const std::size_t size = wire::LengthFieldSize(update.size());
    Segment& segment = SegmentFor(size);
    wire::PutBytesField<kUpdatesField>(MutableData(segment.wire) + segment.used, update);
    std::uint64_t& newest = newest_[ToAbsl(user)];
    segment.records.push_back({.before = std::exchange(newest, ++end_),
                               .user_offset = static_cast<std::uint32_t>(segment.users.size()),
                               .wire_offset = static_cast<std::uint32_t>(segment.used),
                               .wire_size = static_cast<std::uint32_t>(size),
                               .user_size = static_cast<std::uint32_t>(user.size())});
    segment.users.append(user);
    segment.used += size;
  }
  return true;
}

WatchLog::Segment& WatchLog::SegmentFor(std::size_t bytes) {
  if (segments_.empty() || segments_.back().wire.size() - segments_.back().used < bytes) {
    Segment& added = segments_.emplace_back();
    added.first_sequence = end_ + 1;
    added.wire = grpc::Slice(std::max(bytes, kSegmentBytes));
    bytes_ += added.wire.size();
  }
  return segments_.back();
}

WatchLog::Segments::const_iterator WatchLog::SegmentOf(std::uint64_t sequence) const {
  return std::partition_point(segments_.begin(), segments_.end(), [&](const Segment& candidate) {
    return candidate.last_sequence() < sequence;
  });
}

WatchLog::Change WatchLog::ChangeOf(const Segment& segment, std::uint64_t sequence) {
  const Record& record = segment.records[sequence - segment.first_sequence];
  return {.sequence = sequence,
          .before = record.before,
          .user = segment.user(record),
          .wire = {reinterpret_cast<const char*>(segment.wire.begin()) + record.wire_offset,
                   record.wire_size}};
}

WatchPiece WatchLog::Read(std::uint64_t after, std::size_t max_bytes, SkipChange skip) const {
  WatchPiece piece;
  piece.next = end_;
  PieceGatherer gatherer(piece);
  std::uint64_t sequence = after + 1;
  for (auto segment = SegmentOf(sequence); segment != segments_.end(); ++segment) {
    for (; sequence <= segment->last_sequence(); ++sequence) {
      const Record& record = segment->records[sequence - segment->first_sequence];
      if (skip(segment->user(record), sequence)) continue;
      if (piece.updates > 0 && piece.bytes + record.wire_size > max_bytes) {
        piece.next = sequence - 1;
        gatherer.Finish();
        return piece;
      }
      gatherer.Add(segment->wire, record.wire_offset, record.wire_size);
    }
  }
  gatherer.Finish();
  return piece;
}

void WatchLog::ForEach(std::uint64_t after, absl::FunctionRef<void(const Change&)> visit) const {
  std::uint64_t sequence = after + 1;
  for (auto segment = SegmentOf(sequence); segment != segments_.end(); ++segment) {
    for (; sequence <= segment->last_sequence(); ++sequence) visit(ChangeOf(*segment, sequence));
  }
}

WatchLog::Change WatchLog::At(std::uint64_t sequence) const {
  return ChangeOf(*SegmentOf(sequence), sequence);
}

std::optional<WatchLog::Change> WatchLog::Newest(std::string_view user) const {
  const auto it = newest_.find(ToAbsl(user));
  if (it == newest_.end() || it->second <= begin_) return std::nullopt;
  return At(it->second);
}

void WatchLog::Trim(absl::FunctionRef<void(const Change&)> leaving) {
  const std::uint64_t begin = TrimmedBegin();
  while (begin_ < begin) {
    const Segment& front = segments_.front();
    const std::uint64_t last = std::min(begin, front.last_sequence());
    while (begin_ < last) leaving(ChangeOf(front, ++begin_));
    if (last < front.last_sequence()) break;
    bytes_ -= front.wire.size();
    segments_.pop_front();
  }
  if (newest_.size() <= 2 * (size() + kSegmentBytes)) return;
  absl::erase_if(newest_, [&](const auto& item) { return item.second <= begin_; });
}

}  // namespace unipresence
