// calls, call, hangup, transfer.

#include <fmt/format.h>
#include <sys/random.h>

#include <array>
#include <cstdint>
#include <string>

#include "aggregator/base/status_macros.h"
#include "clients/cli/commands/commands.h"
#include "clients/cli/commands/pages.h"
#include "clients/cli/commands/results.h"
#include "clients/cli/format_json.h"
#include "clients/cli/format_table.h"
#include "clients/cli/words.h"
#include "unipresence/v1/call_control.grpc.pb.h"

namespace unipresence::cli {
namespace {

using Stub = v1::CallControlService::Stub;

// 128 random bits.
absl::StatusOr<std::string> NewRequestId() {
  std::array<std::uint64_t, 2> bits{};
  if (getrandom(bits.data(), sizeof(bits), 0) != sizeof(bits)) {
    return absl::InternalError("the system gives no random numbers; give --request-id");
  }
  return fmt::format("{:016x}{:016x}", bits[0], bits[1]);
}

template <typename Request>
Request About(const std::string& user, const std::string& call) {
  Request request;
  request.set_user(user);
  request.set_call(call);
  return request;
}

absl::Status TransferBlind(const TransferOptions& options, CommandContext& context) {
  auto request = About<v1::TransferCallRequest>(options.user, options.call);
  request.set_destination(options.number);
  UNIPRESENCE_RETURN_IF_ERROR(context.Call(&Stub::TransferCall, request).status());
  context.Print(DoneJson("TRANSFERRED", "call", options.call),
                fmt::format("{}: transferred to {}", Shown(options.call), Shown(options.number)));
  return absl::OkStatus();
}

absl::Status BeginTransfer(const TransferOptions& options, CommandContext& context) {
  auto request = About<v1::StartAttendedTransferRequest>(options.user, options.call);
  request.set_destination(options.number);
  UNIPRESENCE_ASSIGN_OR_RETURN(const v1::StartAttendedTransferResponse begun,
                               context.Call(&Stub::StartAttendedTransfer, request));
  context.Print(
      ConsultationJson(begun),
      fmt::format("{}: on hold; {} is called. Then: unipresence transfer {} --complete, "
                  "or --cancel",
                  Shown(PartyText(begun.call().other_party())),
                  Shown(PartyText(begun.consultation().other_party())), Shown(options.call)));
  return absl::OkStatus();
}

absl::Status CompleteTransfer(const TransferOptions& options, CommandContext& context) {
  const auto request = About<v1::CompleteAttendedTransferRequest>(options.user, options.call);
  UNIPRESENCE_RETURN_IF_ERROR(context.Call(&Stub::CompleteAttendedTransfer, request).status());
  context.Print(DoneJson("TRANSFERRED", "call", options.call),
                fmt::format("{}: the two others are connected", Shown(options.call)));
  return absl::OkStatus();
}

absl::Status CancelTransfer(const TransferOptions& options, CommandContext& context) {
  const auto request = About<v1::CancelAttendedTransferRequest>(options.user, options.call);
  UNIPRESENCE_ASSIGN_OR_RETURN(const v1::Call call,
                               context.Call(&Stub::CancelAttendedTransfer, request));
  context.Print(CallJson(call), fmt::format("{}: back with {}", Shown(call.id()),
                                            Shown(PartyText(call.other_party()))));
  return absl::OkStatus();
}

}  // namespace

absl::Status RunCommand(const CallsOptions& options, CommandContext& context) {
  UNIPRESENCE_RETURN_IF_ERROR(context.Connect());
  if (options.watch) return RunCallsWatch(options, context);
  v1::ListCallsRequest request;
  request.set_user(options.user);
  const TimeView view = context.times();
  Results<v1::Call> results(
      context, CallColumns(view), [&](const v1::Call& call) { return CallRow(call, view); },
      &CallJson);
  UNIPRESENCE_RETURN_IF_ERROR(
      ForEachPage(context, &Stub::ListCalls, request, [&](const v1::ListCallsResponse& page) {
        for (const v1::Call& call : page.calls()) results.Write(call);
      }));
  results.Finish();
  return absl::OkStatus();
}

absl::Status RunCommand(const CallOptions& options, CommandContext& context) {
  UNIPRESENCE_RETURN_IF_ERROR(context.Connect());
  v1::PlaceCallRequest request;
  request.set_user(options.user);
  request.set_destination(options.number);
  request.set_request_id(options.request_id);
  if (options.request_id.empty()) {
    UNIPRESENCE_ASSIGN_OR_RETURN(*request.mutable_request_id(), NewRequestId());
  }
  UNIPRESENCE_ASSIGN_OR_RETURN(const v1::Call call, context.Call(&Stub::PlaceCall, request));
  context.Print(CallJson(call),
                fmt::format("{}: {} rings; pick it up to call {}", Shown(call.id()),
                            Shown(call.device()), Shown(PartyText(call.other_party()))));
  return absl::OkStatus();
}

absl::Status RunCommand(const HangUpOptions& options, CommandContext& context) {
  UNIPRESENCE_RETURN_IF_ERROR(context.Connect());
  const auto request = About<v1::HangUpCallRequest>(options.user, options.call);
  UNIPRESENCE_RETURN_IF_ERROR(context.Call(&Stub::HangUpCall, request).status());
  context.Print(DoneJson("HUNG_UP", "call", options.call),
                fmt::format("{}: hung up", Shown(options.call)));
  return absl::OkStatus();
}

absl::Status RunCommand(const TransferOptions& options, CommandContext& context) {
  UNIPRESENCE_RETURN_IF_ERROR(context.Connect());
  switch (options.step) {
    case TransferOptions::Step::kBlind:
      return TransferBlind(options, context);
    case TransferOptions::Step::kAttended:
      return BeginTransfer(options, context);
    case TransferOptions::Step::kComplete:
      return CompleteTransfer(options, context);
    case TransferOptions::Step::kCancel:
      return CancelTransfer(options, context);
  }
  __builtin_unreachable();
}

}  // namespace unipresence::cli
