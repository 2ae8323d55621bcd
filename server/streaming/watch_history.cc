#include "server/streaming/watch_history.h"

#include <algorithm>
#include <utility>

#include "aggregator/base/strings.h"

namespace unipresence {
namespace {

// Adds what came later to what stands for the changes before.
void Add(std::string_view user, WatchHistory::Merged later, WatchHistory::MergedUsers& users) {
  const auto [it, is_new] = users.try_emplace(ToAbsl(user), later);
  if (!is_new) it->second.changes += later.changes;
}

}  // namespace

void WatchHistory::Reset(std::uint64_t sequence) {
  log_.Reset(sequence);
  spans_.clear();
  left_.clear();
}

void WatchHistory::Trim(const std::vector<std::uint64_t>& places, bool anyone_behind) {
  if (!anyone_behind) {
    spans_.clear();
    left_.clear();
    return log_.Trim([](const WatchLog::Change&) {});
  }
  DropSpans(places);
  std::size_t next = 0;
  log_.Trim([&](const WatchLog::Change& change) {
    Keep(change);
    for (; next < places.size() && places[next] < change.sequence; ++next) {
      if (spans_.empty() || spans_.back().from < places[next]) {
        spans_.push_back({.from = places[next], .users = {}});
      }
    }
    if (!spans_.empty()) Fold(change, spans_.back().users);
  });
}

// Those that begin where nobody stands any more become part of the one before, if there is one.
void WatchHistory::DropSpans(const std::vector<std::uint64_t>& places) {
  std::deque<Span> kept;
  for (Span& span : spans_) {
    if (std::binary_search(places.begin(), places.end(), span.from)) {
      kept.push_back(std::move(span));
    } else if (!kept.empty()) {
      for (const auto& [user, merged] : span.users) Add(user, merged, kept.back().users);
    }
  }
  spans_ = std::move(kept);
}

void WatchHistory::Keep(const WatchLog::Change& change) {
  Left& left = left_[ToAbsl(change.user)];
  left.sequence = change.sequence;
  left.update.assign(change.update());
  const publish::EncodedUpdate update = publish::ReadUpdate(left.update);
  if (!update.brings_state()) return;
  left.brought_at = change.sequence;
  left.cause.assign(update.cause);
}

void WatchHistory::Fold(const WatchLog::Change& change, MergedUsers& users) {
  const auto [it, is_new] = users.try_emplace(ToAbsl(change.user));
  if (is_new) it->second.previous_state = publish::ReadUpdate(change.update()).previous_state;
  ++it->second.changes;
}

WatchHistory::MergedUsers WatchHistory::Since(std::uint64_t place) const {
  MergedUsers users;
  for (const Span& span : spans_) {
    if (span.from < place) continue;
    for (const auto& [user, merged] : span.users) Add(user, merged, users);
  }
  log_.ForEach(std::max(place, log_.begin()),
               [&](const WatchLog::Change& change) { Fold(change, users); });
  return users;
}

std::optional<WatchHistory::Newest> WatchHistory::Find(std::string_view user,
                                                       std::uint64_t shown) const {
  if (const std::optional<WatchLog::Change> change = log_.Newest(user)) {
    return Newest{.sequence = change->sequence,
                  .update = publish::ReadUpdate(change->update()),
                  .cause = BroughtBy(*change, shown)};
  }
  const auto left = left_.find(ToAbsl(user));
  if (left == left_.end()) return std::nullopt;
  const publish::EncodedUpdate update = publish::ReadUpdate(left->second.update);
  return Newest{.sequence = left->second.sequence,
                .update = update,
                .cause = left->second.brought_at > shown ? std::string_view(left->second.cause)
                                                         : update.cause};
}

std::string_view WatchHistory::BroughtBy(const WatchLog::Change& newest,
                                         std::uint64_t shown) const {
  const publish::EncodedUpdate last = publish::ReadUpdate(newest.update());
  publish::EncodedUpdate update = last;
  std::uint64_t before = newest.before;
  while (!update.brings_state() && before > std::max(shown, log_.begin())) {
    const WatchLog::Change change = log_.At(before);
    update = publish::ReadUpdate(change.update());
    before = change.before;
  }
  if (update.brings_state()) return update.cause;
  const auto left = left_.find(ToAbsl(newest.user));
  if (left != left_.end() && left->second.brought_at > shown) return left->second.cause;
  return last.cause;
}

std::uint32_t WatchHistory::CountAfter(std::string_view user, std::uint64_t after) const {
  std::uint32_t count = 0;
  std::optional<WatchLog::Change> change = log_.Newest(user);
  while (change && change->sequence > after) {
    ++count;
    if (change->before <= after) break;
    change = log_.At(change->before);
  }
  return count;
}

std::size_t WatchHistory::entries() const {
  std::size_t entries = left_.size();
  for (const Span& span : spans_) entries += span.users.size();
  return entries;
}

}  // namespace unipresence
