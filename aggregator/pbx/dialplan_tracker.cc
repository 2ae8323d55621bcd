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

// A header that the dialplan gave. Those of the channel come before the event's own name, and some
// are called alike: `Context` is where the channel is, too.
std::string_view DialplanHeader(const ami::Message& event, std::string_view name) {
  std::string_view value;
  bool given = false;
  bool found = false;
  event.ForEach([&](const ami::Header& header) {
    if (given && !found && header.name == name) {
      value = header.value;
      found = true;
    }
    given = given || header.name == "UserEvent";
  });
  return value;
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
    probe_.dialplan_outcomes[IndexOfOutcome(DialplanHeader(event, "Outcome"))].Add();
  }
}

void DialplanTracker::OnSetting(const ami::Message& event) {
  std::optional<PhoneSetting> setting =
      ParsePhoneSetting(DialplanHeader(event, "User"), DialplanHeader(event, "Setting"),
                        DialplanHeader(event, "Value"));
  if (!setting || settings_.size() >= kMaxSettings) {
    probe_.malformed_events.Add();
    return;
  }
  settings_.push_back({.context = std::string(DialplanHeader(event, "Context")),
                       .exten = std::string(DialplanHeader(event, "Number")),
                       .setting = *std::move(setting)});
}

std::vector<ReportedSetting> DialplanTracker::TakeSettings() {
  return std::exchange(settings_, {});
}

}  // namespace unipresence::pbx
