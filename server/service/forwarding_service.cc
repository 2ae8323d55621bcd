#include "server/service/forwarding_service.h"

#include <string>
#include <utility>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "aggregator/base/status_macros.h"
#include "aggregator/base/strings.h"
#include "aggregator/pipeline/call_control.h"
#include "server/account/failure.h"
#include "server/service/forwarding_message.h"
#include "server/service/status.h"

namespace unipresence {
namespace {

// Answers with what is stored now, once it is in force.
SettingsCommands::Done AnswerWith(Reply<v1::Forwarding> reply) {
  return [reply = std::move(reply)](Core& core, absl::StatusOr<StoredUser> stored) mutable {
    if (!stored.ok()) return std::move(reply).Fail(stored.status());
    FillForwarding(*stored, reply.response());
    OkWhenWritten(core, stored->user.id, std::move(reply));
  };
}

using Checked = absl::AnyInvocable<void(absl::Status) &&>;

// Asks the PBX whether each of the destinations can be dialled in the user's context. `checked`
// gets DESTINATION_FORBIDDEN of the first that cannot. A PBX that cannot be asked now is no reason
// to refuse: its dialplan decides again with each call.
void CheckDestinations(CallControl& calls, std::string user, std::vector<std::string> destinations,
                       Checked checked) {
  if (destinations.empty()) return std::move(checked)(absl::OkStatus());
  const std::string destination = std::move(destinations.back());
  destinations.pop_back();
  calls.CheckDestination(
      user, destination,
      [&calls, user, destination, destinations = std::move(destinations),
       checked = std::move(checked)](const absl::Status& status) mutable {
        if (CallProblemOf(status) == CallProblem::kDestinationForbidden) {
          return std::move(checked)(Failure(v1::ERROR_REASON_DESTINATION_FORBIDDEN,
                                            FromAbsl(status.message()),
                                            {{"destination", destination}, {"user", user}}));
        }
        CheckDestinations(calls, std::move(user), std::move(destinations), std::move(checked));
      });
}

}  // namespace

grpc::ServerUnaryReactor* ForwardingService::GetForwarding(grpc::CallbackServerContext* context,
                                                           const v1::GetForwardingRequest* request,
                                                           v1::Forwarding* response) {
  using Call = UnaryCall<v1::GetForwardingRequest, v1::Forwarding>;
  return RunUnary(shared_, context, request, response, [this](Call call) {
    const std::string user = call.request.user().empty() ? call.caller.user : call.request.user();
    CallOrRefuse<StoredUser>(
        shared_.store, [user](Transaction& transaction) { return transaction.users.Get(user); },
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
  return RunUnary(shared_, context, request, response, [this](Call call) {
    const v1::Forwarding& forwarding = call.request.forwarding();
    absl::StatusOr<ForwardingUpdate> update = ForwardingUpdate::Parse(call.request);
    if (!update.ok()) return std::move(call.reply).Fail(update.status());
    const std::string user = forwarding.user().empty() ? call.caller.user : forwarding.user();
    std::vector<std::string> destinations = update->Destinations();
    SettingsCommands::Edit edit = [update = *std::move(update), etag = forwarding.etag()](
                                      const StoredUser& before, Forwardings& forwardings,
                                      bool& do_not_disturb) {
      UNIPRESENCE_RETURN_IF_ERROR(CheckForwardingEtag(before, etag));
      update.ApplyTo(forwardings, do_not_disturb);
      return absl::OkStatus();
    };
    CheckDestinations(*call.core.calls, user, std::move(destinations),
                      [this, user, edit = std::move(edit),
                       reply = std::move(call.reply)](const absl::Status& allowed) mutable {
                        if (!allowed.ok()) return std::move(reply).Fail(allowed);
                        settings_.ChangeForwarding(std::move(user), std::move(edit),
                                                   AnswerWith(std::move(reply)));
                      });
  });
}

grpc::ServerUnaryReactor* ForwardingService::SetDoNotDisturb(
    grpc::CallbackServerContext* context, const v1::SetDoNotDisturbRequest* request,
    v1::Forwarding* response) {
  using Call = UnaryCall<v1::SetDoNotDisturbRequest, v1::Forwarding>;
  return RunUnary(shared_, context, request, response, [this](Call call) {
    const v1::SetDoNotDisturbRequest& set = call.request;
    settings_.ChangeForwarding(
        set.user().empty() ? call.caller.user : set.user(),
        [on = set.do_not_disturb()](const StoredUser&, Forwardings&, bool& do_not_disturb) {
          do_not_disturb = on;
          return absl::OkStatus();
        },
        AnswerWith(std::move(call.reply)));
  });
}

}  // namespace unipresence
