#include "aggregator/pbx/dialplan_tracker.h"

#include <optional>
#include <utility>

#include "aggregator/pbx/phone_settings.h"

namespace unipresence::pbx {
namespace {

// By DialplanOutcome.
constexpr std::array<std::string_view, kDialplanOutcomeCount> kOutcomes = {
    "DO_NOT_DISTURB", "FORWARDED",   "FORWARD_LOOP", "FORWARD_REFUSED",
    "NOT_REGISTERED", "UNREACHABLE", "VOICEMAIL",    "OTHER"};

std::size_t IndexOfOutcome(std::string_view text) {
  for (std::size_t i = 0; i < kOutcomes.size(); ++i) {
    if (kOutcomes[i] == text) return i;
  }
  return static_cast<std::size_t>(DialplanOutcome::kOther);
}

}  // namespace

std::string_view ToString(DialplanOutcome outcome) {
  return kOutcomes[static_cast<std::size_t>(outcome)];
}

void DialplanTracker::OnUserEvent(const ami::Message& event) {
  const std::string_view name = event.Get("UserEvent");
  if (name == "UnipresenceSetting") {
    OnSetting(event);
  } else if (name == "UnipresenceOutcome") {
    ++outcomes_[IndexOfOutcome(event.Get("Outcome"))];
  }
}

void DialplanTracker::OnSetting(const ami::Message& event) {
  std::optional<PhoneSetting> setting =
      ParsePhoneSetting(event.Get("User"), event.Get("Setting"), event.Get("Value"));
  if (!setting || settings_.size() >= kMaxSettings) {
    ++malformed_;
    return;
  }
  settings_.push_back({.context = std::string(event.Get("Context")),
                       .exten = std::string(event.Get("Number")),
                       .setting = *std::move(setting)});
}

std::vector<HeardSetting> DialplanTracker::TakeSettings() { return std::exchange(settings_, {}); }

}  // namespace unipresence::pbx
