#include "server/service/call_control_service.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <string>
#include <utility>

#include "aggregator/base/strings.h"
#include "aggregator/model/forwarding.h"
#include "server/account/failure.h"
#include "server/service/convert.h"
#include "server/service/page.h"
#include "server/service/status.h"

namespace unipresence {
namespace {

using Empty = google::protobuf::Empty;

template <typename Call>
std::string OwnerOf(const Call& call) {
  return call.request.user().empty() ? call.caller.user : call.request.user();
}

absl::Status CheckNumber(std::string_view destination) {
  const absl::Status valid = ValidateDestination(destination);
  if (valid.ok()) return valid;
  return Failure(v1::ERROR_REASON_DESTINATION_INVALID, FromAbsl(valid.message()),
                 {{"destination", destination}});
}

absl::Status CheckCallId(std::string_view call) {
  return call.empty() ? FieldRequired("call", "give the id of a call, see ListCalls")
                      : absl::OkStatus();
}

absl::Status CheckRequestId(std::string_view id) {
  const bool valid = id.size() >= 8 && id.size() <= 64 &&
                     std::all_of(id.begin(), id.end(),
                                 [](unsigned char c) { return std::isalnum(c) != 0 || c == '-'; });
  if (id.empty() || valid) return absl::OkStatus();
  return FieldInvalid("request_id", id, "8 to 64 of the characters A-Z a-z 0-9 -, or nothing");
}

// Answers a command without a result.
auto Answer(const std::string& user, Reply<Empty> reply) {
  return [user, reply = std::move(reply)](const absl::Status& status) mutable {
    if (!status.ok()) return std::move(reply).Fail(FromCalls(status, user));
    std::move(reply).Ok();
  };
}

// Where a call stands in the list, which is sorted so. A page begins behind the last one's place.
std::string PlaceOf(const LiveCall& call) {
  return fmt::format("{:020}{}", call.start_time, call.id);
}

}  // namespace

grpc::ServerUnaryReactor* CallControlService::ListCalls(grpc::CallbackServerContext* context,
                                                        const v1::ListCallsRequest* request,
                                                        v1::ListCallsResponse* response) {
  using Call = UnaryCall<v1::ListCallsRequest, v1::ListCallsResponse>;
  return RunUnary(shared_, context, request, response, [](Call call) {
    const std::string user = OwnerOf(call);
    const std::string parameters = ParametersOf(call.request);
    const absl::StatusOr<std::size_t> size = PageSize(call.request.page_size());
    const absl::StatusOr<std::string> after =
        ParsePageToken(MethodOf<v1::ListCallsRequest>(), parameters, call.request.page_token());
    const absl::Status status = size.ok() ? after.status() : size.status();
    if (!status.ok()) return std::move(call.reply).Fail(status);
    const absl::StatusOr<LiveCalls> live = call.core.calls->List(user);
    if (!live.ok()) return std::move(call.reply).Fail(FromCalls(live.status(), user));
    v1::ListCallsResponse& out = call.reply.response();
    std::string last;
    for (const LiveCall& one : live->calls) {
      if (!after->empty() && PlaceOf(one) <= *after) continue;
      if (static_cast<std::size_t>(out.calls_size()) == *size) {
        out.set_next_page_token(MakePageToken(MethodOf<v1::ListCallsRequest>(), parameters, last));
        break;
      }
      FillCall(call.core, user, one, *out.add_calls());
      last = PlaceOf(one);
    }
    std::move(call.reply).Ok();
  });
}

grpc::ServerWriteReactor<v1::WatchCallsResponse>* CallControlService::WatchCalls(
    grpc::CallbackServerContext* context, const v1::WatchCallsRequest* request) {
  return streams_.Watch(context, KeyOf(*context), *request);
}

grpc::ServerUnaryReactor* CallControlService::PlaceCall(grpc::CallbackServerContext* context,
                                                        const v1::PlaceCallRequest* request,
                                                        v1::Call* response) {
  using Call = UnaryCall<v1::PlaceCallRequest, v1::Call>;
  return RunUnary(shared_, context, request, response, [](Call call) {
    const std::string user = OwnerOf(call);
    absl::Status status = CheckNumber(call.request.destination());
    if (status.ok()) status = CheckRequestId(call.request.request_id());
    if (!status.ok()) return std::move(call.reply).Fail(status);
    Core& core = call.core;
    core.calls->Place(
        {.user = user,
         .destination = call.request.destination(),
         .request_id = call.request.request_id()},
        [&core, user, reply = std::move(call.reply)](absl::StatusOr<LiveCall> placed) mutable {
          if (!placed.ok()) return std::move(reply).Fail(FromCalls(placed.status(), user));
          FillCall(core, user, *placed, reply.response());
          std::move(reply).Ok();
        });
  });
}

grpc::ServerUnaryReactor* CallControlService::HangUpCall(grpc::CallbackServerContext* context,
                                                         const v1::HangUpCallRequest* request,
                                                         Empty* response) {
  using Call = UnaryCall<v1::HangUpCallRequest, Empty>;
  return RunUnary(shared_, context, request, response, [](Call call) {
    const std::string user = OwnerOf(call);
    absl::Status status = CheckCallId(call.request.call());
    if (!status.ok()) return std::move(call.reply).Fail(status);
    call.core.calls->HangUp(user, call.request.call(), Answer(user, std::move(call.reply)));
  });
}

grpc::ServerUnaryReactor* CallControlService::TransferCall(grpc::CallbackServerContext* context,
                                                           const v1::TransferCallRequest* request,
                                                           Empty* response) {
  using Call = UnaryCall<v1::TransferCallRequest, Empty>;
  return RunUnary(shared_, context, request, response, [](Call call) {
    const std::string user = OwnerOf(call);
    absl::Status status = CheckCallId(call.request.call());
    if (status.ok()) status = CheckNumber(call.request.destination());
    if (!status.ok()) return std::move(call.reply).Fail(status);
    call.core.calls->Transfer(user, call.request.call(), call.request.destination(),
                              Answer(user, std::move(call.reply)));
  });
}

grpc::ServerUnaryReactor* CallControlService::StartAttendedTransfer(
    grpc::CallbackServerContext* context, const v1::StartAttendedTransferRequest* request,
    v1::StartAttendedTransferResponse* response) {
  using Call = UnaryCall<v1::StartAttendedTransferRequest, v1::StartAttendedTransferResponse>;
  return RunUnary(shared_, context, request, response, [](Call call) {
    const std::string user = OwnerOf(call);
    absl::Status status = CheckCallId(call.request.call());
    if (status.ok()) status = CheckNumber(call.request.destination());
    if (!status.ok()) return std::move(call.reply).Fail(status);
    Core& core = call.core;
    core.calls->StartAttendedTransfer(
        user, call.request.call(), call.request.destination(),
        [&core, user,
         reply = std::move(call.reply)](absl::StatusOr<AttendedTransfer> begun) mutable {
          if (!begun.ok()) return std::move(reply).Fail(FromCalls(begun.status(), user));
          FillCall(core, user, begun->call, *reply.response().mutable_call());
          FillCall(core, user, begun->consultation, *reply.response().mutable_consultation());
          std::move(reply).Ok();
        });
  });
}

grpc::ServerUnaryReactor* CallControlService::CompleteAttendedTransfer(
    grpc::CallbackServerContext* context, const v1::CompleteAttendedTransferRequest* request,
    Empty* response) {
  using Call = UnaryCall<v1::CompleteAttendedTransferRequest, Empty>;
  return RunUnary(shared_, context, request, response, [](Call call) {
    const std::string user = OwnerOf(call);
    absl::Status status = CheckCallId(call.request.call());
    if (!status.ok()) return std::move(call.reply).Fail(status);
    call.core.calls->CompleteAttendedTransfer(user, call.request.call(),
                                              Answer(user, std::move(call.reply)));
  });
}

grpc::ServerUnaryReactor* CallControlService::CancelAttendedTransfer(
    grpc::CallbackServerContext* context, const v1::CancelAttendedTransferRequest* request,
    v1::Call* response) {
  using Call = UnaryCall<v1::CancelAttendedTransferRequest, v1::Call>;
  return RunUnary(shared_, context, request, response, [](Call call) {
    const std::string user = OwnerOf(call);
    absl::Status status = CheckCallId(call.request.call());
    if (!status.ok()) return std::move(call.reply).Fail(status);
    Core& core = call.core;
    core.calls->CancelAttendedTransfer(
        user, call.request.call(),
        [&core, user, reply = std::move(call.reply)](absl::StatusOr<LiveCall> back) mutable {
          if (!back.ok()) return std::move(reply).Fail(FromCalls(back.status(), user));
          FillCall(core, user, *back, reply.response());
          std::move(reply).Ok();
        });
  });
}

}  // namespace unipresence
