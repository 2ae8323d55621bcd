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

// All that the rules ask of a user with both lines.
struct Situation {
  bool logged_in = false;
  bool emitting = false;
  LineKind selected = LineKind::kDeskphone;
  WebrtcIs webrtc = WebrtcIs::kAny;  // the most that holds: kAny if W is not reachable
};

constexpr std::size_t kWebrtcStates = 3;
constexpr std::size_t kSituations = std::size_t{2} * 2 * kLineKindCount * kWebrtcStates;

constexpr std::size_t IndexOf(const Situation& situation) {
  std::size_t index = situation.logged_in ? 1 : 0;
  index = index * 2 + (situation.emitting ? 1 : 0);
  index = index * kLineKindCount + static_cast<std::size_t>(situation.selected);
  return index * kWebrtcStates + static_cast<std::size_t>(situation.webrtc);
}

constexpr Situation SituationAt(std::size_t index) {
  return {.logged_in = index / (2 * kLineKindCount * kWebrtcStates) == 1,
          .emitting = index / (kLineKindCount * kWebrtcStates) % 2 == 1,
          .selected = static_cast<LineKind>(index / kWebrtcStates % kLineKindCount),
          .webrtc = static_cast<WebrtcIs>(index % kWebrtcStates)};
}

constexpr bool Matches(const RuleRow& row, const Situation& situation) {
  return row.logged_in == situation.logged_in && (!row.emitting || situation.emitting) &&
         row.selected.value_or(situation.selected) == situation.selected &&
         row.webrtc <= situation.webrtc;
}

// By situation: the first row that matches. One look instead of a walk, since this runs for every
// event; without a row for each situation it does not compile.
constexpr std::array<std::uint8_t, kSituations> kRowOf = [] {
  std::array<std::uint8_t, kSituations> rows{};
  for (std::size_t i = 0; i < kSituations; ++i) {
    while (!Matches(kRules.at(rows[i]), SituationAt(i))) ++rows[i];
  }
  return rows;
}();

}  // namespace

bool Reachable(DeviceState state) {
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

bool Active(DeviceState state) { return Reachable(state) && state != DeviceState::kNotInUse; }

DeviceState LineState(DeviceState reported, bool emitting, bool contacts_gone) {
  if (reported != DeviceState::kNotInUse) return reported;
  if (emitting) return DeviceState::kInUse;
  return contacts_gone ? DeviceState::kUnavailable : reported;
}

Result Fuse(const Inputs& inputs) {
  const std::optional<DeviceState>& w = inputs.states[LineKind::kWebrtc];
  if (!w || !inputs.states[LineKind::kDeskphone]) return SingleLine(inputs);
  const WebrtcIs webrtc = Active(*w)      ? WebrtcIs::kActive
                          : Reachable(*w) ? WebrtcIs::kReachable
                                          : WebrtcIs::kAny;
  const RuleRow& row = kRules[kRowOf[IndexOf({.logged_in = inputs.logged_in,
                                              .emitting = inputs.emitting,
                                              .selected = inputs.selected,
                                              .webrtc = webrtc})]];
  if (!row.shows) return {PresenceState::kInUse, row.rings, row.rule};
  const DeviceState shown = inputs.states[*row.shows].value_or(DeviceState::kUnknown);
  return {ToPresenceState(shown), row.rings, row.rule};
}

}  // namespace unipresence::fusion
