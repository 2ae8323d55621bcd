#include "server/service/forwarding_service.h"

#include "server/service/status.h"

namespace unipresence {

grpc::ServerUnaryReactor* ForwardingService::GetForwarding(grpc::CallbackServerContext* context,
                                                           const v1::GetForwardingRequest* request,
                                                           v1::Forwarding* response) {
  using Call = UnaryCall<v1::GetForwardingRequest, v1::Forwarding>;
  return RunUnary(shared_, Method::kGetForwarding, context, request, response, [](Call call) {
    const std::string& user = call.request.user().empty() ? call.caller.user : call.request.user();
    v1::Forwarding& out = call.reply.response();
    out.set_user(user);
    if (!call.core.engine.Read(user, [&](const PresenceSource::Entry& entry) {
          out.set_do_not_disturb(entry.presence.do_not_disturb);
        })) {
      return std::move(call.reply).Fail(UserNotFound(user));
    }
    std::move(call.reply).Ok();
  });
}

grpc::ServerUnaryReactor* ForwardingService::UpdateForwarding(
    grpc::CallbackServerContext* context, const v1::UpdateForwardingRequest* request,
    v1::Forwarding* response) {
  return NotYet(shared_, Method::kUpdateForwarding, context, request, response,
                "this server keeps no forwardings; SetDoNotDisturb works");
}

grpc::ServerUnaryReactor* ForwardingService::SetDoNotDisturb(
    grpc::CallbackServerContext* context, const v1::SetDoNotDisturbRequest* request,
    v1::Forwarding* response) {
  using Call = UnaryCall<v1::SetDoNotDisturbRequest, v1::Forwarding>;
  return RunUnary(shared_, Method::kSetDoNotDisturb, context, request, response, [this](Call call) {
    const std::string user = call.request.user().empty() ? call.caller.user : call.request.user();
    const bool on = call.request.do_not_disturb();
    shared_.store.Submit(
        [user, on](Store& store) { return store.SetDoNotDisturb(user, on); },
        [this, user, on, reply = std::move(call.reply)](const absl::Status& stored) mutable {
          if (!stored.ok()) return std::move(reply).Fail(FromStore(stored, user));
          PostDurable(shared_, [user, on, reply = std::move(reply)](Core& core) mutable {
            if (!core.engine.SetDoNotDisturb(user, on).ok()) {
              return std::move(reply).Fail(UserNotFound(user));
            }
            reply.response().set_user(user);
            reply.response().set_do_not_disturb(on);
            std::move(reply).Ok();
          });
        });
  });
}

}  // namespace unipresence
