#ifndef UNIPRESENCE_TESTS_TESTING_FAKE_PRESENCE_TABLE_H_
#define UNIPRESENCE_TESTS_TESTING_FAKE_PRESENCE_TABLE_H_

// A table of presences without an engine: the test changes users, the changes go to a sink as the
// engine's do, and the table answers reads as the engine does. Not thread-safe.

#include <algorithm>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "aggregator/engine/presence_source.h"
#include "aggregator/engine/update_sink.h"
#include "aggregator/publish/codec.h"
#include "aggregator/publish/presence_value.h"

namespace unipresence::testing {

// Views into `value`, which must outlive them.
inline Presence ToModel(const publish::PresenceValue& value) {
  Presence presence;
  presence.user = value.user;
  presence.state = value.state;
  presence.device_in_use = value.device_in_use.value_or(LineKind::kDeskphone);
  presence.rule = value.rule.value_or(Rule::kLoggedOut);
  presence.selected_device = value.selected_device.value_or(LineKind::kWebrtc);
  presence.logged_in = value.logged_in;
  presence.emitting = value.emitting;
  presence.do_not_disturb = value.do_not_disturb;
  presence.active_forwardings = value.active_forwardings;
  presence.stale = value.stale;
  for (const publish::LineValue& line : value.lines) {
    presence.lines.push_back({.kind = line.kind.value_or(LineKind::kDeskphone),
                              .state = line.state,
                              .holding = line.holding,
                              .held = line.held,
                              .pbx = line.pbx,
                              .device = line.device});
  }
  presence.revision = value.revision;
  presence.update_time = value.update_time;
  return presence;
}

class FakePresenceTable final : public PresenceSource {
 public:
  using Values = std::map<std::string, publish::PresenceValue>;

  // `sink` may be null and set later.
  explicit FakePresenceTable(std::uint64_t epoch, UpdateSink* sink = nullptr)
      : epoch_(epoch), sink_(sink) {}

  void SetSink(UpdateSink* sink) { sink_ = sink; }

  // Gives the user (a new one, if there is none) this state, and tells the sink.
  void Set(const std::string& user, PresenceState state, bool stale = false) {
    auto place = places_.find(user);
    const bool is_new = place == places_.end();
    if (is_new) place = Insert(user);
    Slot& slot = *slots_[place->second];
    const PresenceState previous = slot.value.state;
    slot.value.state = state;
    slot.value.stale = stale;
    ++slot.value.revision;
    slot.value.update_time = 1'700'000'000'000'000 + static_cast<WallTimeMicros>(sequence_);
    slot.sequence = ++sequence_;
    PresenceUpdate update;
    update.sequence = sequence_;
    update.presence = ToModel(slot.value);
    update.previous_state = previous;
    update.cause.kind = is_new ? CauseKind::kUserCreated : CauseKind::kDeviceStateChange;
    update.cause.time = slot.value.update_time;
    if (sink_ != nullptr) sink_->OnUpdate(update);
  }

  // False if there is no such user.
  bool Remove(const std::string& user) {
    const auto place = places_.find(user);
    if (place == places_.end()) return false;
    const Slot slot = *slots_[place->second];
    slots_[place->second].reset();
    free_.push_back(place->second);
    places_.erase(place);
    removal_sequence_ = ++sequence_;
    PresenceUpdate update;
    update.sequence = sequence_;
    update.removed = true;
    update.presence = ToModel(slot.value);
    ++update.presence.revision;
    update.previous_state = slot.value.state;
    update.cause.kind = CauseKind::kUserDeleted;
    if (sink_ != nullptr) sink_->OnUpdate(update);
    return true;
  }

  // Another run of the server, which has its users anew; nobody was subscribed while it loaded
  // them.
  void Restart(std::uint64_t epoch) {
    epoch_ = epoch;
    sequence_ = removal_sequence_ = 0;
    for (std::optional<Slot>& slot : slots_) {
      if (!slot) continue;
      slot->value.revision = 1;
      slot->sequence = ++sequence_;
    }
  }

  Values values() const {
    Values values;
    for (const auto& [user, place] : places_) values[user] = slots_[place]->value;
    return values;
  }

  // PresenceSource.
  std::uint64_t epoch() const override { return epoch_; }
  std::uint64_t sequence() const override { return sequence_; }
  std::uint64_t removal_sequence() const override { return removal_sequence_; }
  std::size_t user_count() const override { return places_.size(); }
  bool Read(std::string_view user, Visitor visit) const override {
    const auto place = places_.find(user);
    if (place == places_.end()) return false;
    VisitSlot(*slots_[place->second], visit);
    return true;
  }
  std::uint64_t Read(std::uint64_t cursor, std::size_t limit, Visitor visit) const override {
    for (; cursor < slots_.size() && limit > 0; ++cursor) {
      if (!slots_[cursor]) continue;
      VisitSlot(*slots_[cursor], visit);
      --limit;
    }
    return cursor < slots_.size() ? cursor : 0;
  }

 private:
  struct Slot {
    publish::PresenceValue value;
    std::uint64_t sequence = 0;
  };
  using Places = std::map<std::string, std::size_t, std::less<>>;

  Places::iterator Insert(const std::string& user) {
    std::size_t place = slots_.size();
    if (free_.empty()) {
      slots_.emplace_back();
    } else {
      place = free_.back();
      free_.pop_back();
    }
    publish::PresenceValue value;
    value.user = user;
    value.device_in_use = LineKind::kDeskphone;
    value.selected_device = LineKind::kWebrtc;
    value.rule = Rule::kLoggedOut;
    value.lines = {{.kind = LineKind::kDeskphone,
                    .state = DeviceState::kNotInUse,
                    .pbx = "main",
                    .device = "PJSIP/" + user},
                   {.kind = LineKind::kWebrtc,
                    .state = DeviceState::kUnavailable,
                    .pbx = "main",
                    .device = "PJSIP/" + user + "_w"}};
    // As the engine: no revision of an earlier user of that id is above the sequence.
    value.revision = removal_sequence_ == 0 ? 0 : sequence_;
    slots_[place] = Slot{.value = value};
    return places_.emplace(user, place).first;
  }

  static void VisitSlot(const Slot& slot, Visitor visit) {
    const Presence presence = ToModel(slot.value);
    visit({presence, slot.sequence});
  }

  std::uint64_t epoch_;
  UpdateSink* sink_;
  std::uint64_t sequence_ = 0;
  std::uint64_t removal_sequence_ = 0;
  std::vector<std::optional<Slot>> slots_;  // users keep their places, as in the engine
  std::vector<std::size_t> free_;
  Places places_;
};

}  // namespace unipresence::testing

#endif  // UNIPRESENCE_TESTS_TESTING_FAKE_PRESENCE_TABLE_H_
