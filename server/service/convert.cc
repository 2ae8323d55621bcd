#include "server/service/convert.h"

#include <chrono>
#include <string>

#include "aggregator/publish/codec.h"
#include "server/service/status.h"

namespace unipresence {
namespace {

constexpr std::int64_t kMicrosPerSecond = 1'000'000;
constexpr std::int64_t kNanosPerSecond = 1'000'000'000;

}  // namespace

void SetTime(WallTimeMicros time, google::protobuf::Timestamp& out) {
  out.set_seconds(time / kMicrosPerSecond);
  out.set_nanos(static_cast<std::int32_t>(time % kMicrosPerSecond * 1000));
}

void SetDuration(Duration duration, google::protobuf::Duration& out) {
  out.set_seconds(duration.count() / kNanosPerSecond);
  out.set_nanos(static_cast<std::int32_t>(duration.count() % kNanosPerSecond));
}

std::string LineKindNames() {
  std::string names;
  for (LineKind kind : kLineKinds) {
    if (!names.empty()) names += kind == kLineKinds.back() ? " or " : ", ";
    names += v1::LineKind_Name(publish::ToProto(kind));
  }
  return names;
}

std::string LineTypeNames() {
  constexpr std::string_view kPrefix = "LINE_TYPE";
  std::string names;
  for (LineType type : kLineTypes) {
    const std::string& name = v1::LineType_Name(publish::ToProto(type));
    if (!names.empty()) names += type == kLineTypes.back() ? " or " : ", ";
    names += names.empty() ? name : name.substr(kPrefix.size());
  }
  return names;
}

v1::Role ToProto(Role role) {
  switch (role) {
    case Role::kUser:
      return v1::ROLE_USER;
    case Role::kAdministrator:
      return v1::ROLE_ADMINISTRATOR;
  }
  __builtin_unreachable();
}

v1::SessionKind ToProto(SessionKind kind) {
  switch (kind) {
    case SessionKind::kAssistant:
      return v1::SESSION_KIND_ASSISTANT;
    case SessionKind::kClient:
      return v1::SESSION_KIND_CLIENT;
  }
  __builtin_unreachable();
}

v1::PbxLinkState ToProto(LinkPhase phase) {
  switch (phase) {
    case LinkPhase::kDisconnected:
      return v1::PBX_LINK_STATE_DISCONNECTED;
    case LinkPhase::kConnecting:
      return v1::PBX_LINK_STATE_CONNECTING;
    case LinkPhase::kAuthenticating:
      return v1::PBX_LINK_STATE_AUTHENTICATING;
    case LinkPhase::kBooting:
      return v1::PBX_LINK_STATE_BOOTING;
    case LinkPhase::kRefused:
      return v1::PBX_LINK_STATE_REFUSED;
  }
  __builtin_unreachable();
}

v1::PbxLinkState ToProto(LinkState state) {
  switch (state) {
    case LinkState::kDown:
      return v1::PBX_LINK_STATE_DISCONNECTED;
    case LinkState::kSyncing:
      return v1::PBX_LINK_STATE_SYNCHRONIZING;
    case LinkState::kSynced:
      return v1::PBX_LINK_STATE_READY;
  }
  __builtin_unreachable();
}

std::optional<Role> FromProto(v1::Role role) {
  switch (static_cast<int>(role)) {
    case v1::ROLE_UNSPECIFIED:
    case v1::ROLE_USER:
      return Role::kUser;
    case v1::ROLE_ADMINISTRATOR:
      return Role::kAdministrator;
    default:
      return std::nullopt;
  }
}

std::optional<SessionKind> FromProto(v1::SessionKind kind) {
  switch (static_cast<int>(kind)) {
    case v1::SESSION_KIND_UNSPECIFIED:
    case v1::SESSION_KIND_ASSISTANT:
      return SessionKind::kAssistant;
    case v1::SESSION_KIND_CLIENT:
      return SessionKind::kClient;
    default:
      return std::nullopt;
  }
}

void FillSession(Core& core, const SessionKeeper& keeper, const StoredSession& session,
                 v1::Session& out) {
  const SessionView view = keeper.View(core, session);
  out.set_id(session.id);
  out.set_user(session.user);
  out.set_kind(ToProto(session.kind));
  out.set_role(ToProto(session.role));
  SetDuration(core.sessions.time_to_live(), *out.mutable_time_to_live());
  const auto left =
      std::chrono::duration_cast<std::chrono::microseconds>(view.deadline - core.clock.Now());
  SetTime(core.clock.WallNow() + left.count(), *out.mutable_expire_time());
  SetTime(session.create_time, *out.mutable_create_time());
  out.set_client_name(session.client_name);
  out.set_peer(session.peer);
}

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
      std::string(core.directory.UserOfNumber(user, call.other_party.number)));
  out.set_state(ToProto(call.state));
  out.set_holding(call.holding);
  out.set_held(call.held);
  SetTime(call.start_time, *out.mutable_start_time());
  if (call.answer_time != 0) SetTime(call.answer_time, *out.mutable_answer_time());
  out.set_transfer_call(call.transfer_call);
  out.set_linked_id(call.linked_id);
}

}  // namespace unipresence
