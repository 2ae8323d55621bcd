#include "clients/cli/format_explanation.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <optional>
#include <set>
#include <string_view>

#include "aggregator/model/line_kind.h"
#include "aggregator/model/presence.h"
#include "aggregator/publish/codec.h"
#include "clients/cli/format_table.h"
#include "clients/cli/pairs.h"
#include "clients/cli/words.h"

namespace unipresence::cli {
namespace {

std::string_view YesNo(bool value) { return value ? "yes" : "no"; }

// "the deskphone".
std::string LineText(v1::LineKind kind, std::string_view device) {
  if (const auto known = publish::FromProto(kind)) {
    return fmt::format("the {}", TraitsOf(*known).noun);
  }
  return device.empty() ? std::string("no device") : Shown(device);
}

// " since 10:42 (6 min)", or nothing.
std::string Since(bool has, const google::protobuf::Timestamp& time, const TimeView& view) {
  if (!has) return {};
  return fmt::format(" since {} ({})", ShortTime(time, view), Ago(time, view));
}

// What made the state what it is: the oldest of the newest causes that left it so. Null if that
// came before what is remembered.
const v1::Cause* StateSince(const v1::ExplainPresenceResponse& explanation) {
  const v1::Cause* since = nullptr;
  for (const v1::PastCause& past : explanation.causes()) {
    if (past.state() != explanation.presence().state()) return since;
    since = past.cause().has_time() ? &past.cause() : nullptr;
  }
  // A user's first value of all is one that nothing came before.
  const bool is_first =
      !explanation.causes().empty() && explanation.causes().rbegin()->revision() == 1;
  return is_first ? since : nullptr;
}

// Whoever looks learns what there is by then, not when it came about.
bool OnlyFound(v1::CauseKind kind) {
  return kind == v1::CAUSE_KIND_RESYNC || kind == v1::CAUSE_KIND_RECONCILE ||
         kind == v1::CAUSE_KIND_SERVER_START;
}

std::string StateSentence(const ExplanationInput& input, const TimeView& view) {
  const v1::Presence& presence = input.explanation.presence();
  std::string who = Shown(presence.user());
  if (!input.person.name.empty()) {
    who = input.person.number.empty() ? fmt::format("{} ({})", Shown(input.person.name), who)
                                      : fmt::format("{} ({}, {})", Shown(input.person.name), who,
                                                    Shown(input.person.number));
  }
  const v1::Cause* const since = StateSince(input.explanation);
  return fmt::format("{} is {}{}{}.", who, Shown(Word(presence.state())),
                     since != nullptr && OnlyFound(since->kind()) ? " at least" : "",
                     since == nullptr ? "" : Since(true, since->time(), view));
}

// Since when they talk. If the server did not hear the answer, when the call began is all it knows,
// and that only as far as Asterisk told it.
std::string TalkingSince(const v1::Call& call, const TimeView& view) {
  if (call.has_answer_time() || !call.has_start_time()) {
    return Since(call.has_answer_time(), call.answer_time(), view);
  }
  return fmt::format(" that began at {} or before ({})", ShortTime(call.start_time(), view),
                     Ago(call.start_time(), view));
}

std::string CallSentence(const v1::Call& call, const TimeView& view) {
  const std::string line = LineText(call.kind(), call.device());
  const std::string party = Shown(PartyText(call.other_party()));
  const std::string start = Since(call.has_start_time(), call.start_time(), view);
  switch (static_cast<int>(call.state())) {
    case v1::CALL_STATE_ORIGINATING:
      return fmt::format("A call to {} was placed{}: {} rings to be picked up for it.", party,
                         start, line);
    case v1::CALL_STATE_DIALING:
      return fmt::format("Calling {} from {}{}; no answer yet.", party, line, start);
    case v1::CALL_STATE_RINGING:
      return fmt::format("A call from {} rings on {}{}.", party, line, start);
    default:
      break;
  }
  const std::string_view relation = call.direction() == v1::CALL_DIRECTION_EMITTED ? "placed to"
                                    : call.direction() == v1::CALL_DIRECTION_RECEIVED
                                        ? "received from"
                                        : "with";
  return fmt::format("In a call on {}{}, {} {}{}{}.", line, TalkingSince(call, view), relation,
                     party, call.holding() ? "; it is on hold" : "",
                     call.held() ? "; the other side has put it on hold" : "");
}

// What the lines tell of calls that are not listed.
std::string LineSentence(const v1::LineExplanation& line) {
  const std::string name = LineText(line.line().kind(), line.line().device());
  if (line.in_call()) {
    return fmt::format("In a call on {}{}.", name,
                       line.direction_unknown() ? ""
                       : line.emitting()        ? ", placed there"
                                                : ", received there");
  }
  switch (static_cast<int>(line.line().state())) {
    case v1::DEVICE_STATE_RINGING:
      return fmt::format("A call rings on {}.", name);
    case v1::DEVICE_STATE_INUSE:
    case v1::DEVICE_STATE_BUSY:
    case v1::DEVICE_STATE_ONHOLD:
      return fmt::format("In a call on {}.", name);
    case v1::DEVICE_STATE_RINGINUSE:
      return fmt::format("In a call on {}, while another one rings.", name);
    default:
      return {};
  }
}

void AddCalls(const ExplanationInput& input, const TimeView& view,
              std::vector<std::string>& sentences) {
  std::set<std::string> told;
  for (const v1::Call& call : input.calls) {
    sentences.push_back(CallSentence(call, view));
    told.insert(call.device());
  }
  for (const v1::LineExplanation& line : input.explanation.lines()) {
    if (!told.contains(line.line().device())) {
      if (std::string text = LineSentence(line); !text.empty()) sentences.push_back(text);
    }
    if (line.direction_unknown()) {
      sentences.push_back(fmt::format(
          "Who began the call on {} is not known since the restart: it is older than "
          "the link to PBX {}, and may count as received although it was placed.",
          LineText(line.line().kind(), line.line().device()), Shown(line.line().pbx())));
    }
  }
}

// What is done with a call before any device rings; empty if one rings.
std::string_view InsteadOfRinging(const v1::Presence& presence) {
  const auto& forwardings = presence.active_forwardings();
  const bool forwarded = std::find(forwardings.begin(), forwardings.end(),
                                   v1::FORWARDING_CONDITION_UNCONDITIONAL) != forwardings.end();
  if (presence.do_not_disturb()) return "Do-not-disturb is on: no device rings.";
  if (forwarded) return "All calls are forwarded: no device rings.";
  return {};
}

// ", because ...": why this device.
std::string_view WhyThere(v1::Rule rule) {
  const std::optional<Rule> known = publish::FromProto(rule);
  if (!known) return "";
  switch (*known) {
    case Rule::kLoggedOut:
      return ", because nobody is logged in";
    case Rule::kSelectedWebrtc:
      return ", because it is selected and can be reached";
    case Rule::kWebrtcUnreachable:
      return ", because the WebRTC line is selected but cannot be reached";
    case Rule::kWebrtcCall:
      return ", because it is selected; the state is that of the WebRTC line, which is active";
    case Rule::kSelectedDeskphone:
      return ", because it is selected";
    case Rule::kSingleLine:
      return ", the only line";
    case Rule::kDeskphoneEmittedCall:
      return "; the call placed on the deskphone decides the state";
  }
  __builtin_unreachable();
}

void AddRinging(const v1::Presence& presence, std::vector<std::string>& sentences) {
  const std::string_view instead = InsteadOfRinging(presence);
  if (!instead.empty()) sentences.emplace_back(instead);
  if (presence.lines().empty()) {
    sentences.emplace_back("There is no line that could ring.");
  } else {
    sentences.push_back(fmt::format(
        "{} on {}{}.", instead.empty() ? "New calls ring" : "Without that, calls would ring",
        LineText(presence.device_in_use(), ""), WhyThere(presence.rule())));
  }
  for (const int condition : presence.active_forwardings()) {
    if (condition == v1::FORWARDING_CONDITION_BUSY) {
      sentences.emplace_back("Calls are forwarded when it is busy.");
    } else if (condition == v1::FORWARDING_CONDITION_NO_ANSWER) {
      sentences.emplace_back("Calls are forwarded when nobody answers.");
    }
  }
}

void AddTroubles(const v1::ExplainPresenceResponse& explanation,
                 std::vector<std::string>& sentences) {
  std::set<std::string> pbxs;
  for (const v1::LineExplanation& line : explanation.lines()) {
    const v1::LinePresence& published = line.line();
    if (line.link_state() != v1::PBX_LINK_STATE_READY && pbxs.insert(published.pbx()).second) {
      sentences.push_back(
          fmt::format("STALE: the link to PBX {} is {}; this is what was known last.",
                      Shown(published.pbx()), Shown(Word(line.link_state()))));
    }
    if (line.not_listed()) {
      sentences.push_back(fmt::format(
          "PBX {} knows no device {}: look for a misspelt name, or for an endpoint that was taken "
          "out of its configuration.",
          Shown(published.pbx()), Shown(published.device())));
    }
  }
  if (explanation.presence().stale() && pbxs.empty()) {
    sentences.emplace_back(
        "STALE: the link to a PBX of this user is down; this is what was known last.");
  }
}

void WriteInputs(const v1::ExplainPresenceResponse& explanation, Output& output) {
  const v1::PresenceInputs& inputs = explanation.inputs();
  output.Line("");
  output.Line("Inputs");
  Pairs pairs(output, "  ");
  pairs.Add("line type", Word(inputs.line_type()));
  pairs.Add("logged in",
            fmt::format("{} (sessions: {} assistant, {} client)", YesNo(inputs.logged_in()),
                        explanation.assistant_session_count(), explanation.client_session_count()));
  pairs.Add("selected device", Word(inputs.selected_device()));
  static_assert(kLineKindCount == 2, "PresenceInputs has fields for each; so has format_json.cc");
  if (inputs.deskphone_state() != v1::DEVICE_STATE_UNSPECIFIED) {
    pairs.Add("deskphone (D)", fmt::format("{}{}", Word(inputs.deskphone_state()),
                                           inputs.emitting() ? ", in a call that it made" : ""));
  }
  if (inputs.webrtc_state() != v1::DEVICE_STATE_UNSPECIFIED) {
    pairs.Add("WebRTC line (W)",
              fmt::format("{}, {}, {}", Word(inputs.webrtc_state()),
                          inputs.webrtc_reachable() ? "reachable" : "unreachable",
                          inputs.webrtc_active() ? "active" : "not active"));
  }
}

void WriteLines(const v1::ExplainPresenceResponse& explanation, Output& output) {
  output.Line("");
  output.Line("Lines");
  Table table(output, {{"  KIND"},
                       {"DEVICE", 0, 10},
                       {"PBX", 3, 8},
                       {"LINK", 4},
                       {"STATE", 0},
                       {"ASTERISK SAYS", 2},
                       {"CALLS", 1, 28}});
  for (const v1::LineExplanation& line : explanation.lines()) {
    std::vector<std::string_view> calls;
    if (line.in_call()) calls.emplace_back("in a call");
    if (line.emitting()) calls.emplace_back("made by itself");
    if (line.direction_unknown()) calls.emplace_back("direction unknown since the restart");
    if (line.line().holding()) calls.emplace_back("holding");
    if (line.line().held()) calls.emplace_back("held");
    const bool ready = line.link_state() == v1::PBX_LINK_STATE_READY;
    table.Row({fmt::format("  {}", Shown(Word(line.line().kind()))), line.line().device(),
               line.line().pbx(),
               Cell(Word(line.link_state()), ready ? Colour::kNone : Colour::kRed),
               Word(line.line().state()),
               line.not_listed() ? std::string_view("not listed") : Word(line.reported_state()),
               fmt::format("{}", fmt::join(calls, ", "))});
  }
}

void WriteCauses(const ExplanationInput& input, const TimeView& view, Output& output) {
  const auto& causes = input.explanation.causes();
  output.Line("");
  output.Line(causes.empty() ? "No causes are remembered." : "What led here, newest first");
  if (causes.empty()) return;
  Table table(output, {{"  " + TimeColumn("TIME", view)},
                       {"STATE AFTER", 0},
                       {"RULE AFTER", 1},
                       {"REVISION", 3},
                       {"CAUSE", 0, 44}});
  int shown = 0;
  for (const v1::PastCause& past : causes) {
    if (input.causes > 0 && ++shown > input.causes) break;
    const std::string time =
        past.cause().has_time() ? TimeWithMillis(past.cause().time(), view) : "-";
    table.Row({"  " + time, StateCell(past.state()), Word(past.rule()),
               std::to_string(past.revision()), CauseText(past.cause())});
  }
}

}  // namespace

std::vector<std::string> ExplanationSentences(const ExplanationInput& input, const TimeView& view) {
  std::vector<std::string> sentences = {StateSentence(input, view)};
  AddCalls(input, view, sentences);
  AddRinging(input.explanation.presence(), sentences);
  AddTroubles(input.explanation, sentences);
  return sentences;
}

void WriteExplanation(const ExplanationInput& input, const TimeView& view, Output& output) {
  const std::vector<std::string> sentences = ExplanationSentences(input, view);
  const v1::Presence& presence = input.explanation.presence();
  bool is_first = true;
  for (const std::string& sentence : sentences) {
    const Colour colour = is_first                         ? ColourOf(presence.state())
                          : sentence.starts_with("STALE:") ? Colour::kRed
                                                           : Colour::kNone;
    is_first = false;
    for (const std::string& line : Wrapped(sentence, output.width())) {
      output.Line(Painted(line, colour, output.colours()));
    }
  }
  output.Line("");
  const std::string rule =
      fmt::format("Rule {}: {}", Shown(Word(presence.rule())), Shown(input.explanation.sentence()));
  for (const std::string& line : Wrapped(rule, output.width())) output.Line(line);
  WriteInputs(input.explanation, output);
  WriteLines(input.explanation, output);
  WriteCauses(input, view, output);
}

}  // namespace unipresence::cli
