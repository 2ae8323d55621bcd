#include "aggregator/pbx/astdb_layout.h"

#include <iterator>

#include "absl/hash/hash.h"
#include "aggregator/model/device_state.h"
#include "fmt/format.h"

namespace unipresence::pbx {
namespace {

constexpr std::size_t IndexOf(Item item) { return static_cast<std::size_t>(item); }

struct Row {
  std::string_view key;
  std::size_t group;
};

// By Item. Groups: where it rings; the presence; rules of the user; what is provisioned.
constexpr std::array<Row, kItemCount> kRows = [] {
  std::array<Row, kItemCount> rows{};
  const auto set = [&rows](Item item, std::string_view key, std::size_t group) {
    rows[IndexOf(item)] = {key, group};
  };
  set(Item::kInterface, "interface", 0);
  set(Item::kState, "", 1);
  set(Item::kDoNotDisturb, "dnd", 2);
  set(Item::kForwardUnconditional, "forward/unconditional", 2);
  set(Item::kForwardBusy, "forward/busy", 2);
  set(Item::kForwardNoAnswer, "forward/no_answer", 2);
  set(Item::kSelectedDevice, "selected_device", 0);
  set(Item::kUser, "user", 3);
  for (LineKind kind : kLineKinds) set(LineItem(kind), TraitsOf(kind).routing_key, 3);
  set(Item::kLineType, "line_type", 3);
  set(Item::kRingSeconds, "ring_seconds", 3);
  set(Item::kMailbox, "mailbox", 3);
  set(Item::kPhoneChanges, "phone_changes", kItemGroupCount);
  return rows;
}();

const Row& RowOf(Item item) { return kRows[IndexOf(item)]; }

// Asterisk refuses UNKNOWN as a custom state; both mean that nobody can be reached.
DeviceState StateOf(PresenceState state) {
  switch (state) {
    case PresenceState::kAvailable:
      return DeviceState::kNotInUse;
    case PresenceState::kInUse:
      return DeviceState::kInUse;
    case PresenceState::kBusy:
      return DeviceState::kBusy;
    case PresenceState::kUnavailable:
    case PresenceState::kUnknown:
      return DeviceState::kUnavailable;
    case PresenceState::kRinging:
      return DeviceState::kRinging;
    case PresenceState::kRingingInUse:
      return DeviceState::kRingInUse;
    case PresenceState::kOnHold:
      return DeviceState::kOnHold;
  }
  __builtin_unreachable();
}

std::string& At(ItemValues& values, Item item) { return values[IndexOf(item)]; }

}  // namespace

void FillItems(const Routing& routing, ItemValues& values) {
  const auto forward = [&](ForwardingCondition condition) {
    return routing.forwards[static_cast<std::size_t>(condition)];
  };
  At(values, Item::kInterface) = routing.device_in_use;
  // As the dialplan says it in `phone_changes`, too.
  At(values, Item::kSelectedDevice) = TraitsOf(routing.selected_device).key;
  At(values, Item::kState) = ToString(StateOf(routing.state));
  At(values, Item::kDoNotDisturb) = routing.do_not_disturb ? "1" : "0";
  At(values, Item::kForwardUnconditional) = forward(ForwardingCondition::kUnconditional);
  At(values, Item::kForwardBusy) = forward(ForwardingCondition::kBusy);
  At(values, Item::kForwardNoAnswer) = forward(ForwardingCondition::kNoAnswer);
  At(values, Item::kUser) = routing.user;
  for (LineKind kind : kLineKinds) At(values, LineItem(kind)) = routing.devices[kind];
  At(values, Item::kLineType) = ToString(routing.line_type);
  std::string& ring_seconds = At(values, Item::kRingSeconds);
  ring_seconds.clear();
  fmt::format_to(std::back_inserter(ring_seconds), "{}", routing.ring_seconds);
  std::string& mailbox = At(values, Item::kMailbox);
  mailbox = routing.mailbox;
  if (!mailbox.empty()) mailbox.append("@").append(routing.mailbox_context);
}

std::string FamilyOf(std::string_view context, std::string_view exten) {
  return fmt::format("unipresence/{}/{}", context, exten);
}

std::string StateNameOf(std::string_view context, std::string_view exten) {
  return fmt::format("unipresence-{}-{}", context, exten);
}

std::string_view KeyOf(Item item) { return RowOf(item).key; }

std::size_t GroupOf(Item item) { return RowOf(item).group; }

std::array<std::uint32_t, kItemGroupCount> HashGroups(const ItemValues& values) {
  std::array<std::uint64_t, kItemGroupCount> hashes{};
  for (std::size_t i = 0; i < values.size(); ++i) {
    std::uint64_t& hash = hashes[kRows[i].group];
    hash = absl::HashOf(hash, std::string_view(values[i]));
  }
  std::array<std::uint32_t, kItemGroupCount> folded{};
  for (std::size_t group = 0; group < folded.size(); ++group) {
    folded[group] = static_cast<std::uint32_t>(hashes[group] ^ (hashes[group] >> 32));
    if (folded[group] == 0) folded[group] = 1;
  }
  return folded;
}

}  // namespace unipresence::pbx
