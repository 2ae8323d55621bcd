#include "server/service/history_service.h"

namespace unipresence {
namespace {

constexpr std::string_view kNoHistory = "this server keeps no call history";

}  // namespace

grpc::ServerUnaryReactor* HistoryService::GetCallRecord(grpc::CallbackServerContext* context,
                                                        const v1::GetCallRecordRequest* request,
                                                        v1::CallRecord* response) {
  return NotYet(shared_, context, request, response, kNoHistory);
}

grpc::ServerUnaryReactor* HistoryService::ListCallRecords(grpc::CallbackServerContext* context,
                                                          const v1::ListCallRecordsRequest* request,
                                                          v1::ListCallRecordsResponse* response) {
  return NotYet(shared_, context, request, response, kNoHistory);
}

}  // namespace unipresence
