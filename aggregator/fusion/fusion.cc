#include "aggregator/fusion/fusion.h"

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>

#include "aggregator/fusion/rules.h"

namespace unipresence::fusion {
namespace {

Result SingleLine(const Inputs& inputs) {
  for (LineKind kind : kLineKinds) {
    const std::optional<DeviceState>& state = inputs.states[kind];
    if (state) return {ToPresenceState(*state), kind, Rule::kSingleLine};
  }
  return {PresenceState::kUnknown, kLineKinds.front(), Rule::kSingleLine};
}

constexpr bool IsReachable(DeviceState state) {
  switch (state) {
    case DeviceState::kUnavailable:
    case DeviceState::kInvalid:
    case DeviceState::kUnknown:
      return false;
    case DeviceState::kNotInUse:
    case DeviceState::kInUse:
    case DeviceState::kBusy:
    case DeviceState::kRinging:
    case DeviceState::kRingInUse:
    case DeviceState::kOnHold:
      return true;
  }
  __builtin_unreachable();
}

constexpr bool IsActive(DeviceState state) {
  return IsReachable(state) && state != DeviceState::kNotInUse;
}

// All that the rules ask of a user with both lines.
struct Situation {
  bool logged_in = false;
  bool emitting = false;
  LineKind selected = LineKind::kDeskphone;
  DeviceState webrtc = DeviceState::kUnknown;
};

constexpr std::size_t kSituations = std::size_t{2} * 2 * kLineKindCount * kDeviceStateCount;

constexpr std::size_t IndexOf(const Situation& situation) {
  std::size_t index = situation.logged_in ? 1 : 0;
  index = index * 2 + (situation.emitting ? 1 : 0);
  index = index * kLineKindCount + static_cast<std::size_t>(situation.selected);
  return index * kDeviceStateCount + static_cast<std::size_t>(situation.webrtc);
}

constexpr Situation SituationAt(std::size_t index) {
  return {.logged_in = index / (2 * kLineKindCount * kDeviceStateCount) == 1,
          .emitting = index / (kLineKindCount * kDeviceStateCount) % 2 == 1,
          .selected = static_cast<LineKind>(index / kDeviceStateCount % kLineKindCount),
          .webrtc = static_cast<DeviceState>(index % kDeviceStateCount)};
}

constexpr bool Matches(const RuleRow& row, const Situation& situation) {
  const WebrtcIs webrtc = IsActive(situation.webrtc)      ? WebrtcIs::kActive
                          : IsReachable(situation.webrtc) ? WebrtcIs::kReachable
                                                          : WebrtcIs::kAny;
  return row.logged_in == situation.logged_in && (!row.emitting || situation.emitting) &&
         row.selected.value_or(situation.selected) == situation.selected && row.webrtc <= webrtc;
}

// What a row says, in three bytes.
struct Answer {
  Rule rule;
  LineKind rings;
  LineKind shows;  // IN_USE if it is `kShowsInUse`
};
constexpr auto kShowsInUse = static_cast<LineKind>(kLineKindCount);

// By situation: what the first row that matches says. One look instead of a walk, since this runs
// for every event; without a row for each situation it does not compile.
constexpr std::array<Answer, kSituations> kAnswers = [] {
  std::array<Answer, kSituations> answers{};
  for (std::size_t i = 0; i < kSituations; ++i) {
    std::size_t row = 0;
    while (!Matches(kRules.at(row), SituationAt(i))) ++row;
    answers[i] = {kRules[row].rule, kRules[row].rings, kRules[row].shows.value_or(kShowsInUse)};
  }
  return answers;
}();

}  // namespace

bool Reachable(DeviceState state) { return IsReachable(state); }

bool Active(DeviceState state) { return IsActive(state); }

DeviceState LineState(DeviceState reported, bool emitting, bool contacts_gone) {
  if (reported != DeviceState::kNotInUse) return reported;
  if (emitting) return DeviceState::kInUse;
  return contacts_gone ? DeviceState::kUnavailable : reported;
}

Result Fuse(const Inputs& inputs) {
  const std::optional<DeviceState>& w = inputs.states[LineKind::kWebrtc];
  if (!w || !inputs.states[LineKind::kDeskphone]) return SingleLine(inputs);
  const Answer& answer = kAnswers[IndexOf({.logged_in = inputs.logged_in,
                                           .emitting = inputs.emitting,
                                           .selected = inputs.selected,
                                           .webrtc = *w})];
  if (answer.shows == kShowsInUse) return {PresenceState::kInUse, answer.rings, answer.rule};
  const DeviceState shown = inputs.states[answer.shows].value_or(DeviceState::kUnknown);
  return {ToPresenceState(shown), answer.rings, answer.rule};
}

}  // namespace unipresence::fusion
