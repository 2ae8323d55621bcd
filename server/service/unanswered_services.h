#ifndef UNIPRESENCE_SERVER_SERVICE_UNANSWERED_SERVICES_H_
#define UNIPRESENCE_SERVER_SERVICE_UNANSWERED_SERVICES_H_

// Services of the API that this server registers and does not offer: call control, history,
// voicemail. Whoever is logged in is told so by UNIMPLEMENTED with a sentence, so that a client can
// tell "not here" from "no such thing".

#include "server/service/call.h"
#include "unipresence/v1/call_control.grpc.pb.h"
#include "unipresence/v1/history.grpc.pb.h"

namespace unipresence {

class CallControlService final : public v1::CallControlService::CallbackService {
 public:
  explicit CallControlService(const ServiceContext& shared) : shared_(shared) {}

  grpc::ServerUnaryReactor* ListCalls(grpc::CallbackServerContext* context,
                                      const v1::ListCallsRequest* request,
                                      v1::ListCallsResponse* response) override;
  grpc::ServerWriteReactor<v1::WatchCallsResponse>* WatchCalls(
      grpc::CallbackServerContext* context, const v1::WatchCallsRequest* request) override;
  grpc::ServerUnaryReactor* PlaceCall(grpc::CallbackServerContext* context,
                                      const v1::PlaceCallRequest* request,
                                      v1::Call* response) override;
  grpc::ServerUnaryReactor* HangUpCall(grpc::CallbackServerContext* context,
                                       const v1::HangUpCallRequest* request,
                                       google::protobuf::Empty* response) override;
  grpc::ServerUnaryReactor* TransferCall(grpc::CallbackServerContext* context,
                                         const v1::TransferCallRequest* request,
                                         google::protobuf::Empty* response) override;
  grpc::ServerUnaryReactor* StartAttendedTransfer(
      grpc::CallbackServerContext* context, const v1::StartAttendedTransferRequest* request,
      v1::StartAttendedTransferResponse* response) override;
  grpc::ServerUnaryReactor* CompleteAttendedTransfer(
      grpc::CallbackServerContext* context, const v1::CompleteAttendedTransferRequest* request,
      google::protobuf::Empty* response) override;
  grpc::ServerUnaryReactor* CancelAttendedTransfer(grpc::CallbackServerContext* context,
                                                   const v1::CancelAttendedTransferRequest* request,
                                                   v1::Call* response) override;

 private:
  const ServiceContext& shared_;
};

class HistoryService final : public v1::HistoryService::CallbackService {
 public:
  explicit HistoryService(const ServiceContext& shared) : shared_(shared) {}

  grpc::ServerUnaryReactor* GetCallRecord(grpc::CallbackServerContext* context,
                                          const v1::GetCallRecordRequest* request,
                                          v1::CallRecord* response) override;
  grpc::ServerUnaryReactor* ListCallRecords(grpc::CallbackServerContext* context,
                                            const v1::ListCallRecordsRequest* request,
                                            v1::ListCallRecordsResponse* response) override;

 private:
  const ServiceContext& shared_;
};

}  // namespace unipresence

#endif  // UNIPRESENCE_SERVER_SERVICE_UNANSWERED_SERVICES_H_
