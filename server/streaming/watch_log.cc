#include "server/streaming/watch_log.h"

#include <algorithm>

#include "unipresence/v1/presence.pb.h"

namespace unipresence {
namespace {

constexpr std::uint32_t kUpdatesField = v1::WatchPresencesResponse::kUpdatesFieldNumber;

}  // namespace

bool WatchLog::Append(const publish::Batch& batch) {
  return AppendAs<kUpdatesField>(batch, [](std::uint64_t) {});
}

void WatchLog::ForEach(std::uint64_t after, absl::FunctionRef<void(const Change&)> visit) const {
  for (auto segment = SegmentOf(after + 1); segment != segments_.end(); ++segment) {
    for (auto record = RecordOf(*segment, after + 1); record != segment->records.end(); ++record) {
      visit(ChangeOf(*segment, *record));
    }
  }
}

void WatchLog::Trim(absl::FunctionRef<void(const Change&)> leaving) {
  const std::uint64_t begin = TrimmedBegin();
  while (begin_ < begin) {
    const Segment& front = segments_.front();
    const std::uint64_t last = std::min(begin, front.last_sequence());
    auto record = RecordOf(front, begin_ + 1);
    for (; begin_ < last; ++begin_, ++record) leaving(ChangeOf(front, *record));
    if (last < front.last_sequence()) break;
    DropFront();
  }
  if (newest_.size() <= 2 * (size() + kSegmentBytes)) return;
  absl::erase_if(newest_, [&](const auto& item) { return item.second <= begin_; });
}

}  // namespace unipresence
