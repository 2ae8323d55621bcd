#include "aggregator/publish/replica_table.h"

#include <algorithm>
#include <utility>

#include "aggregator/base/strings.h"

namespace unipresence::publish {

namespace {

constexpr std::size_t kCacheLine = 64;

// Always inlined: g++ 12 finds that a function of prefetches alone has no effect, and drops its
// calls.
[[gnu::always_inline]] inline void Prefetch(const char* begin, std::size_t size) {
  for (std::size_t offset = 0; offset < size; offset += kCacheLine) {
    __builtin_prefetch(begin + offset, 1);
  }
}

// With room to grow by what a call adds, or the user's next change would move it in memory.
void Assign(std::string_view encoded, std::string& out) {
  constexpr std::size_t kRoom = 16;
  if (encoded.size() > out.capacity()) out.reserve(encoded.size() + kRoom);
  out.assign(encoded);
}

// The cause, if the change is the one after that of which `revision` was told.
std::string_view CauseAfter(std::uint64_t revision, const UpdateView& update) {
  return !update.refresh && update.revision == revision + 1 ? update.cause : std::string_view();
}

}  // namespace

std::optional<v1::Cause> ReplicaChange::cause() const {
  std::optional<v1::Cause> cause;
  if (!encoded_cause.empty() && !cause.emplace().ParseFromArray(
                                    encoded_cause.data(), static_cast<int>(encoded_cause.size()))) {
    cause.reset();
  }
  return cause;
}

ReplicaTable::ReplicaTable(ReplicaObserver& observer, const std::vector<std::string>& users)
    : observer_(observer), filtered_(!users.empty()) {
  entries_.reserve(users.size());
  for (const std::string& user : users) entries_.try_emplace(user);
}

// --- Frames ------------------------------------------------------------------------------------

ReplicaTable::Result ReplicaTable::ApplyFrame(const StreamFrameView& frame) {
  if (frame.epoch == 0) return Result::kInvalid;
  const std::uint64_t beat = frame.heartbeat ? frame.heartbeat->sequence() : 0;
  // Where the server stood before this frame.
  const std::uint64_t before =
      frame.updates.empty() ? beat : std::max<std::uint64_t>(frame.first_sequence, 1) - 1;
  Result result = EnterEpoch(frame.epoch, before);
  if (AdvanceTo(before) == Result::kGap) result = Result::kGap;
  std::uint64_t sequence = before;
  std::span<const std::string_view> left(frame.updates);
  for (std::size_t count = reads_.size(); count == reads_.size() && !left.empty();) {
    count = ReadUpdates(left);
    Fetch(count);
    for (std::size_t i = 0; i < count; ++i) {
      // What came before comes again if a connection is there twice for a moment. A repeated change
      // of a user who was removed since must not bring him back.
      if (++sequence > sequence_) ApplyUpdate(reads_[i]);
    }
    left = left.subspan(count);
  }
  sequence_ = std::max(sequence_, sequence);
  if (AdvanceTo(sequence + left.size()) == Result::kGap) result = Result::kGap;
  if (frame.heartbeat && AdvanceTo(beat) == Result::kGap) result = Result::kGap;
  return result;
}

ReplicaTable::Result ReplicaTable::ApplyUserFrame(const UserFrameView& frame) {
  if (frame.epoch == 0 || ReadUpdates({&frame.update, 1}) == 0) return Result::kInvalid;
  const Result result = EnterEpoch(frame.epoch, 0);
  ApplyUpdate(reads_.front());
  return result;
}

ReplicaTable::Result ReplicaTable::ApplyHeartbeat(const StreamFrameView& frame) {
  if (frame.epoch == 0) return Result::kInvalid;
  const Result result = EnterEpoch(frame.epoch, 0);
  if (frame.heartbeat) sequence_ = std::max(sequence_, frame.heartbeat->sequence());
  return result;
}

ReplicaTable::Result ReplicaTable::EnterEpoch(std::uint64_t epoch, std::uint64_t sequence) {
  if (epoch == epoch_) return Result::kApplied;
  const bool first = epoch_ == 0;
  epoch_ = epoch;
  sequence_ = sequence;
  snapshot_ = Snapshot::kNeeded;
  present_ = 0;
  if (filtered_) {
    for (auto& [user, entry] : entries_) entry = Entry();
  } else {
    entries_.clear();
  }
  if (!first) observer_.OnReset();
  return Result::kNewEpoch;
}

ReplicaTable::Result ReplicaTable::AdvanceTo(std::uint64_t sequence) {
  if (sequence <= sequence_) return Result::kApplied;
  sequence_ = sequence;
  snapshot_ = Snapshot::kNeeded;
  return Result::kGap;
}

std::size_t ReplicaTable::ReadUpdates(std::span<const std::string_view> updates) {
  const std::size_t end = std::min(updates.size(), reads_.size());
  for (std::size_t i = 0; i < end; ++i) {
    if (!ReadUpdate(updates[i], reads_[i].update, reads_[i].presence)) return i;
  }
  return end;
}

// In a large table each update waits three times for memory: the slot, the entry, what it encodes.
// Those of several updates are fetched side by side.
void ReplicaTable::Fetch(std::size_t count) const {
  std::array<const Entry*, std::tuple_size_v<decltype(reads_)>> fetched{};
  for (std::size_t i = 0; i < count; ++i) entries_.prefetch(ToAbsl(reads_[i].update.user));
  for (std::size_t i = 0; i < count; ++i) {
    const auto it = entries_.find(ToAbsl(reads_[i].update.user));
    if (it != entries_.end()) fetched[i] = &it->second;
  }
  for (const Entry* entry : fetched) {
    if (entry != nullptr) Prefetch(entry->presence.data(), entry->presence.size());
  }
}

void ReplicaTable::ApplyUpdate(const Read& read) {
  const UpdateView& update = read.update;
  if (update.user.empty()) return;
  if (!update.removed) {
    ApplyPresence(read.presence, update);
  } else if (update.revision == 0) {
    ApplyUnknown(update.user, update.sequence);
  } else {
    ApplyRemoval(update);
  }
}

// --- Entries -----------------------------------------------------------------------------------

ReplicaTable::Entry* ReplicaTable::EntryOf(std::string_view user) {
  const auto it = entries_.find(ToAbsl(user));
  if (it != entries_.end()) return &it->second;
  return filtered_ ? nullptr : &entries_[std::string(user)];
}

void ReplicaTable::ApplyPresence(const PresenceValue& presence, const UpdateView& update) {
  if (presence.user.empty() || presence.revision == 0) return;
  Entry* entry = EntryOf(presence.user);
  if (entry == nullptr) return;
  entry->round = round_;
  entry->as_of = std::max(entry->as_of, update.sequence);
  if (presence.revision <= entry->revision) return;
  ReplicaChange change;
  if (entry->present) {
    change.previous_state = entry->state;
    change.encoded_cause = CauseAfter(entry->revision, update);
  } else if (current()) {
    // He was not there: his revision begins anywhere.
    change.encoded_cause = CauseAfter(presence.revision - 1, update);
  }
  entry->revision = presence.revision;
  Assign(update.presence, entry->presence);
  entry->state = presence.state;
  if (!std::exchange(entry->present, true)) ++present_;
  observer_.OnPresence(presence, change);
}

void ReplicaTable::ApplyRemoval(const UpdateView& update) {
  Entry* entry = EntryOf(update.user);
  if (entry == nullptr) return;
  entry->round = round_;
  entry->as_of = std::max(entry->as_of, update.sequence);
  if (update.revision <= entry->revision) return;
  const std::string_view cause = CauseAfter(entry->revision, update);
  entry->revision = update.revision;
  SetAbsent(update.user, *entry, cause);
  // Pages on their way may still name the user: his revision is kept until they are all in.
  if (!filtered_ && snapshot_done()) entries_.erase(ToAbsl(update.user));
}

void ReplicaTable::ApplyUnknown(std::string_view user, std::uint64_t as_of) {
  const auto it = entries_.find(ToAbsl(user));
  // Without a revision to compare, the sequence tells whether a newer message spoke of the user.
  if (it == entries_.end() || as_of < it->second.as_of) return;
  it->second.as_of = as_of;
  SetAbsent(user, it->second, {});
}

void ReplicaTable::SetAbsent(std::string_view user, Entry& entry, std::string_view cause) {
  if (!std::exchange(entry.present, false)) return;
  --present_;
  observer_.OnRemoved(user, {.previous_state = entry.state, .encoded_cause = cause});
}

std::optional<PresenceValue> ReplicaTable::Find(std::string_view user) const {
  const auto it = entries_.find(ToAbsl(user));
  if (it == entries_.end() || !it->second.present) return std::nullopt;
  PresenceValue value;
  ReadPresence(it->second.presence, value);
  return value;
}

void ReplicaTable::ForEach(absl::FunctionRef<void(const PresenceValue&)> visit) const {
  PresenceValue value;
  for (const auto& [user, entry] : entries_) {
    if (!entry.present) continue;
    ReadPresence(entry.presence, value);
    visit(value);
  }
}

// --- Snapshots ---------------------------------------------------------------------------------

void ReplicaTable::BeginSnapshot() {
  snapshot_ = Snapshot::kBegun;
  snapshot_sequence_ = 0;
  ++round_;
}

bool ReplicaTable::ApplyPage(const v1::SnapshotReply& page) {
  if (!snapshot_begun() || page.epoch() != epoch_) return false;
  snapshot_sequence_ = std::max(snapshot_sequence_, page.sequence());
  for (const v1::Presence& presence : page.presences()) {
    presence.SerializeToString(&page_presence_);
    Read& read = reads_.front();
    if (!ReadPresence(page_presence_, read.presence)) continue;
    ApplyPresence(read.presence, {.revision = read.presence.revision,
                                  .sequence = page.sequence(),
                                  .presence = page_presence_});
  }
  for (const std::string& user : page.unknown_users()) ApplyUnknown(user, page.sequence());
  return true;
}

void ReplicaTable::EndSnapshot() {
  if (!snapshot_begun()) return;
  snapshot_ = Snapshot::kDone;
  // Of users in a list each was named, or was said to be unknown.
  if (filtered_) return;
  for (auto it = entries_.begin(); it != entries_.end();) {
    Entry& entry = it->second;
    if (entry.round != round_) SetAbsent(it->first, entry, {});
    if (entry.present) {
      ++it;
    } else {
      entries_.erase(it++);
    }
  }
}

}  // namespace unipresence::publish
