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

constexpr LineIs Is(DeviceState state) {
  if (IsActive(state)) return LineIs::kActive;
  return IsReachable(state) ? LineIs::kReachable : LineIs::kAny;
}

constexpr bool Matches(const RuleRow& row, const Inputs& inputs) {
  for (const LineKind kind : kLineKinds) {
    if (row.lines[kind] > Is(inputs.states[kind].value_or(DeviceState::kUnknown))) return false;
  }
  return row.logged_in == inputs.logged_in && (!row.emitting || inputs.emitting) &&
         row.selected.value_or(inputs.selected) == inputs.selected;
}

// The kinds of lines of whose state some row asks something.
constexpr ByKind<bool> kAsked = [] {
  ByKind<bool> asked;
  for (const RuleRow& row : kRules) {
    for (const LineKind kind : kLineKinds) asked[kind] |= row.lines[kind] != LineIs::kAny;
  }
  return asked;
}();

// Inputs as a number, as far as the rules ask for them, and back.
constexpr std::size_t kSituations = [] {
  std::size_t count = std::size_t{2} * 2 * kLineKindCount;
  for (const LineKind kind : kLineKinds) count *= kAsked[kind] ? kDeviceStateCount : 1;
  return count;
}();

constexpr std::size_t SituationOf(const Inputs& inputs) {
  std::size_t index = inputs.logged_in ? 1 : 0;
  index = index * 2 + (inputs.emitting ? 1 : 0);
  index = index * kLineKindCount + static_cast<std::size_t>(inputs.selected);
  for (const LineKind kind : kLineKinds) {
    if (!kAsked[kind]) continue;
    const DeviceState state = inputs.states[kind].value_or(DeviceState::kUnknown);
    index = index * kDeviceStateCount + static_cast<std::size_t>(state);
  }
  return index;
}

constexpr Inputs InputsOf(std::size_t situation) {
  const auto next = [&situation](std::size_t values) {
    const std::size_t value = situation % values;
    situation /= values;
    return value;
  };
  Inputs inputs;
  for (std::size_t i = kLineKinds.size(); i-- > 0;) {
    if (!kAsked[kLineKinds[i]]) continue;
    inputs.states[kLineKinds[i]] = static_cast<DeviceState>(next(kDeviceStateCount));
  }
  inputs.selected = static_cast<LineKind>(next(kLineKindCount));
  inputs.emitting = next(2) == 1;
  inputs.logged_in = next(2) == 1;
  return inputs;
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
    const Inputs inputs = InputsOf(i);
    std::size_t row = 0;
    while (!Matches(kRules.at(row), inputs)) ++row;
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
  if (!inputs.states[LineKind::kWebrtc] || !inputs.states[LineKind::kDeskphone]) {
    return SingleLine(inputs);
  }
  const Answer& answer = kAnswers[SituationOf(inputs)];
  if (answer.shows == kShowsInUse) return {PresenceState::kInUse, answer.rings, answer.rule};
  const DeviceState shown = inputs.states[answer.shows].value_or(DeviceState::kUnknown);
  return {ToPresenceState(shown), answer.rings, answer.rule};
}

}  // namespace unipresence::fusion
