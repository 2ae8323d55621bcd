// watch, by gRPC.

#include <chrono>
#include <memory>
#include <string>

#include "aggregator/base/status_macros.h"
#include "aggregator/base/strings.h"
#include "clients/cli/backoff.h"
#include "clients/cli/commands/commands.h"
#include "clients/cli/commands/watch_writer.h"
#include "clients/cli/interrupt_source.h"
#include "clients/cli/stream_watchdog.h"
#include "unipresence/v1/presence.grpc.pb.h"

namespace unipresence::cli {
namespace {

// PresenceService.WatchPresences: a response comes every 10 s; after 30 s of silence call again.
constexpr std::chrono::seconds kPatience{30};

class Watcher {
 public:
  Watcher(const WatchOptions& options, CommandContext& context)
      : context_(context), writer_(context) {
    request_.mutable_users()->Add(options.users.begin(), options.users.end());
    request_.set_include_mailboxes(options.mailboxes);
  }

  // One stream, until it ends. Sets `heard` if something came. With `wait` a server that is away is
  // waited for: gRPC 1.51 drives a connection only while a call waits for it.
  absl::Status WatchOnce(bool wait, bool& heard) {
    grpc::ClientContext rpc;
    context_.client().PrepareStream(rpc);
    rpc.set_wait_for_ready(wait);
    const Interrupt::Scope scope(context_.interrupt(), rpc);
    const auto stub = v1::PresenceService::NewStub(context_.client().channel());
    const auto stream = stub->WatchPresences(&rpc, request_);
    StreamWatchdog watchdog(rpc, kPatience);
    v1::WatchPresencesResponse response;
    while (stream->Read(&response)) {
      heard = true;
      watchdog.Heard();
      Apply(response);
      if (context_.out().closed()) rpc.TryCancel();
    }
    absl::Status status = client::FromGrpc(stream->Finish());
    if (watchdog.barked()) return absl::UnavailableError("nothing came from the server for 30 s");
    return status.ok() ? absl::UnavailableError("the server ended the stream") : status;
  }

  void Interrupted(const absl::Status& status) {
    writer_.Interrupted("DISCONNECTED", FromAbsl(status.message()));
  }

 private:
  void Apply(const v1::WatchPresencesResponse& response) {
    if (response.event() == v1::WATCH_EVENT_RESET) writer_.Reset();
    for (const v1::PresenceUpdate& update : response.updates()) writer_.Update(update);
    for (const v1::Mailbox& mailbox : response.mailboxes()) writer_.Mailbox(mailbox);
    if (response.event() == v1::WATCH_EVENT_CURRENT) writer_.Current();
    if (!response.resume_token().empty()) request_.set_resume_token(response.resume_token());
  }

  CommandContext& context_;
  WatchWriter writer_;
  v1::WatchPresencesRequest request_;  // with the last token, so that a new stream goes on
};

}  // namespace

absl::Status RunCommand(const WatchOptions& options, CommandContext& context) {
  if (!options.zeromq_publish.empty()) return RunZeromqWatch(options, context);
  UNIPRESENCE_RETURN_IF_ERROR(context.Connect());
  const ClosedOutputInterrupt closed(context.out(), context.interrupt());
  Watcher watcher(options, context);
  Backoff backoff;
  bool was_connected = false;
  while (!context.interrupt().raised()) {
    bool heard = false;
    const absl::Status status = watcher.WatchOnce(was_connected, heard);
    if (context.interrupt().raised() || context.out().closed()) break;
    was_connected |= heard;
    // A server that was never reached is more likely a wrong address than a lost connection.
    if (EndsTheSameAgain(status) || !options.reconnect || !was_connected) return status;
    // Told once until something comes again.
    if (heard) {
      backoff.Reset();
      watcher.Interrupted(status);
    }
    context.interrupt().WaitFor(backoff.Next());
  }
  return absl::OkStatus();
}

}  // namespace unipresence::cli
