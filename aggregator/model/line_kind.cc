#include "aggregator/model/line_kind.h"

#include <algorithm>

#include "absl/strings/match.h"
#include "aggregator/base/strings.h"

namespace unipresence {
namespace {

constexpr bool IsComplete(LineKind kind) {
  const LineKindTraits traits = TraitsOf(kind);
  return !traits.key.empty() && !traits.name.empty() && !traits.noun.empty() &&
         !traits.routing_key.empty();
}
static_assert(std::all_of(kLineKinds.begin(), kLineKinds.end(), IsComplete),
              "a kind has an incomplete row");

static_assert(std::all_of(kLineKinds.begin(), kLineKinds.end(),
                          [](LineKind kind) {
                            return std::any_of(kLineTypes.begin(), kLineTypes.end(),
                                               [kind](LineType type) {
                                                 return TraitsOf(type).kinds.Contains(kind);
                                               });
                          }),
              "each kind belongs to a line type, or nobody can have such a line");

bool EqualIgnoringCase(std::string_view a, std::string_view b) {
  return absl::EqualsIgnoreCase(ToAbsl(a), ToAbsl(b));
}

}  // namespace

std::string_view ToString(LineKind kind) { return TraitsOf(kind).word; }

std::optional<LineKind> ParseLineKind(std::string_view text) {
  for (LineKind kind : kLineKinds) {
    if (EqualIgnoringCase(text, ToString(kind))) return kind;
  }
  return std::nullopt;
}

std::string OneLineOfEach(LineKinds kinds, std::string_view LineKindTraits::*called) {
  std::string text;
  std::size_t left = kinds.size();
  for (LineKind kind : kLineKinds) {
    if (!kinds.Contains(kind)) continue;
    if (!text.empty()) text += left == 1 ? " and " : ", ";
    text.append("one ").append(TraitsOf(kind).*called);
    --left;
  }
  return text + " line";
}

std::string_view ToString(LineType type) { return TraitsOf(type).word; }

std::optional<LineType> ParseLineType(std::string_view text) {
  for (LineType type : kLineTypes) {
    if (EqualIgnoringCase(text, ToString(type))) return type;
  }
  if (EqualIgnoringCase(text, "ua")) return LineType::kUniqueAccount;
  return std::nullopt;
}

std::optional<LineType> LineTypeOf(LineKinds kinds) {
  for (LineType type : kLineTypes) {
    if (TraitsOf(type).kinds == kinds) return type;
  }
  return std::nullopt;
}

}  // namespace unipresence
