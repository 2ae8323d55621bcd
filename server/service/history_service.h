#ifndef UNIPRESENCE_SERVER_SERVICE_HISTORY_SERVICE_H_
#define UNIPRESENCE_SERVER_SERVICE_HISTORY_SERVICE_H_

// unipresence.v1.HistoryService, which this server registers and does not offer. Whoever is logged
// in is told so by UNIMPLEMENTED with a sentence, so that a client can tell "not here" from "no
// such thing".

#include "server/service/call.h"
#include "unipresence/v1/history.grpc.pb.h"

namespace unipresence {

class HistoryService final : public ServiceBase<v1::HistoryService::CallbackService> {
 public:
  explicit HistoryService(const ServiceContext& shared) : shared_(shared) {
    Handle(shared, &HistoryService::GetCallRecord, &HistoryService::ListCallRecords);
  }

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

#endif  // UNIPRESENCE_SERVER_SERVICE_HISTORY_SERVICE_H_
