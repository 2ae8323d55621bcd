#ifndef UNIPRESENCE_AGGREGATOR_MODEL_FORWARDING_H_
#define UNIPRESENCE_AGGREGATOR_MODEL_FORWARDING_H_

// Where a user's calls go instead of to the device in use. The dialplan carries it out:
// deploy/asterisk/README.md, "What happens to a call to a user".

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "absl/status/status.h"

namespace unipresence {

// When a forwarding applies.
enum class ForwardingCondition : std::uint8_t {
  kUnconditional,  // to every call, before any device rings
  kBusy,           // the device in use is busy
  kNoAnswer,       // it does not answer in time, or cannot be reached
};

inline constexpr int kForwardingConditionCount = 3;
inline constexpr std::array<ForwardingCondition, kForwardingConditionCount> kForwardingConditions =
    {ForwardingCondition::kUnconditional, ForwardingCondition::kBusy,
     ForwardingCondition::kNoAnswer};

// "unconditional", "busy", "no_answer": the keys in AstDB too.
std::string_view ToString(ForwardingCondition condition);
std::optional<ForwardingCondition> ParseForwardingCondition(std::string_view text);

// One forwarding. A destination may stay while it is off.
struct Forward {
  std::string destination;
  bool enabled = false;

  friend bool operator==(const Forward&, const Forward&) = default;
};

// One of each condition.
class Forwardings {
 public:
  Forward& operator[](ForwardingCondition condition) {
    return forwards_[static_cast<std::size_t>(condition)];
  }
  const Forward& operator[](ForwardingCondition condition) const {
    return forwards_[static_cast<std::size_t>(condition)];
  }
  // The destination in force, empty if there is none.
  std::string_view Active(ForwardingCondition condition) const {
    const Forward& forward = (*this)[condition];
    return forward.enabled ? std::string_view(forward.destination) : std::string_view();
  }

  friend bool operator==(const Forwardings&, const Forwardings&) = default;

 private:
  std::array<Forward, kForwardingConditionCount> forwards_;
};

// A set of conditions, in a byte.
class ForwardingConditions {
 public:
  ForwardingConditions() = default;
  // Those of which a forwarding is enabled.
  explicit ForwardingConditions(const Forwardings& forwardings) {
    for (ForwardingCondition condition : kForwardingConditions) {
      if (forwardings[condition].enabled) Add(condition);
    }
  }

  void Add(ForwardingCondition condition) {
    bits_ = static_cast<std::uint8_t>(bits_ | (1U << static_cast<unsigned>(condition)));
  }
  bool Contains(ForwardingCondition condition) const {
    return (bits_ >> static_cast<unsigned>(condition) & 1U) != 0;
  }
  bool empty() const { return bits_ == 0; }
  std::size_t size() const { return static_cast<std::size_t>(std::popcount(bits_)); }

  friend bool operator==(const ForwardingConditions&, const ForwardingConditions&) = default;

 private:
  std::uint8_t bits_ = 0;
};

// A number as a person would dial it: 1 to 40 of the characters 0-9 * #, with + only in front.
// INVALID_ARGUMENT names the value and what is allowed.
absl::Status ValidateDestination(std::string_view destination);

// That each destination is valid, or empty and not enabled. INVALID_ARGUMENT names the condition.
absl::Status ValidateForwardings(const Forwardings& forwardings);

}  // namespace unipresence

#endif  // UNIPRESENCE_AGGREGATOR_MODEL_FORWARDING_H_
