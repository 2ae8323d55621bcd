#include "server/streaming/newest_log.h"

#include <algorithm>
#include <utility>

#include "unipresence/v1/presence.pb.h"

namespace unipresence {
namespace {

constexpr std::uint32_t kMailboxesField = v1::WatchPresencesResponse::kMailboxesFieldNumber;
// Dead bytes that are not worth a compaction.
constexpr std::size_t kSlackBytes = std::size_t{1} << 20;

}  // namespace

bool NewestLog::Append(const publish::Batch& batch) {
  if (!AppendAs<kMailboxesField>(batch, [this](std::uint64_t older) { KillAt(older); })) {
    return false;
  }
  DropDeadSegments();
  CompactIfSparse();
  return true;
}

void NewestLog::KillAt(std::uint64_t sequence) {
  Segment& segment = segments_[static_cast<std::size_t>(SegmentOf(sequence) - segments_.cbegin())];
  const auto record = RecordOf(segment, sequence) - segment.records.cbegin();
  Kill(segment, segment.records[static_cast<std::size_t>(record)]);
}

void NewestLog::Kill(Segment& segment, Record& record) {
  record.live = false;
  --segment.live;
  live_bytes_ -= record.wire_size;
}

void NewestLog::Trim(std::uint64_t sequence, std::size_t keep) {
  while (!segments_.empty()) {
    Segment& front = segments_.front();
    const std::uint64_t last = front.last_sequence();
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
  while (!segments_.empty() && segments_.front().live == 0) DropFront();
}

void NewestLog::CompactIfSparse() {
  if (bytes_ < 4 * live_bytes_ + kSlackBytes) return;
  const Segments old = std::exchange(segments_, {});
  bytes_ = live_bytes_ = 0;
  for (const Segment& segment : old) {
    for (const Record& record : segment.records) {
      if (!record.live) continue;
      const Change change = ChangeOf(segment, record);
      std::copy(change.wire.begin(), change.wire.end(), Add(change, change.wire.size()));
    }
  }
}

}  // namespace unipresence
