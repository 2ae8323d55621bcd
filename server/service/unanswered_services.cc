#include "server/service/unanswered_services.h"

#include "server/service/unanswered_stream.h"

namespace unipresence {
namespace {

constexpr std::string_view kNoCalls =
    "this server does not control calls; use the phone, or the browser for its own line";
constexpr std::string_view kNoHistory = "this server keeps no call history";

}  // namespace

grpc::ServerUnaryReactor* CallControlService::ListCalls(grpc::CallbackServerContext* context,
                                                        const v1::ListCallsRequest* request,
                                                        v1::ListCallsResponse* response) {
  return NotYet(shared_, Method::kListCalls, context, request, response, kNoCalls);
}

grpc::ServerWriteReactor<v1::WatchCallsResponse>* CallControlService::WatchCalls(
    grpc::CallbackServerContext* context, const v1::WatchCallsRequest*) {
  return NotYetStream<grpc::ServerWriteReactor<v1::WatchCallsResponse>>(
      shared_, Method::kWatchCalls, *context, kNoCalls);
}

grpc::ServerUnaryReactor* CallControlService::PlaceCall(grpc::CallbackServerContext* context,
                                                        const v1::PlaceCallRequest* request,
                                                        v1::Call* response) {
  return NotYet(shared_, Method::kPlaceCall, context, request, response, kNoCalls);
}

grpc::ServerUnaryReactor* CallControlService::HangUpCall(grpc::CallbackServerContext* context,
                                                         const v1::HangUpCallRequest* request,
                                                         google::protobuf::Empty* response) {
  return NotYet(shared_, Method::kHangUpCall, context, request, response, kNoCalls);
}

grpc::ServerUnaryReactor* CallControlService::TransferCall(grpc::CallbackServerContext* context,
                                                           const v1::TransferCallRequest* request,
                                                           google::protobuf::Empty* response) {
  return NotYet(shared_, Method::kTransferCall, context, request, response, kNoCalls);
}

grpc::ServerUnaryReactor* CallControlService::StartAttendedTransfer(
    grpc::CallbackServerContext* context, const v1::StartAttendedTransferRequest* request,
    v1::StartAttendedTransferResponse* response) {
  return NotYet(shared_, Method::kStartAttendedTransfer, context, request, response, kNoCalls);
}

grpc::ServerUnaryReactor* CallControlService::CompleteAttendedTransfer(
    grpc::CallbackServerContext* context, const v1::CompleteAttendedTransferRequest* request,
    google::protobuf::Empty* response) {
  return NotYet(shared_, Method::kCompleteAttendedTransfer, context, request, response, kNoCalls);
}

grpc::ServerUnaryReactor* CallControlService::CancelAttendedTransfer(
    grpc::CallbackServerContext* context, const v1::CancelAttendedTransferRequest* request,
    v1::Call* response) {
  return NotYet(shared_, Method::kCancelAttendedTransfer, context, request, response, kNoCalls);
}

grpc::ServerUnaryReactor* HistoryService::GetCallRecord(grpc::CallbackServerContext* context,
                                                        const v1::GetCallRecordRequest* request,
                                                        v1::CallRecord* response) {
  return NotYet(shared_, Method::kGetCallRecord, context, request, response, kNoHistory);
}

grpc::ServerUnaryReactor* HistoryService::ListCallRecords(grpc::CallbackServerContext* context,
                                                          const v1::ListCallRecordsRequest* request,
                                                          v1::ListCallRecordsResponse* response) {
  return NotYet(shared_, Method::kListCallRecords, context, request, response, kNoHistory);
}

}  // namespace unipresence
