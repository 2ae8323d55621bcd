#include "aggregator/publish/replica_table.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <utility>

#include "aggregator/base/strings.h"
#include "aggregator/publish/codec.h"

namespace unipresence::publish {

namespace {

constexpr std::size_t kCacheLine = 64;

// Always inlined: g++ 12 finds that a function of prefetches alone has no effect, and drops its calls.
[[gnu::always_inline]] inline void Prefetch(const char* begin, std::size_t size) {
  for (std::size_t offset = 0; offset < size; offset += kCacheLine) {
    __builtin_prefetch(begin + offset, 1);
  }
}

// Its own bytes, so they are read without an error.
void Decode(const std::string& encoded, PresenceValue& out) {
  v1::Presence presence;
  presence.ParseFromString(encoded);
  FromProto(presence, out);
}

// The cause, if the change is the one after that of which `revision` was told.
const v1::Cause* CauseAfter(std::uint64_t revision, std::uint64_t next,
                            const v1::PresenceUpdate* update) {
  const bool known =
      update != nullptr && !update->refresh() && update->has_cause() && next == revision + 1;
  return known ? &update->cause() : nullptr;
}

}  // namespace

ReplicaTable::ReplicaTable(ReplicaObserver& observer, const std::vector<std::string>& users)
    : observer_(observer), filtered_(!users.empty()) {
  entries_.reserve(users.size());
  for (const std::string& user : users) entries_.try_emplace(user);
}

// --- Frames ------------------------------------------------------------------------------------

ReplicaTable::Result ReplicaTable::ApplyFrame(const v1::StreamFrame& frame) {
  if (frame.epoch() == 0) return Result::kInvalid;
  const bool has_updates = frame.updates_size() > 0;
  // Where the server stood before this frame.
  const std::uint64_t before = has_updates ? std::max<std::uint64_t>(frame.first_sequence(), 1) - 1
                                           : frame.heartbeat().sequence();
  Result result = EnterEpoch(frame.epoch(), before);
  if (AdvanceTo(before) == Result::kGap) result = Result::kGap;
  std::uint64_t sequence = before;
  for (int i = 0; i < frame.updates_size(); ++i) {
    if (i % kFetched == 0) Fetch(frame.updates(), i);
    const v1::PresenceUpdate& update = frame.updates(i);
    // What came before comes again if a connection is there twice for a moment. A repeated change
    // of a user who was removed since must not bring him back.
    if (++sequence > sequence_) ApplyUpdate(update);
  }
  sequence_ = std::max(sequence_, sequence);
  if (frame.has_heartbeat() && AdvanceTo(frame.heartbeat().sequence()) == Result::kGap) {
    result = Result::kGap;
  }
  return result;
}

ReplicaTable::Result ReplicaTable::ApplyUserFrame(const v1::UserFrame& frame) {
  if (frame.epoch() == 0) return Result::kInvalid;
  const Result result = EnterEpoch(frame.epoch(), 0);
  ApplyUpdate(frame.update());
  return result;
}

ReplicaTable::Result ReplicaTable::ApplyHeartbeat(const v1::StreamFrame& frame) {
  if (frame.epoch() == 0) return Result::kInvalid;
  const Result result = EnterEpoch(frame.epoch(), 0);
  sequence_ = std::max(sequence_, frame.heartbeat().sequence());
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

void ReplicaTable::ApplyUpdate(const v1::PresenceUpdate& update) {
  switch (update.change_case()) {
    case v1::PresenceUpdate::kPresence:
      ApplyPresence(update.presence(), update.sequence(), &update);
      break;
    case v1::PresenceUpdate::kRemoved:
      if (update.removed().revision() == 0) {
        ApplyUnknown(update.removed().user(), update.sequence());
      } else {
        ApplyRemoval(update);
      }
      break;
    case v1::PresenceUpdate::CHANGE_NOT_SET:
      break;  // a kind of change that this build does not know
  }
}

// In a large table each update waits three times for memory: the slot, the entry, what it encodes.
// Those of several updates are fetched side by side.
void ReplicaTable::Fetch(const google::protobuf::RepeatedPtrField<v1::PresenceUpdate>& updates,
                         int first) const {
  const int end = std::min(updates.size(), first + kFetched);
  std::array<const Entry*, kFetched> fetched{};
  for (int i = first; i < end; ++i) entries_.prefetch(updates[i].presence().user());
  for (int i = first; i < end; ++i) {
    const auto it = entries_.find(updates[i].presence().user());
    if (it != entries_.end()) fetched[static_cast<std::size_t>(i - first)] = &it->second;
  }
  for (const Entry* entry : fetched) {
    if (entry != nullptr) Prefetch(entry->presence.data(), entry->presence.size());
  }
}

// --- Entries -----------------------------------------------------------------------------------

ReplicaTable::Entry* ReplicaTable::EntryOf(const std::string& user) {
  if (filtered_) {
    const auto it = entries_.find(user);
    return it == entries_.end() ? nullptr : &it->second;
  }
  return &entries_[user];
}

void ReplicaTable::ApplyPresence(const v1::Presence& presence, std::uint64_t as_of,
                                 const v1::PresenceUpdate* update) {
  if (presence.user().empty() || presence.revision() == 0) return;
  Entry* entry = EntryOf(presence.user());
  if (entry == nullptr) return;
  entry->round = round_;
  entry->as_of = std::max(entry->as_of, as_of);
  if (presence.revision() <= entry->revision) return;
  ReplicaChange change;
  if (entry->present) {
    change.previous_state = entry->state;
    change.cause = CauseAfter(entry->revision, presence.revision(), update);
  } else if (current()) {
    // He was not there: his revision begins anywhere.
    change.cause = CauseAfter(presence.revision() - 1, presence.revision(), update);
  }
  entry->revision = presence.revision();
  presence.SerializeToString(&entry->presence);
  FromProto(presence, told_);
  entry->state = told_.state;
  if (!std::exchange(entry->present, true)) ++present_;
  observer_.OnPresence(told_, change);
}

void ReplicaTable::ApplyRemoval(const v1::PresenceUpdate& update) {
  const std::string& user = update.removed().user();
  const std::uint64_t revision = update.removed().revision();
  const std::uint64_t as_of = update.sequence();
  Entry* entry = EntryOf(user);
  if (entry == nullptr) return;
  entry->round = round_;
  entry->as_of = std::max(entry->as_of, as_of);
  if (revision <= entry->revision) return;
  const v1::Cause* cause = CauseAfter(entry->revision, revision, &update);
  entry->revision = revision;
  SetAbsent(user, *entry, cause);
  // Pages on their way may still name the user: his revision is kept until they are all in.
  if (!filtered_ && snapshot_done()) entries_.erase(user);
}

void ReplicaTable::ApplyUnknown(const std::string& user, std::uint64_t as_of) {
  const auto it = entries_.find(user);
  // Without a revision to compare, the sequence tells whether a newer message spoke of the user.
  if (it == entries_.end() || as_of < it->second.as_of) return;
  it->second.as_of = as_of;
  SetAbsent(user, it->second, nullptr);
}

void ReplicaTable::SetAbsent(const std::string& user, Entry& entry, const v1::Cause* cause) {
  if (!std::exchange(entry.present, false)) return;
  --present_;
  observer_.OnRemoved(user, {.previous_state = entry.state, .cause = cause});
}

std::optional<PresenceValue> ReplicaTable::Find(std::string_view user) const {
  const auto it = entries_.find(ToAbsl(user));
  if (it == entries_.end() || !it->second.present) return std::nullopt;
  PresenceValue value;
  Decode(it->second.presence, value);
  return value;
}

void ReplicaTable::ForEach(absl::FunctionRef<void(const PresenceValue&)> visit) const {
  PresenceValue value;
  for (const auto& [user, entry] : entries_) {
    if (!entry.present) continue;
    Decode(entry.presence, value);
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
  for (const v1::Presence& presence : page.presences())
    ApplyPresence(presence, page.sequence(), nullptr);
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
    if (entry.round != round_) SetAbsent(it->first, entry, nullptr);
    if (entry.present) {
      ++it;
    } else {
      entries_.erase(it++);
    }
  }
}

}  // namespace unipresence::publish
