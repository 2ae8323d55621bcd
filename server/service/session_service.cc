#include "server/service/session_service.h"

#include <fmt/format.h>

#include <cstring>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "aggregator/base/status_macros.h"
#include "server/account/failure.h"
#include "server/service/convert.h"
#include "server/service/page.h"
#include "server/service/status.h"

namespace unipresence {
namespace {

// Sessions that one page looks at, when few of them are of the user asked for.
constexpr std::size_t kMaxScan = 10'000;

// The session `id` (empty: the caller's own) if the caller may see it.
// NOT_FOUND: SESSION_NOT_FOUND, also for those that are not his to see.
absl::StatusOr<const StoredSession*> Visible(const SessionKeeper& sessions, const Caller& caller,
                                             std::string_view id) {
  const StoredSession* session = sessions.Find(id.empty() ? caller.session : id);
  if (session == nullptr || (session->user != caller.user && caller.role != Role::kAdministrator)) {
    return Failure(v1::ERROR_REASON_SESSION_NOT_FOUND,
                   fmt::format("there is no live session '{}'", id), {{"session", id}});
  }
  return session;
}

// INVALID_ARGUMENT: FIELD_REQUIRED, FIELD_INVALID.
absl::StatusOr<LoginRequest> LoginFromMessage(const v1::CreateSessionRequest& request,
                                              std::string peer) {
  LoginRequest login{.username = request.username(),
                     .password = request.password(),
                     .client_name = request.client_name(),
                     .peer = std::move(peer)};
  UNIPRESENCE_RETURN_IF_ERROR(ValidateLogin(login));
  const std::optional<SessionKind> kind = FromProto(request.kind());
  if (!kind)
    return FieldInvalid("kind", std::to_string(request.kind()), "the values of SessionKind");
  login.kind = *kind;
  return login;
}

std::string EncodePlace(const SessionKeeper::Place& place) {
  std::string bytes(sizeof(place.first), '\0');
  std::memcpy(bytes.data(), &place.first, sizeof(place.first));
  return bytes + place.second;
}

SessionKeeper::Place DecodePlace(std::string_view bytes) {
  SessionKeeper::Place place;
  if (bytes.size() < sizeof(place.first)) return place;
  std::memcpy(&place.first, bytes.data(), sizeof(place.first));
  place.second = std::string(bytes.substr(sizeof(place.first)));
  return place;
}

}  // namespace

grpc::ServerUnaryReactor* SessionService::CreateSession(grpc::CallbackServerContext* context,
                                                        const v1::CreateSessionRequest* request,
                                                        v1::CreateSessionResponse* response) {
  grpc::ServerUnaryReactor* reactor = context->DefaultReactor();
  Reply<v1::CreateSessionResponse> reply(shared_, MethodOf<v1::CreateSessionRequest>(), reactor,
                                         response);
  absl::StatusOr<LoginRequest> login = LoginFromMessage(*request, context->peer());
  if (!login.ok()) {
    std::move(reply).Fail(login.status());
    return reactor;
  }
  login_.LogIn(*std::move(login), [this, reply = std::move(reply)](
                                      Core* core, absl::StatusOr<LoggedIn> begun) mutable {
    if (!begun.ok()) return std::move(reply).Fail(begun.status());
    FillSession(*core, shared_.sessions, begun->session, *reply.response().mutable_session());
    reply.response().set_token(begun->token);
    std::move(reply).Ok();
  });
  return reactor;
}

grpc::ServerUnaryReactor* SessionService::GetSession(grpc::CallbackServerContext* context,
                                                     const v1::GetSessionRequest* request,
                                                     v1::Session* response) {
  using Call = UnaryCall<v1::GetSessionRequest, v1::Session>;
  return RunUnary(shared_, context, request, response, [this](Call call) {
    const auto session = Visible(shared_.sessions, call.caller, call.request.session());
    if (!session.ok()) return std::move(call.reply).Fail(session.status());
    FillSession(call.core, shared_.sessions, **session, call.reply.response());
    std::move(call.reply).Ok();
  });
}

grpc::ServerUnaryReactor* SessionService::ListSessions(grpc::CallbackServerContext* context,
                                                       const v1::ListSessionsRequest* request,
                                                       v1::ListSessionsResponse* response) {
  using Call = UnaryCall<v1::ListSessionsRequest, v1::ListSessionsResponse>;
  return RunUnary(shared_, context, request, response, [this](Call call) {
    const absl::StatusOr<std::size_t> size = PageSize(call.request.page_size());
    if (!size.ok()) return std::move(call.reply).Fail(size.status());
    const std::string parameters = ParametersOf(call.request);
    const absl::StatusOr<std::string> token =
        ParsePageToken(MethodOf<v1::ListSessionsRequest>(), parameters, call.request.page_token());
    if (!token.ok()) return std::move(call.reply).Fail(token.status());
    // Empty means one's own, but everyone's for an administrator.
    std::string user = call.request.user();
    if (user.empty() && call.caller.role != Role::kAdministrator) user = call.caller.user;
    if (!user.empty() && !call.core.presences.Read(user, [](const PresenceSource::Entry&) {})) {
      return std::move(call.reply).Fail(UserNotFound(user));
    }
    SessionKeeper::Place place = DecodePlace(*token);
    v1::ListSessionsResponse& out = call.reply.response();
    const bool more =
        shared_.sessions.List(user, *size, kMaxScan, place, [&](const StoredSession& session) {
          FillSession(call.core, shared_.sessions, session, *out.add_sessions());
        });
    if (more) {
      out.set_next_page_token(
          MakePageToken(MethodOf<v1::ListSessionsRequest>(), parameters, EncodePlace(place)));
    }
    std::move(call.reply).Ok();
  });
}

grpc::ServerUnaryReactor* SessionService::KeepSessionAlive(
    grpc::CallbackServerContext* context, const v1::KeepSessionAliveRequest* request,
    v1::Session* response) {
  using Call = UnaryCall<v1::KeepSessionAliveRequest, v1::Session>;
  return RunUnary(shared_, context, request, response, [this](Call call) {
    const auto session = Visible(shared_.sessions, call.caller, call.request.session());
    if (!session.ok()) return std::move(call.reply).Fail(session.status());
    shared_.sessions.Touch(call.core, **session);
    FillSession(call.core, shared_.sessions, **session, call.reply.response());
    std::move(call.reply).Ok();
  });
}

HoldStreams::ServerReactor* SessionService::HoldSession(grpc::CallbackServerContext* context) {
  return hold_streams_.Hold(context, KeyOf(*context));
}

grpc::ServerUnaryReactor* SessionService::DeleteSession(grpc::CallbackServerContext* context,
                                                        const v1::DeleteSessionRequest* request,
                                                        google::protobuf::Empty* response) {
  using Call = UnaryCall<v1::DeleteSessionRequest, google::protobuf::Empty>;
  return RunUnary(shared_, context, request, response, [this](Call call) {
    const auto session = Visible(shared_.sessions, call.caller, call.request.session());
    if (!session.ok()) return std::move(call.reply).Fail(session.status());
    const std::string id = (*session)->id;
    shared_.sessions.End(call.core, id,
                         [reply = std::move(call.reply)]() mutable { std::move(reply).Ok(); });
  });
}

}  // namespace unipresence
