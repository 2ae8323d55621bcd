#include "aggregator/pbx/astdb_layout.h"

#include <iterator>

#include "absl/hash/hash.h"
#include "aggregator/model/device_state.h"
#include "fmt/format.h"

namespace unipresence::pbx {
namespace {

struct Row {
  std::string_view key;
  std::size_t group;
};

// By Item. Groups: where it rings; the presence; rules of the user; what is provisioned.
constexpr std::array<Row, kItemCount> kRows = {{
    {"interface", 0},
    {"", 1},
    {"dnd", 2},
    {"forward/unconditional", 2},
    {"forward/busy", 2},
    {"forward/no_answer", 2},
    {"selected_device", 0},
    {"user", 3},
    {"deskphone", 3},
    {"webrtc", 3},
    {"line_type", 3},
    {"ring_seconds", 3},
    {"mailbox", 3},
    {"phone_changes", kItemGroupCount},
}};

const Row& RowOf(Item item) { return kRows[static_cast<std::size_t>(item)]; }

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

// As the dialplan says it in `phone_changes`, too.
std::string_view WordOf(LineKind kind) {
  switch (kind) {
    case LineKind::kDeskphone:
      return "deskphone";
    case LineKind::kWebrtc:
      return "webrtc";
  }
  __builtin_unreachable();
}

std::string& At(ItemValues& values, Item item) { return values[static_cast<std::size_t>(item)]; }

}  // namespace

void FillItems(const Routing& routing, ItemValues& values) {
  const auto forward = [&](ForwardingCondition condition) {
    return routing.forwards[static_cast<std::size_t>(condition)];
  };
  At(values, Item::kInterface) = routing.device_in_use;
  At(values, Item::kSelectedDevice) = WordOf(routing.selected_device);
  At(values, Item::kState) = ToString(StateOf(routing.state));
  At(values, Item::kDoNotDisturb) = routing.do_not_disturb ? "1" : "0";
  At(values, Item::kForwardUnconditional) = forward(ForwardingCondition::kUnconditional);
  At(values, Item::kForwardBusy) = forward(ForwardingCondition::kBusy);
  At(values, Item::kForwardNoAnswer) = forward(ForwardingCondition::kNoAnswer);
  At(values, Item::kUser) = routing.user;
  At(values, Item::kDeskphone) = routing.deskphone;
  At(values, Item::kWebrtc) = routing.webrtc;
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
