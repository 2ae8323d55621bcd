#include "server/service/explain.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <optional>
#include <string_view>
#include <vector>

#include "aggregator/publish/codec.h"
#include "server/account/failure.h"
#include "server/service/convert.h"
#include "server/service/status.h"

namespace unipresence {
namespace {

const Explanation::LineInput* LineOf(const Explanation& explanation, LineKind kind) {
  for (const Explanation::LineInput& line : explanation.lines) {
    if (line.kind == kind) return &line;
  }
  return nullptr;
}

// "the deskphone PJSIP/alice (RINGING)".
std::string Name(const Explanation& explanation, LineKind kind) {
  const std::string_view what = TraitsOf(kind).noun;
  const Explanation::LineInput* line = LineOf(explanation, kind);
  if (line == nullptr) return fmt::format("the {} that there is not", what);
  return fmt::format("the {} {} ({})", what, line->device, ToString(line->state));
}

std::string Because(const Explanation& explanation) {
  const std::string deskphone = Name(explanation, LineKind::kDeskphone);
  const std::string webrtc = Name(explanation, LineKind::kWebrtc);
  switch (explanation.result.rule) {
    case Rule::kLoggedOut:
      return fmt::format("nobody is logged in, so the presence is that of {}", deskphone);
    case Rule::kDeskphoneEmittedCall:
      return fmt::format("{} makes a call of its own, which counts more than {}", deskphone,
                         webrtc);
    case Rule::kSelectedWebrtc:
      return fmt::format("WebRTC is selected and can be reached, so the presence is that of {}",
                         webrtc);
    case Rule::kWebrtcUnreachable:
      return fmt::format(
          "WebRTC is selected, but {} cannot be reached, so the presence is that of {}", webrtc,
          deskphone);
    case Rule::kWebrtcCall:
      return fmt::format("the deskphone is selected, but {} is active and counts more than {}",
                         webrtc, deskphone);
    case Rule::kSelectedDeskphone:
      return fmt::format("the deskphone is selected, so the presence is that of {}", deskphone);
    case Rule::kSingleLine:
      return explanation.lines.empty()
                 ? std::string("the user has no line")
                 : fmt::format("{} is the only line", Name(explanation, explanation.lines[0].kind));
  }
  __builtin_unreachable();
}

void FillLineState(LineKind kind, DeviceState state, v1::PresenceInputs& out) {
  switch (kind) {
    case LineKind::kDeskphone:
      out.set_deskphone_state(publish::ToProto(state));
      return;
    case LineKind::kWebrtc:
      out.set_webrtc_state(publish::ToProto(state));
      out.set_webrtc_reachable(fusion::Reachable(state));
      out.set_webrtc_active(fusion::Active(state));
      return;
  }
  __builtin_unreachable();
}

void FillInputs(const Explanation& explanation, v1::PresenceInputs& out) {
  const fusion::Inputs& inputs = explanation.inputs;
  LineKinds kinds;
  for (LineKind kind : kLineKinds) {
    const std::optional<DeviceState>& state = inputs.states[kind];
    if (!state) continue;
    kinds.Add(kind);
    FillLineState(kind, *state, out);
  }
  if (const auto type = LineTypeOf(kinds)) out.set_line_type(publish::ToProto(*type));
  out.set_logged_in(inputs.logged_in);
  out.set_selected_device(publish::ToProto(inputs.selected));
  out.set_emitting(inputs.emitting);
}

void FillLine(const Explanation::LineInput& line, v1::LineExplanation& out) {
  v1::LinePresence& published = *out.mutable_line();
  published.set_kind(publish::ToProto(line.kind));
  published.set_device(line.device);
  published.set_state(publish::ToProto(line.state));
  published.set_holding(line.holding);
  published.set_held(line.held);
  published.set_pbx(line.pbx);
  out.set_reported_state(publish::ToProto(line.reported));
  out.set_emitting(line.emitting);
  out.set_in_call(line.in_call);
  out.set_link_state(ToProto(line.link));
  out.set_direction_unknown(line.direction_unknown);
  out.set_not_listed(line.not_listed);
}

void FillCause(const Explanation::Step& step, std::uint64_t revision, v1::PastCause& out) {
  v1::Cause& cause = *out.mutable_cause();
  cause.set_kind(publish::ToProto(step.cause));
  cause.set_pbx(step.pbx);
  cause.set_device(step.device);
  if (!step.device.empty()) cause.set_device_state(publish::ToProto(step.device_state));
  SetTime(step.time, *cause.mutable_time());
  out.set_state(publish::ToProto(step.state));
  out.set_rule(publish::ToProto(step.rule));
  out.set_revision(revision);
}

}  // namespace

std::string SentenceOf(const Explanation& explanation) {
  std::string sentence = fmt::format("{} is {}: {}.", explanation.user,
                                     ToString(explanation.result.state), Because(explanation));
  if (!explanation.lines.empty()) {
    sentence +=
        fmt::format(" Calls ring on the {}.", TraitsOf(explanation.result.device_in_use).noun);
  }
  if (explanation.do_not_disturb) sentence += " Do-not-disturb is on.";
  if (!explanation.active_forwardings.empty()) {
    std::vector<std::string_view> conditions;
    for (ForwardingCondition condition : kForwardingConditions) {
      if (explanation.active_forwardings.Contains(condition)) {
        conditions.push_back(ToString(condition));
      }
    }
    sentence += fmt::format(" Forwarding is on: {}.", fmt::join(conditions, ", "));
  }
  for (const Explanation::LineInput& line : explanation.lines) {
    if (line.direction_unknown) {
      sentence += fmt::format(
          " A call on {} began before the link to the PBX {} came up, and no list tells who began"
          " it: it counts as received, and the user may have made it.",
          line.device, line.pbx);
    }
    if (line.not_listed) {
      sentence += fmt::format(
          " The PBX {} lists no device {}: look for a misspelt name or a missing endpoint.",
          line.pbx, line.device);
    }
    if (line.link == LinkState::kSynced) continue;
    sentence += fmt::format(" The PBX {} of {} is not heard now: this is the last known state.",
                            line.pbx, line.device);
  }
  return sentence;
}

absl::Status FillExplanation(const Core& core, std::string_view user, std::int32_t cause_limit,
                             v1::ExplainPresenceResponse& out) {
  const absl::StatusOr<Explanation> explanation = core.directory.Explain(user);
  if (!explanation.ok()) return UserNotFound(user);
  core.presences.Read(user, [&](const PresenceSource::Entry& entry) {
    publish::ToProto(entry.presence, *out.mutable_presence());
  });
  FillInputs(*explanation, *out.mutable_inputs());
  out.set_sentence(SentenceOf(*explanation));
  for (const Explanation::LineInput& line : explanation->lines) FillLine(line, *out.add_lines());
  // Each step was one published change, so revisions count back from the newest.
  std::uint64_t revision = explanation->revision;
  for (const Explanation::Step& step : explanation->steps) {
    if (cause_limit > 0 && out.causes_size() == cause_limit) break;
    FillCause(step, revision, *out.add_causes());
    if (revision > 0) --revision;
  }
  return absl::OkStatus();
}

}  // namespace unipresence
