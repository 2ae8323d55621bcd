// calls --watch.

#include <fmt/format.h>

#include <memory>
#include <string>
#include <string_view>

#include "clients/cli/commands/commands.h"
#include "clients/cli/commands/watch_loop.h"
#include "clients/cli/format_json.h"
#include "clients/cli/format_table.h"
#include "unipresence/v1/call_control.grpc.pb.h"

namespace unipresence::cli {
namespace {

class CallsWatcher {
 public:
  using Response = v1::WatchCallsResponse;

  CallsWatcher(const CallsOptions& options, CommandContext& context) : context_(context) {
    request_.set_user(options.user);
  }

  std::unique_ptr<grpc::ClientReader<Response>> Open(grpc::ClientContext& rpc) {
    const auto stub = v1::CallControlService::NewStub(context_.client().channel());
    return stub->WatchCalls(&rpc, request_);
  }

  // Signs of life repeat the list: shown once.
  void Apply(const Response& response) {
    const std::string json = CallListJson(response);
    if (json == shown_) return;
    shown_ = json;
    if (context_.json()) return context_.out().Line(json);
    context_.out().Line(Heading(response));
    if (response.calls().empty()) return;
    const TimeView view = context_.times();
    Table table(context_.out(), CallColumns(view));
    for (const v1::Call& call : response.calls()) table.Row(CallRow(call, view));
  }

  void Interrupted(std::string_view why) {
    shown_.clear();
    if (context_.json()) {
      context_.out().Line(MarkerJson("DISCONNECTED", why));
    } else {
      context_.Remark(fmt::format("{}; trying again", why));
    }
  }

 private:
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
  CallsWatcher watcher(options, context);
  return KeepWatching(watcher, context, options.reconnect);
}

}  // namespace unipresence::cli
