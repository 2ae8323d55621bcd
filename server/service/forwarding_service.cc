#include "server/service/forwarding_service.h"

#include <utility>

#include "aggregator/base/status_macros.h"
#include "server/service/forwarding_message.h"
#include "server/service/status.h"

namespace unipresence {
namespace {

// Answers with what is stored now, once it is in force.
SettingsCommands::Done AnswerWith(Reply<v1::Forwarding> reply) {
  return [reply = std::move(reply)](Core& core, absl::StatusOr<StoredUser> stored) mutable {
    if (!stored.ok()) return std::move(reply).Fail(stored.status());
    FillForwarding(*stored, reply.response());
    OkWhenTold(core, stored->user.id, std::move(reply));
  };
}

}  // namespace

grpc::ServerUnaryReactor* ForwardingService::GetForwarding(grpc::CallbackServerContext* context,
                                                           const v1::GetForwardingRequest* request,
                                                           v1::Forwarding* response) {
  using Call = UnaryCall<v1::GetForwardingRequest, v1::Forwarding>;
  return RunUnary(shared_, Method::kGetForwarding, context, request, response, [this](Call call) {
    const std::string user = call.request.user().empty() ? call.caller.user : call.request.user();
    shared_.store.Call<StoredUser>(
        [user](Store& store) { return store.GetUser(user); },
        [user, reply = std::move(call.reply)](absl::StatusOr<StoredUser> stored) mutable {
          if (!stored.ok()) return std::move(reply).Fail(FromStore(stored.status(), user));
          FillForwarding(*stored, reply.response());
          std::move(reply).Ok();
        });
  });
}

grpc::ServerUnaryReactor* ForwardingService::UpdateForwarding(
    grpc::CallbackServerContext* context, const v1::UpdateForwardingRequest* request,
    v1::Forwarding* response) {
  using Call = UnaryCall<v1::UpdateForwardingRequest, v1::Forwarding>;
  return RunUnary(
      shared_, Method::kUpdateForwarding, context, request, response, [this](Call call) {
        const v1::Forwarding& forwarding = call.request.forwarding();
        absl::StatusOr<ForwardingUpdate> update = ForwardingUpdate::Parse(call.request);
        if (!update.ok()) return std::move(call.reply).Fail(update.status());
        settings_.ChangeForwarding(
            call.core, forwarding.user().empty() ? call.caller.user : forwarding.user(),
            [update = *std::move(update), etag = forwarding.etag()](
                const StoredUser& before, Forwardings& forwardings, bool& do_not_disturb) {
              UNIPRESENCE_RETURN_IF_ERROR(CheckForwardingEtag(before, etag));
              update.ApplyTo(forwardings, do_not_disturb);
              return absl::OkStatus();
            },
            AnswerWith(std::move(call.reply)));
      });
}

grpc::ServerUnaryReactor* ForwardingService::SetDoNotDisturb(
    grpc::CallbackServerContext* context, const v1::SetDoNotDisturbRequest* request,
    v1::Forwarding* response) {
  using Call = UnaryCall<v1::SetDoNotDisturbRequest, v1::Forwarding>;
  return RunUnary(shared_, Method::kSetDoNotDisturb, context, request, response, [this](Call call) {
    const v1::SetDoNotDisturbRequest& set = call.request;
    settings_.ChangeForwarding(
        call.core, set.user().empty() ? call.caller.user : set.user(),
        [on = set.do_not_disturb()](const StoredUser&, Forwardings&, bool& do_not_disturb) {
          do_not_disturb = on;
          return absl::OkStatus();
        },
        AnswerWith(std::move(call.reply)));
  });
}

}  // namespace unipresence
