#ifndef UNIPRESENCE_AGGREGATOR_PBX_ASTDB_LAYOUT_H_
#define UNIPRESENCE_AGGREGATOR_PBX_ASTDB_LAYOUT_H_

// Where Asterisk keeps what it is told of a number, and how it is spelled. The dialplan in
// deploy/asterisk reads the same:
//
//   AstDB unipresence/<context>/<number>
//       user, interface, selected_device, deskphone, webrtc, line_type, dnd, forward/unconditional,
//       forward/busy, forward/no_answer, ring_seconds, mailbox: always there, empty for none.
//       `deskphone` and `webrtc` are the devices of lines; a further kind has line/<kind>.
//       phone_changes: written by the dialplan only
//   Custom:unipresence-<context>-<number>
//       the fused presence as a device state. Asterisk keeps it in AstDB
//       CustomDevstate/unipresence-<context>-<number>
//
// Pure; thread-safe.

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "aggregator/model/routing.h"

namespace unipresence::pbx {

// In the order in which they are written: first what decides where the next call rings.
enum class Item : std::uint8_t {
  kInterface,
  kState,
  kDoNotDisturb,
  kForwardUnconditional,
  kForwardBusy,
  kForwardNoAnswer,
  kSelectedDevice,
  kUser,
  kFirstLine,  // of kLineKindCount; see LineItem
  kLineType = kFirstLine + kLineKindCount,
  kRingSeconds,
  kMailbox,
  kPhoneChanges,
};

inline constexpr std::size_t kItemCount = static_cast<std::size_t>(Item::kPhoneChanges) + 1;
// Those with a value of ours: all but kPhoneChanges, which is the last.
inline constexpr std::size_t kToldItemCount = kItemCount - 1;

// The device of the line of that kind.
constexpr Item LineItem(LineKind kind) {
  return static_cast<Item>(static_cast<int>(Item::kFirstLine) + static_cast<int>(kind));
}

// By Item.
using ItemValues = std::array<std::string, kToldItemCount>;

// What is to be said of a user; not of a removed one.
void FillItems(const Routing& routing, ItemValues& values);

// "unipresence/default/1001"
std::string FamilyOf(std::string_view context, std::string_view exten);
// "unipresence-default-1001": behind "Custom:", and the key in the family CustomDevstate.
std::string StateNameOf(std::string_view context, std::string_view exten);

inline constexpr std::string_view kStateFamily = "CustomDevstate";

// The key below the family of the number; of kState there is none.
std::string_view KeyOf(Item item);

// Items that change together are remembered as one number each.
inline constexpr std::size_t kItemGroupCount = 4;
// Of kPhoneChanges there is none: kItemGroupCount.
std::size_t GroupOf(Item item);
// What a group holds, in 32 bits that are never 0.
std::array<std::uint32_t, kItemGroupCount> HashGroups(const ItemValues& values);

}  // namespace unipresence::pbx

#endif  // UNIPRESENCE_AGGREGATOR_PBX_ASTDB_LAYOUT_H_
