#include "server/streaming/watch_backlog.h"

#include <algorithm>
#include <array>
#include <optional>
#include <utility>
#include <vector>

#include "aggregator/base/strings.h"
#include "aggregator/publish/encoded_update.h"
#include "aggregator/publish/wire.h"
#include "unipresence/v1/presence.pb.h"

namespace unipresence {
namespace {

namespace wire = publish::wire;

constexpr std::uint32_t kUpdatesField = v1::WatchPresencesResponse::kUpdatesFieldNumber;

}  // namespace

void WatchBacklog::Clear() {
  queue_.clear();
  ahead_.clear();
}

void WatchBacklog::ShownInitially(std::string_view user, std::uint64_t sequence) {
  ahead_[ToAbsl(user)] = {.sequence = sequence, .state = 0, .changes = 0, .initial = true};
  ahead_until_ = std::max(ahead_until_, sequence);
}

bool WatchBacklog::PassesAhead(std::string_view user, std::uint64_t sequence) {
  const auto it = ahead_.find(ToAbsl(user));
  if (it == ahead_.end() || it->second.sequence < sequence) return false;
  if (it->second.changes > 0) --it->second.changes;
  return true;
}

void WatchBacklog::Reached(std::uint64_t place) {
  if (ahead_.empty() || place < ahead_until_) return;
  // Who still waits must not be told again what an initial value told.
  for (Missed& missed : queue_) HeedInitialValue(missed);
  ahead_.clear();
}

void WatchBacklog::Merge(WatchHistory::MergedUsers changes, std::uint64_t place,
                         std::uint64_t new_place, const WatchHistory& history) {
  // Users that wait keep their turn.
  for (Missed& missed : queue_) {
    HeedInitialValue(missed);
    const auto later = changes.find(missed.user);
    if (later == changes.end()) continue;
    missed.merged.changes += later->second.changes;
    changes.erase(later);
  }
  // Of whom nothing ahead of the place was shown, all up to the place was.
  absl::erase_if(ahead_, [&](const auto& item) { return item.second.sequence <= place; });
  std::vector<std::pair<std::uint64_t, Missed>> added;
  for (const auto& [user, merged] : changes) {
    Missed missed{.user = user, .shown = place, .merged = merged, .refresh = false};
    if (const auto ahead = ahead_.find(user); ahead != ahead_.end()) {
      const Ahead& known = ahead->second;
      missed.shown = known.sequence;
      missed.refresh = known.initial;
      missed.merged.previous_state = known.state;
      missed.merged.changes -= std::min(known.changes, merged.changes);
    }
    const std::optional<WatchHistory::Newest> newest = history.Find(user, missed.shown);
    if (!newest || newest->sequence <= missed.shown) continue;
    added.emplace_back(newest->sequence, std::move(missed));
  }
  std::sort(added.begin(), added.end(),
            [](const auto& a, const auto& b) { return a.first < b.first; });
  for (auto& [sequence, missed] : added) queue_.push_back(std::move(missed));
  absl::erase_if(ahead_, [&](const auto& item) { return item.second.sequence <= new_place; });
}

// An initial value may have been sent while the user waited.
void WatchBacklog::HeedInitialValue(Missed& missed) const {
  const auto ahead = ahead_.find(missed.user);
  if (ahead == ahead_.end() || !ahead->second.initial) return;
  if (ahead->second.sequence <= missed.shown) return;
  missed.refresh = true;
  missed.shown = ahead->second.sequence;
}

WatchPiece WatchBacklog::Take(std::size_t max_bytes, std::uint64_t place,
                              const WatchHistory& history) {
  WatchPiece piece;
  std::string bytes;
  publish::ByteBuffer update;
  while (!queue_.empty() && bytes.size() < max_bytes) {
    Missed missed = std::move(queue_.front());
    queue_.pop_front();
    update.clear();
    if (!Send(std::move(missed), place, history, update, piece)) continue;
    std::array<char, 1 + wire::kMaxVarint> head;
    const char* end = wire::PutLengthField<kUpdatesField>(head.data(), update.size());
    bytes.append(head.data(), static_cast<std::size_t>(end - head.data()));
    bytes.append(update.view());
    ++piece.updates;
  }
  piece.bytes = bytes.size();
  if (!bytes.empty()) piece.slices.emplace_back(bytes);
  return piece;
}

// False if there is nothing to tell.
bool WatchBacklog::Send(Missed missed, std::uint64_t place, const WatchHistory& history,
                        publish::ByteBuffer& update, WatchPiece& piece) {
  HeedInitialValue(missed);
  const std::optional<WatchHistory::Newest> newest = history.Find(missed.user, missed.shown);
  if (!newest || newest->sequence <= missed.shown) return false;
  std::uint32_t beyond = 0;
  if (newest->sequence > place) {
    beyond = history.CountAfter(missed.user, place);
    ahead_[missed.user] = {.sequence = newest->sequence,
                           .state = newest->update.state,
                           .changes = beyond,
                           .initial = false};
    ahead_until_ = std::max(ahead_until_, newest->sequence);
  }
  if (missed.refresh) {
    publish::AppendAsRefresh(newest->update, update);
    return true;
  }
  const std::uint32_t changes = missed.merged.changes + beyond;
  piece.missed += changes - 1;
  publish::AppendMerged(newest->update, newest->cause, missed.merged.previous_state, changes,
                        update);
  return true;
}

}  // namespace unipresence
