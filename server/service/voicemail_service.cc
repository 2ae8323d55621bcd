#include "server/service/voicemail_service.h"

#include <fmt/format.h>

#include "aggregator/publish/codec.h"
#include "server/account/failure.h"
#include "server/service/status.h"

namespace unipresence {

grpc::ServerUnaryReactor* VoicemailService::GetMailbox(grpc::CallbackServerContext* context,
                                                       const v1::GetMailboxRequest* request,
                                                       v1::Mailbox* response) {
  using Call = UnaryCall<v1::GetMailboxRequest, v1::Mailbox>;
  return RunUnary(shared_, context, request, response, [](Call call) {
    const std::string& user = call.request.user().empty() ? call.caller.user : call.request.user();
    if (!call.core.presences.Read(user, [](const PresenceSource::Entry&) {})) {
      return std::move(call.reply).Fail(UserNotFound(user));
    }
    if (!call.core.mailboxes.Read(user, [&](const Mailbox& mailbox) {
          publish::ToProto(mailbox, call.reply.response());
        })) {
      return std::move(call.reply)
          .Fail(Failure(v1::ERROR_REASON_MAILBOX_NOT_FOUND,
                        fmt::format("'{}' has no voicemail box; show none", user),
                        {{"user", user}}));
    }
    std::move(call.reply).Ok();
  });
}

}  // namespace unipresence
