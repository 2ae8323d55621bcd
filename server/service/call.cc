#include "server/service/call.h"

#include <fmt/format.h>

#include "server/account/failure.h"
#include "server/auth/token.h"
#include "server/service/status.h"

namespace unipresence {

absl::StatusOr<SessionKey> KeyOf(const grpc::CallbackServerContext& context) {
  constexpr std::string_view kBearer = "Bearer ";
  const auto& metadata = context.client_metadata();
  const auto it = metadata.find("authorization");
  if (it == metadata.end()) {
    return Failure(v1::ERROR_REASON_TOKEN_MISSING,
                   "send the token of CreateSession as metadata `authorization: Bearer <token>`");
  }
  const std::string_view value(it->second.data(), it->second.size());
  std::optional<SessionKey> key;
  if (value.starts_with(kBearer)) key = auth::KeyOfToken(value.substr(kBearer.size()));
  if (!key) {
    return Failure(v1::ERROR_REASON_TOKEN_INVALID,
                   "the metadata `authorization` is not `Bearer <token>` with a token of this "
                   "server; log in again");
  }
  return *key;
}

absl::Status Authorize(const Method& method, const Caller& caller, std::string_view user) {
  if (caller.role == Role::kAdministrator) return absl::OkStatus();
  switch (method.access) {
    case v1::ACCESS_PUBLIC:
    case v1::ACCESS_SESSION:
      return absl::OkStatus();
    case v1::ACCESS_OWN_USER:
      if (user.empty() || user == caller.user) return absl::OkStatus();
      return Failure(
          v1::ERROR_REASON_NOT_OWN_USER,
          fmt::format("'{}' may do this for the own user only, not for '{}'", caller.user, user),
          {{"user", user}});
    default:
      return Failure(v1::ERROR_REASON_ROLE_REQUIRED,
                     fmt::format("'{}' is no administrator; ask one", caller.user),
                     {{"role", "ROLE_ADMINISTRATOR"}});
  }
}

absl::Status Malformed(const google::protobuf::Descriptor& request) {
  return Failure(
      v1::ERROR_REASON_FIELD_INVALID,
      fmt::format("the request is no {}; encode it by the .proto files, with text in UTF-8",
                  request.full_name()));
}

grpc::Status AnswerOf(const ServiceContext& shared, const Method& method,
                      const absl::Status& status) {
  grpc::Status answer = ToGrpc(status, method.full_name);
  shared.probe.rpcs[method.index][static_cast<std::size_t>(answer.error_code())].Add();
  return answer;
}

ReplyBase::~ReplyBase() {
  if (reactor_ == nullptr) return;
  Finish(shared_->stopping.load() ? ServerStopping() : ServerOverloaded());
}

void ReplyBase::Finish(const absl::Status& status) {
  grpc::ServerUnaryReactor* reactor = std::exchange(reactor_, nullptr);
  if (reactor == nullptr) return;
  grpc::Status answer = AnswerOf(*shared_, *method_, status);
  shared_->replies.Post(
      [reactor, answer = std::move(answer)]() mutable { reactor->Finish(std::move(answer)); });
}

}  // namespace unipresence
