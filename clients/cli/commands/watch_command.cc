// watch, by gRPC.

#include <memory>
#include <string_view>

#include "aggregator/base/status_macros.h"
#include "clients/cli/commands/commands.h"
#include "clients/cli/commands/watch_loop.h"
#include "clients/cli/commands/watch_writer.h"
#include "unipresence/v1/presence.grpc.pb.h"

namespace unipresence::cli {
namespace {

class Watcher {
 public:
  using Response = v1::WatchPresencesResponse;

  Watcher(const WatchOptions& options, CommandContext& context)
      : context_(context),
        directory_(context),
        writer_(context, context.json() ? nullptr : &directory_, options.all_changes) {
    if (!context.json() && options.users.empty()) directory_.ReadAll();
    request_.mutable_users()->Add(options.users.begin(), options.users.end());
    request_.set_include_mailboxes(options.mailboxes);
  }

  std::unique_ptr<grpc::ClientReader<Response>> Open(grpc::ClientContext& rpc) {
    const auto stub = v1::PresenceService::NewStub(context_.client().channel());
    return stub->WatchPresences(&rpc, request_);
  }

  void Apply(const Response& response) {
    if (response.event() == v1::WATCH_EVENT_RESET) writer_.Reset();
    for (const v1::PresenceUpdate& update : response.updates()) writer_.Update(update);
    for (const v1::Mailbox& mailbox : response.mailboxes()) writer_.Mailbox(mailbox);
    if (response.event() == v1::WATCH_EVENT_CURRENT) writer_.Current();
    if (!response.resume_token().empty()) request_.set_resume_token(response.resume_token());
  }

  void Interrupted(std::string_view why) { writer_.Interrupted("DISCONNECTED", why); }

 private:
  CommandContext& context_;
  Directory directory_;
  WatchWriter writer_;
  v1::WatchPresencesRequest request_;  // with the last token, so that a new stream goes on
};

}  // namespace

absl::Status RunCommand(const WatchOptions& options, CommandContext& context) {
  if (!options.zeromq_publish.empty()) return RunZeromqWatch(options, context);
  UNIPRESENCE_RETURN_IF_ERROR(context.Connect());
  Watcher watcher(options, context);
  return KeepWatching(watcher, context, options.reconnect);
}

}  // namespace unipresence::cli
