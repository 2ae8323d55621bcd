#include "server/streaming/newest_log.h"

#include <algorithm>
#include <cstring>
#include <span>
#include <utility>

#include "aggregator/base/strings.h"
#include "aggregator/publish/wire.h"
#include "unipresence/v1/presence.pb.h"

namespace unipresence {
namespace {

namespace wire = publish::wire;

// Of WatchPresencesResponse.
constexpr std::uint32_t kMailboxesField = 4;
static_assert(v1::WatchPresencesResponse::kMailboxesFieldNumber == kMailboxesField);
// Dead bytes that are not worth a compaction.
constexpr std::size_t kSlackBytes = std::size_t{1} << 20;
// Of a segment made by compaction.
constexpr std::size_t kSegmentBytes = std::size_t{256} << 10;

}  // namespace

void NewestLog::Reset(std::uint64_t sequence) {
  first_segment_ += segments_.size();
  segments_.clear();
  newest_.clear();
  bytes_ = live_bytes_ = 0;
  begin_ = end_ = sequence;
}

bool NewestLog::Append(const publish::Batch& batch) {
  if (batch.last_sequence() <= end_) return true;
  if (batch.first_sequence() > end_ + 1) return false;
  const std::size_t from = end_ + 1 - batch.first_sequence();

  std::size_t size = 0;
  std::size_t users = 0;
  for (std::size_t i = from; i < batch.size(); ++i) {
    size += wire::LengthFieldSize(batch.update(i).size());
    users += batch.user(i).size();
  }
  segments_.emplace_back();
  Segment& segment = segments_.back();
  const std::uint64_t number = first_segment_ + segments_.size() - 1;
  segment.wire = grpc::Slice(size);
  char* out = MutableData(segment.wire);
  segment.users.reserve(users);
  segment.records.reserve(batch.size() - from);
  const char* const start = out;
  for (std::size_t i = from; i < batch.size(); ++i) {
    const std::string_view user = batch.user(i);
    char* const begin = out;
    out = wire::PutBytesField<kMailboxesField>(out, batch.update(i));
    const auto [newest, is_new] = newest_.try_emplace(ToAbsl(user));
    if (!is_new) {
      Segment& old = At(newest->second.segment);
      Kill(old, old.records[newest->second.record]);
    }
    newest->second = {number, static_cast<std::uint32_t>(segment.records.size())};
    segment.records.push_back({.sequence = batch.sequence(i),
                               .offset = static_cast<std::uint32_t>(segment.users.size()),
                               .wire_offset = static_cast<std::uint32_t>(begin - start),
                               .wire_size = static_cast<std::uint32_t>(out - begin),
                               .user_size = static_cast<std::uint8_t>(user.size()),
                               .live = true});
    segment.users.append(user);
    ++segment.live;
    segment.live_bytes += segment.records.back().wire_size;
    live_bytes_ += segment.records.back().wire_size;
  }
  bytes_ += size;
  end_ = batch.last_sequence();
  DropDeadSegments();
  CompactIfSparse();
  return true;
}

void NewestLog::Kill(Segment& segment, Record& record) {
  record.live = false;
  --segment.live;
  segment.live_bytes -= record.wire_size;
  live_bytes_ -= record.wire_size;
}

WatchPiece NewestLog::Read(std::uint64_t after, std::size_t max_bytes, SkipChange skip) const {
  WatchPiece piece;
  piece.next = end_;
  PieceGatherer gatherer(piece);
  // A segment without records never stays; the first one that ends above `after` has the next
  // entry.
  auto segment = std::partition_point(
      segments_.begin(), segments_.end(),
      [&](const Segment& candidate) { return candidate.records.back().sequence <= after; });
  for (; segment != segments_.end(); ++segment) {
    if (segment->live == 0) continue;
    auto record =
        std::partition_point(segment->records.begin(), segment->records.end(),
                             [&](const Record& candidate) { return candidate.sequence <= after; });
    for (; record != segment->records.end(); ++record) {
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

std::optional<NewestLog::Entry> NewestLog::Find(std::string_view user) const {
  const auto it = newest_.find(ToAbsl(user));
  if (it == newest_.end()) return std::nullopt;
  const Segment& segment = At(it->second.segment);
  const Record& record = segment.records[it->second.record];
  return Entry{.sequence = record.sequence,
               .wire = {reinterpret_cast<const char*>(segment.wire.begin()) + record.wire_offset,
                        record.wire_size}};
}

void NewestLog::Trim(std::uint64_t sequence, std::size_t keep) {
  while (!segments_.empty()) {
    Segment& front = segments_.front();
    const std::uint64_t last = front.records.back().sequence;
    if (last > sequence || entries() < keep + front.live) break;
    for (Record& record : front.records) {
      if (!record.live) continue;
      newest_.erase(ToAbsl(front.user(record)));
      Kill(front, record);
    }
    begin_ = std::max(begin_, last);
    DropDeadSegments();
  }
  if (segments_.empty()) begin_ = std::max(begin_, std::min(sequence, end_));
}

void NewestLog::DropDeadSegments() {
  // Dead segments within keep their place, so that locations stay right, but not their bytes.
  while (!segments_.empty() && segments_.front().live == 0) {
    bytes_ -= segments_.front().wire.size();
    segments_.pop_front();
    ++first_segment_;
  }
}

void NewestLog::CompactIfSparse() {
  if (bytes_ < 4 * live_bytes_ + kSlackBytes && segments_.size() < 2 * newest_.size() + 1024) {
    return;
  }
  std::deque<Segment> old = std::move(segments_);
  segments_.clear();
  first_segment_ += old.size();
  bytes_ = 0;
  std::string bytes;
  const auto finish = [&] {
    if (bytes.empty()) return;
    segments_.back().wire = grpc::Slice(bytes);
    bytes_ += bytes.size();
    bytes.clear();
  };
  for (const Segment& segment : old) {
    for (const Record& record : segment.records) {
      if (!record.live) continue;
      if (bytes.empty()) segments_.emplace_back();
      Segment& target = segments_.back();
      Record moved = record;
      moved.offset = static_cast<std::uint32_t>(target.users.size());
      moved.wire_offset = static_cast<std::uint32_t>(bytes.size());
      newest_.find(ToAbsl(segment.user(record)))->second = {
          first_segment_ + segments_.size() - 1, static_cast<std::uint32_t>(target.records.size())};
      target.users.append(segment.user(record));
      bytes.append(reinterpret_cast<const char*>(segment.wire.begin()) + record.wire_offset,
                   record.wire_size);
      target.records.push_back(moved);
      ++target.live;
      target.live_bytes += record.wire_size;
      if (bytes.size() >= kSegmentBytes) finish();
    }
  }
  finish();
}

}  // namespace unipresence
