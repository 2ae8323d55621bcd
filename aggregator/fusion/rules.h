#ifndef UNIPRESENCE_AGGREGATOR_FUSION_RULES_H_
#define UNIPRESENCE_AGGREGATOR_FUSION_RULES_H_

// The rules of a user with both lines as a table: Fuse() goes by it, and a test holds README.md in
// this folder to it. The first row that matches decides.

#include <array>
#include <cstdint>
#include <optional>

#include "aggregator/model/line_kind.h"
#include "aggregator/model/presence.h"

namespace unipresence::fusion {

// What is asked of a line's state; an active one is reachable.
enum class LineIs : std::uint8_t { kAny, kReachable, kActive };

// What is asked of the lines: nothing, but of those of one kind.
constexpr ByKind<LineIs> Where(LineKind kind, LineIs asked) {
  ByKind<LineIs> lines;
  lines[kind] = asked;
  return lines;
}

struct RuleRow {
  Rule rule;
  bool logged_in = true;
  bool emitting = false;  // true: only while the deskphone emits a call; false: either way
  std::optional<LineKind> selected = std::nullopt;  // nullopt: whichever
  ByKind<LineIs> lines{};
  std::optional<LineKind> shows;  // the state of this line; nullopt: IN_USE, whatever they are
  LineKind rings;
};

inline constexpr std::array<RuleRow, 7> kRules = {{
    {.rule = Rule::kLoggedOut,
     .logged_in = false,
     .shows = LineKind::kDeskphone,
     .rings = LineKind::kDeskphone},
    {.rule = Rule::kDeskphoneEmittedCall,
     .emitting = true,
     .selected = LineKind::kWebrtc,
     .lines = Where(LineKind::kWebrtc, LineIs::kReachable),
     .shows = std::nullopt,
     .rings = LineKind::kWebrtc},
    {.rule = Rule::kDeskphoneEmittedCall,
     .emitting = true,
     .selected = LineKind::kDeskphone,
     .lines = Where(LineKind::kWebrtc, LineIs::kActive),
     .shows = std::nullopt,
     .rings = LineKind::kDeskphone},
    {.rule = Rule::kSelectedWebrtc,
     .selected = LineKind::kWebrtc,
     .lines = Where(LineKind::kWebrtc, LineIs::kReachable),
     .shows = LineKind::kWebrtc,
     .rings = LineKind::kWebrtc},
    {.rule = Rule::kWebrtcUnreachable,
     .selected = LineKind::kWebrtc,
     .shows = LineKind::kDeskphone,
     .rings = LineKind::kDeskphone},
    {.rule = Rule::kWebrtcCall,
     .selected = LineKind::kDeskphone,
     .lines = Where(LineKind::kWebrtc, LineIs::kActive),
     .shows = LineKind::kWebrtc,
     .rings = LineKind::kDeskphone},
    {.rule = Rule::kSelectedDeskphone,
     .selected = LineKind::kDeskphone,
     .shows = LineKind::kDeskphone,
     .rings = LineKind::kDeskphone},
}};

}  // namespace unipresence::fusion

#endif  // UNIPRESENCE_AGGREGATOR_FUSION_RULES_H_
