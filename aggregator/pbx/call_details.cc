#include "aggregator/pbx/call_details.h"

#include <algorithm>
#include <charconv>
#include <optional>

#include "aggregator/base/valid_text.h"

namespace unipresence::pbx {
namespace {

// AST_MAX_EXTENSION is 80; names come from outside and may be longer than anyone reads.
constexpr std::size_t kMaxText = 80;
constexpr std::size_t kMaxLinkedid = 150;  // AST_MAX_UNIQUEID

std::string_view Known(std::string_view text) {
  return text == "<unknown>" ? std::string_view() : text;
}

// Not "s", "h" and what else a dialplan calls its places.
bool IsNumber(std::string_view text) {
  return !text.empty() && text.size() <= kMaxText &&
         std::all_of(text.begin(), text.end(), [](char c) {
           return (c >= '0' && c <= '9') || c == '*' || c == '#' || c == '+';
         });
}

// "12:00:59": hours, which may have more digits, minutes, seconds.
std::optional<WallTimeMicros> ParseDuration(std::string_view text) {
  WallTimeMicros seconds = 0;
  const char* at = text.data();
  const char* const end = text.data() + text.size();
  for (int part = 0; part < 3; ++part) {
    WallTimeMicros value = 0;
    const auto [next, error] = std::from_chars(at, end, value);
    if (error != std::errc() || value < 0 || value > 10'000'000) return std::nullopt;
    if ((part < 2) != (next != end && *next == ':')) return std::nullopt;
    seconds = seconds * 60 + value;
    at = next + 1;
  }
  return seconds * 1'000'000;
}

}  // namespace

bool TakeParty(CallDetails& details, const ami::Message& message) {
  bool changed = AssignValidText(details.linkedid, message.Get("Linkedid"), kMaxLinkedid);
  const std::string_view number = Known(message.Get("ConnectedLineNum"));
  if (number.empty()) return changed;
  // The CallerID of an Originate that dials nothing yet.
  const bool own = number == Known(message.Get("CallerIDNum"));
  if (own && details.originated && details.dialled.empty()) return changed;
  changed |= AssignValidText(details.connected.number, number, kMaxText);
  changed |=
      AssignValidText(details.connected.name, Known(message.Get("ConnectedLineName")), kMaxText);
  if (details.first_connected.empty() && !details.dialled.empty()) {
    details.first_connected = details.connected.number;
  }
  return changed;
}

bool TakeDialled(CallDetails& details, std::string_view number) {
  if (!details.dialled.empty() || !IsNumber(number)) return false;
  details.dialled = number;
  // What an Originate shows on the own phone is the number too, and not yet who answers it.
  if (details.connected.number != number) details.first_connected = details.connected.number;
  return true;
}

void TakeListRow(CallDetails& details, const ami::Message& row, ChannelState state, bool known,
                 WallTimeMicros now) {
  const bool up = state == ChannelState::kUp;
  const bool bridged = !row.Get("BridgeId").empty();
  const std::string_view application = row.Get("Application");
  const bool dials = application.empty() || application == "Dial" || application == "AppDial2";
  if (!known) {
    details.start_time = now - ParseDuration(row.Get("Duration")).value_or(0);
    const bool leads = row.Get("Uniqueid") == row.Get("Linkedid");
    details.originated =
        (application == "AppDial2" && leads) || (application == "Dial" && up && !bridged);
  }
  if (DialsItself(state)) details.originated = false;
  TakeDialled(details, row.Get("Exten"));
  TakeParty(details, row);
  // Here an originated call that talks to an application is told from one that dials.
  if (up && (bridged || !dials || !details.originated)) details.answered = true;
}

bool TakeState(CallDetails& details, CallDirection direction, ChannelState state, bool bridged,
               WallTimeMicros now) {
  if (details.answered || state != ChannelState::kUp) return false;
  if (details.originated && direction == CallDirection::kEmitted && !bridged) return false;
  details.answered = true;
  details.answer_time = now;
  return true;
}

CallState StateOf(const CallDetails& details, CallDirection direction, ChannelState state) {
  const bool up = state == ChannelState::kUp;
  if (details.answered) return CallState::kAnswered;
  if (direction == CallDirection::kReceived) return up ? CallState::kAnswered : CallState::kRinging;
  // An analog phone is reserved while its user dials, and no longer than that when it is rung.
  const bool own_phone_rings = details.originated && !up && state != ChannelState::kReserved;
  return own_phone_rings ? CallState::kOriginating : CallState::kDialing;
}

CallParty OtherParty(const CallDetails& details, CallDirection direction) {
  CallParty party = details.connected;
  const bool first = party.number == details.first_connected;
  if (direction == CallDirection::kEmitted && !details.dialled.empty() && first) {
    party.number = details.dialled;
  }
  return party;
}

}  // namespace unipresence::pbx
