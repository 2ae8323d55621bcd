#ifndef UNIPRESENCE_SERVER_SERVICE_ADMINISTRATION_SERVICE_H_
#define UNIPRESENCE_SERVER_SERVICE_ADMINISTRATION_SERVICE_H_

// unipresence.v1.AdministrationService: what the server and its links to the PBXs are doing.

#include <atomic>
#include <string>

#include "aggregator/publish/publish_probe.h"
#include "server/account/user_counter.h"
#include "server/service/call.h"
#include "unipresence/v1/administration.grpc.pb.h"

namespace unipresence {

// What the application says of its health. Thread-safe.
struct HealthFlags {
  std::atomic<bool> ready{false};
  std::atomic<bool> store_writable{false};
};

class AdministrationService final : public ServiceBase<v1::AdministrationService::CallbackService> {
 public:
  // All must outlive the service.
  AdministrationService(const ServiceContext& shared, std::string version,
                        const HealthFlags& readiness, const publish::PublishProbe& publish_probe);

  grpc::ServerUnaryReactor* GetServerStatus(grpc::CallbackServerContext* context,
                                            const v1::GetServerStatusRequest* request,
                                            v1::ServerStatus* response) override;
  grpc::ServerUnaryReactor* GetPbx(grpc::CallbackServerContext* context,
                                   const v1::GetPbxRequest* request, v1::Pbx* response) override;
  grpc::ServerUnaryReactor* ListPbxs(grpc::CallbackServerContext* context,
                                     const v1::ListPbxsRequest* request,
                                     v1::ListPbxsResponse* response) override;
  grpc::ServerUnaryReactor* ReconcilePbx(grpc::CallbackServerContext* context,
                                         const v1::ReconcilePbxRequest* request,
                                         v1::ReconcilePbxResponse* response) override;

 private:
  void FillStatus(const Core& core, std::uint64_t stale_users, v1::ServerStatus& out) const;

  const ServiceContext& shared_;
  const std::string version_;
  const HealthFlags& readiness_;
  const publish::PublishProbe& publish_probe_;
  UserCounter counter_;  // the pipeline's
  const MonotonicTime start_;
  const WallTimeMicros start_time_;
};

}  // namespace unipresence

#endif  // UNIPRESENCE_SERVER_SERVICE_ADMINISTRATION_SERVICE_H_
