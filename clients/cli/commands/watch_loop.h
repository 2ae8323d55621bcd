#ifndef UNIPRESENCE_CLIENTS_CLI_COMMANDS_WATCH_LOOP_H_
#define UNIPRESENCE_CLIENTS_CLI_COMMANDS_WATCH_LOOP_H_

// Keeps a stream of the server open until the user ends the command: whichever way it ends, the
// next one is opened after a delay.
//
// A Watcher is what the streams differ in:
//   using Response = ...;
//   std::unique_ptr<grpc::ClientReader<Response>> Open(grpc::ClientContext& rpc);
//   void Apply(const Response& response);
//   void Interrupted(std::string_view why);   // told once until something comes again

#include <grpcpp/client_context.h>

#include <chrono>

#include "absl/status/status.h"
#include "aggregator/base/strings.h"
#include "clients/cli/backoff.h"
#include "clients/cli/command_context.h"
#include "clients/cli/interrupt_source.h"
#include "clients/cli/stream_watchdog.h"
#include "clients/cpp/message_text.h"

namespace unipresence::cli {

// A response comes every 10 s; after 30 s of silence call again (PresenceService.WatchPresences,
// CallControlService.WatchCalls).
inline constexpr std::chrono::seconds kStreamPatience{30};

// One stream, until it ends; never OK. Sets `heard` if something came. With `wait` a server that is
// away is waited for: gRPC 1.51 drives a connection only while a call waits for it.
template <typename Watcher>
absl::Status WatchOnce(Watcher& watcher, CommandContext& context, bool wait, bool& heard) {
  grpc::ClientContext rpc;
  context.client().PrepareStream(rpc);
  rpc.set_wait_for_ready(wait);
  const Interrupt::Scope scope(context.interrupt(), rpc);
  const auto stream = watcher.Open(rpc);
  StreamWatchdog watchdog(rpc, kStreamPatience);
  typename Watcher::Response response;
  client::MessageReader reader(*stream);
  while (reader.Read(response)) {
    heard = true;
    watchdog.Kick();
    watcher.Apply(response);
    if (context.out().closed()) rpc.TryCancel();
  }
  if (reader.unreadable()) rpc.TryCancel();
  absl::Status status = client::FromGrpc(stream->Finish());
  if (reader.unreadable()) return client::UnreadableError();
  if (watchdog.barked()) return absl::UnavailableError("nothing came from the server for 30 s");
  return status.ok() ? absl::UnavailableError("the server ended the stream") : status;
}

// Until the command is interrupted, its output is closed, or another attempt would end the same.
// Without `reconnect` the first end is the last. OK when the user ended it.
template <typename Watcher>
absl::Status KeepWatching(Watcher& watcher, CommandContext& context, bool reconnect) {
  const ClosedOutputInterrupt closed(context.out(), context.interrupt());
  Backoff backoff;
  bool was_connected = false;
  while (!context.interrupt().raised()) {
    bool heard = false;
    const absl::Status status = WatchOnce(watcher, context, was_connected, heard);
    if (context.interrupt().raised() || context.out().closed()) break;
    was_connected |= heard;
    // A server that was never reached is more likely a wrong address than a lost connection.
    if (EndsTheSameAgain(status) || !reconnect || !was_connected) return status;
    if (heard) {
      backoff.Reset();
      watcher.Interrupted(FromAbsl(status.message()));
    }
    context.interrupt().WaitFor(backoff.Next());
  }
  return absl::OkStatus();
}

}  // namespace unipresence::cli

#endif  // UNIPRESENCE_CLIENTS_CLI_COMMANDS_WATCH_LOOP_H_
