#include "server/service/call_convert.h"

#include <string>

#include "aggregator/publish/codec.h"
#include "server/service/convert.h"
#include "server/service/status.h"

namespace unipresence {
namespace {

v1::CallDirection ToProto(CallDirection direction) {
  switch (direction) {
    case CallDirection::kReceived:
      return v1::CALL_DIRECTION_RECEIVED;
    case CallDirection::kEmitted:
      return v1::CALL_DIRECTION_EMITTED;
  }
  __builtin_unreachable();
}

v1::CallState ToProto(CallState state) {
  switch (state) {
    case CallState::kOriginating:
      return v1::CALL_STATE_ORIGINATING;
    case CallState::kDialing:
      return v1::CALL_STATE_DIALING;
    case CallState::kRinging:
      return v1::CALL_STATE_RINGING;
    case CallState::kAnswered:
      return v1::CALL_STATE_ANSWERED;
  }
  __builtin_unreachable();
}

}  // namespace

absl::Status HasCallControl(const Core& core) {
  if (core.calls != nullptr) return absl::OkStatus();
  return Failure(v1::ERROR_REASON_PBX_UNAVAILABLE, "this server has no PBX to ask for calls");
}

void FillCall(const Core& core, std::string_view user, const LiveCall& call, v1::Call& out) {
  out.set_id(call.id);
  out.set_user(std::string(user));
  out.set_kind(publish::ToProto(call.kind));
  out.set_device(call.device);
  out.set_pbx(call.pbx);
  out.set_direction(ToProto(call.direction));
  out.mutable_other_party()->set_number(call.other_party.number);
  out.mutable_other_party()->set_name(call.other_party.name);
  out.mutable_other_party()->set_user(
      std::string(core.engine.UserOfNumber(user, call.other_party.number)));
  out.set_state(ToProto(call.state));
  out.set_holding(call.holding);
  out.set_held(call.held);
  SetTime(call.start_time, *out.mutable_start_time());
  if (call.answer_time != 0) SetTime(call.answer_time, *out.mutable_answer_time());
  out.set_transfer_call(call.transfer_call);
  out.set_linked_id(call.linked_id);
}

}  // namespace unipresence
