// calls --watch.

#include <fmt/format.h>

#include <chrono>
#include <memory>
#include <string>

#include "aggregator/base/strings.h"
#include "clients/cli/backoff.h"
#include "clients/cli/commands/commands.h"
#include "clients/cli/format_json.h"
#include "clients/cli/format_table.h"
#include "clients/cli/interrupt_source.h"
#include "clients/cli/stream_watchdog.h"
#include "unipresence/v1/call_control.grpc.pb.h"

namespace unipresence::cli {
namespace {

// CallControlService.WatchCalls: a response comes every 10 s; after 30 s of silence call again.
constexpr std::chrono::seconds kPatience{30};

class CallsWatcher {
 public:
  CallsWatcher(const CallsOptions& options, CommandContext& context) : context_(context) {
    request_.set_user(options.user);
  }

  // One stream, until it ends. Sets `heard` if something came. With `wait` a server that is away is
  // waited for.
  absl::Status WatchOnce(bool wait, bool& heard) {
    grpc::ClientContext rpc;
    context_.client().PrepareStream(rpc);
    rpc.set_wait_for_ready(wait);
    const Interrupt::Scope scope(context_.interrupt(), rpc);
    const auto stub = v1::CallControlService::NewStub(context_.client().channel());
    const auto stream = stub->WatchCalls(&rpc, request_);
    StreamWatchdog watchdog(rpc, kPatience);
    v1::WatchCallsResponse response;
    while (stream->Read(&response)) {
      heard = true;
      watchdog.Heard();
      Show(response);
      if (context_.out().closed()) rpc.TryCancel();
    }
    absl::Status status = client::FromGrpc(stream->Finish());
    if (watchdog.barked()) return absl::UnavailableError("nothing came from the server for 30 s");
    return status.ok() ? absl::UnavailableError("the server ended the stream") : status;
  }

  void Interrupted(const absl::Status& status) {
    shown_.clear();
    const std::string_view why = FromAbsl(status.message());
    if (context_.json()) {
      context_.out().Line(MarkerJson("DISCONNECTED", why));
    } else {
      context_.Remark(fmt::format("{}; trying again", why));
    }
  }

 private:
  // Signs of life repeat the list: shown once.
  void Show(const v1::WatchCallsResponse& response) {
    const std::string json = CallListJson(response);
    if (json == shown_) return;
    shown_ = json;
    if (context_.json()) return context_.out().Line(json);
    context_.out().Line(Heading(response));
    if (response.calls().empty()) return;
    Table table(context_.out(), CallHeader());
    for (const v1::Call& call : response.calls()) table.Row(CallRow(call));
  }

  static std::string Heading(const v1::WatchCallsResponse& response) {
    const std::string_view stale = response.stale() ? " (stale: a PBX is not heard)" : "";
    if (response.calls().empty()) return fmt::format("-- no calls{} --", stale);
    return fmt::format("-- {} {}{} --", response.calls_size(),
                       response.calls_size() == 1 ? "call" : "calls", stale);
  }

  CommandContext& context_;
  v1::WatchCallsRequest request_;
  std::string shown_;
};

}  // namespace

absl::Status RunCallsWatch(const CallsOptions& options, CommandContext& context) {
  const ClosedOutputInterrupt closed(context.out(), context.interrupt());
  CallsWatcher watcher(options, context);
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
