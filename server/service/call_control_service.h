#ifndef UNIPRESENCE_SERVER_SERVICE_CALL_CONTROL_SERVICE_H_
#define UNIPRESENCE_SERVER_SERVICE_CALL_CONTROL_SERVICE_H_

// unipresence.v1.CallControlService: checks what is asked and hands it to CallControl, which knows
// and commands the PBXs. Nothing is stored.

#include "server/service/call.h"
#include "server/streaming/call_streams.h"
#include "unipresence/v1/call_control.grpc.pb.h"

namespace unipresence {

class CallControlService final : public ServiceBase<v1::CallControlService::CallbackService> {
 public:
  // Both must outlive the service.
  CallControlService(const ServiceContext& shared, CallStreams& streams)
      : shared_(shared), streams_(streams) {
    Handle(shared, &CallControlService::ListCalls, &CallControlService::WatchCalls,
           &CallControlService::PlaceCall, &CallControlService::HangUpCall,
           &CallControlService::TransferCall, &CallControlService::StartAttendedTransfer,
           &CallControlService::CompleteAttendedTransfer,
           &CallControlService::CancelAttendedTransfer);
  }

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
  CallStreams& streams_;
};

}  // namespace unipresence

#endif  // UNIPRESENCE_SERVER_SERVICE_CALL_CONTROL_SERVICE_H_
