#ifndef UNIPRESENCE_SERVER_SERVICE_CONVERT_H_
#define UNIPRESENCE_SERVER_SERVICE_CONVERT_H_

// Between the model and unipresence.v1, for what publish/codec.h does not cover. Thread-safe,
// without state, except where a Core is taken: that is the pipeline's.

#include <google/protobuf/duration.pb.h>
#include <google/protobuf/timestamp.pb.h>

#include <optional>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "aggregator/base/clock.h"
#include "aggregator/engine/pbx_status.h"
#include "aggregator/model/call.h"
#include "aggregator/model/line.h"
#include "aggregator/model/session.h"
#include "aggregator/model/user.h"
#include "aggregator/pipeline/executor.h"
#include "server/account/session_keeper.h"
#include "unipresence/v1/call_control.pb.h"
#include "unipresence/v1/pbx.pb.h"
#include "unipresence/v1/session.pb.h"
#include "unipresence/v1/user.pb.h"

namespace unipresence {

void SetTime(WallTimeMicros time, google::protobuf::Timestamp& out);
void SetDuration(Duration duration, google::protobuf::Duration& out);

// "LINE_KIND_DESKPHONE or LINE_KIND_WEBRTC": what a request may name.
std::string LineKindNames();
// "LINE_TYPE_SIP, _WEBRTC or _UNIQUE_ACCOUNT"
std::string LineTypeNames();

v1::Role ToProto(Role role);
v1::SessionKind ToProto(SessionKind kind);
v1::PbxLinkState ToProto(LinkPhase phase);
v1::PbxLinkState ToProto(LinkState state);

// nullopt for values of a newer API. UNSPECIFIED gives what the comment in the .proto says, or
// nullopt.
std::optional<Role> FromProto(v1::Role role);
std::optional<SessionKind> FromProto(v1::SessionKind kind);

// A session as its owner sees it.
void FillSession(Core& core, const SessionKeeper& keeper, const StoredSession& session,
                 v1::Session& out);

void FillCall(const Core& core, std::string_view user, const LiveCall& call, v1::Call& out);

}  // namespace unipresence

#endif  // UNIPRESENCE_SERVER_SERVICE_CONVERT_H_
