#include "aggregator/model/forwarding.h"

#include <fmt/format.h>

#include <algorithm>

#include "aggregator/base/strings.h"

namespace unipresence {
namespace {

constexpr std::size_t kMaxDestinationLength = 40;

bool IsDialled(char c) { return (c >= '0' && c <= '9') || c == '*' || c == '#'; }

}  // namespace

std::string_view ToString(ForwardingCondition condition) {
  switch (condition) {
    case ForwardingCondition::kUnconditional:
      return "unconditional";
    case ForwardingCondition::kBusy:
      return "busy";
    case ForwardingCondition::kNoAnswer:
      return "no_answer";
  }
  __builtin_unreachable();
}

std::optional<ForwardingCondition> ParseForwardingCondition(std::string_view text) {
  for (ForwardingCondition condition : kForwardingConditions) {
    if (text == ToString(condition)) return condition;
  }
  return std::nullopt;
}

absl::Status ValidateDestination(std::string_view destination) {
  std::string_view digits = destination;
  if (digits.starts_with('+')) digits.remove_prefix(1);
  if (digits.empty() || destination.size() > kMaxDestinationLength ||
      !std::all_of(digits.begin(), digits.end(), IsDialled)) {
    return absl::InvalidArgumentError(
        fmt::format("destination '{}': use 1 to {} of the characters 0-9 * #, with + only in front",
                    destination, kMaxDestinationLength));
  }
  return absl::OkStatus();
}

absl::Status ValidateForwardings(const Forwardings& forwardings) {
  for (ForwardingCondition condition : kForwardingConditions) {
    const Forward& forward = forwardings[condition];
    if (forward.destination.empty() && forward.enabled) {
      return absl::InvalidArgumentError(
          fmt::format("{}: enabled without a destination; name one", ToString(condition)));
    }
    if (forward.destination.empty()) continue;
    if (auto status = ValidateDestination(forward.destination); !status.ok()) {
      return absl::InvalidArgumentError(
          fmt::format("{}: {}", ToString(condition), FromAbsl(status.message())));
    }
  }
  return absl::OkStatus();
}

}  // namespace unipresence
