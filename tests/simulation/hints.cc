#include "tests/simulation/hints.h"

#include <optional>
#include <utility>

#include "fmt/format.h"

namespace unipresence::simulation {
namespace {

constexpr std::string_view kFamily = "CustomDevstate";
constexpr std::string_view kPrefix = "unipresence-";

// Status number and text of ExtensionStatus (main/pbx.c, extension_states).
std::pair<int, std::string_view> ExtensionState(DeviceState state) {
  switch (state) {
    case DeviceState::kUnknown:
    case DeviceState::kNotInUse:
      return {0, "Idle"};
    case DeviceState::kInUse:
      return {1, "InUse"};
    case DeviceState::kBusy:
      return {2, "Busy"};
    case DeviceState::kInvalid:
    case DeviceState::kUnavailable:
      return {4, "Unavailable"};
    case DeviceState::kRinging:
      return {8, "Ringing"};
    case DeviceState::kRingInUse:
      return {9, "InUse&Ringing"};
    case DeviceState::kOnHold:
      return {16, "Hold"};
  }
  return {4, "Unavailable"};
}

}  // namespace

void AppendHint(std::string& text, const Hint& hint) {
  const auto [status, words] = ExtensionState(hint.state);
  AppendHeader(text, "Exten", hint.exten);
  AppendHeader(text, "Context", hint.context);
  AppendHeader(text, "Hint", hint.devices);
  AppendHeader(text, "Status", std::to_string(status));
  AppendHeader(text, "StatusText", words);
}

bool Hints::SetCustom(std::string_view name, std::string_view token) {
  const std::optional<DeviceState> state = ParseDeviceState(token);
  if (!state.has_value() || *state == DeviceState::kUnknown) return false;
  const bool changed = Custom(name) != *state;
  database_.Put(kFamily, name, token);
  if (!changed) return true;
  const EventStream::Instant instant(events_);
  events_.Emit(EventStream::Source::kDevices, kCall, "DeviceStateChange",
               Header("Device", fmt::format("Custom:{}", name)) + Header("State", token));
  if (name.substr(0, kPrefix.size()) != kPrefix) return true;
  const std::string_view place = name.substr(kPrefix.size());
  const std::size_t dash = place.rfind('-');
  if (dash == std::string_view::npos) return true;
  const auto user = directory_.FindNumber(place.substr(0, dash), place.substr(dash + 1));
  if (!user.has_value()) return true;
  std::string headers;
  AppendHint(headers, HintOf(*user));
  events_.Emit(EventStream::Source::kDevices, kCall, "ExtensionStatus", headers);
  return true;
}

DeviceState Hints::Custom(std::string_view name) const {
  const std::optional<std::string> token = database_.Get(kFamily, name);
  if (!token.has_value()) return DeviceState::kUnknown;
  return ParseDeviceState(*token).value_or(DeviceState::kUnknown);
}

void Hints::ForEachCustom(const std::function<void(std::string_view, DeviceState)>& visit) const {
  for (const auto& [path, token] : database_.Tree(kFamily, "")) {
    const std::string_view name = std::string_view(path).substr(kFamily.size() + 2);
    visit(name, ParseDeviceState(token).value_or(DeviceState::kUnknown));
  }
}

Hint Hints::HintOf(UserIndex user) const {
  const DirectoryUser entry = directory_.User(user);
  Hint hint{entry.exten, entry.context, {}, DeviceState::kUnknown};
  const std::string name = fmt::format("{}{}-{}", kPrefix, entry.context, entry.exten);
  hint.devices = "Custom:" + name;
  hint.state = Custom(name);
  return hint;
}

}  // namespace unipresence::simulation
