#ifndef UNIPRESENCE_SERVER_SERVICE_FORWARDING_SERVICE_H_
#define UNIPRESENCE_SERVER_SERVICE_FORWARDING_SERVICE_H_

// unipresence.v1.ForwardingService: do-not-disturb. UpdateForwarding is not offered: nothing keeps
// forwardings.

#include "server/service/call.h"
#include "unipresence/v1/forwarding.grpc.pb.h"

namespace unipresence {

class ForwardingService final : public v1::ForwardingService::CallbackService {
 public:
  explicit ForwardingService(const ServiceContext& shared) : shared_(shared) {}

  grpc::ServerUnaryReactor* GetForwarding(grpc::CallbackServerContext* context,
                                          const v1::GetForwardingRequest* request,
                                          v1::Forwarding* response) override;
  grpc::ServerUnaryReactor* UpdateForwarding(grpc::CallbackServerContext* context,
                                             const v1::UpdateForwardingRequest* request,
                                             v1::Forwarding* response) override;
  grpc::ServerUnaryReactor* SetDoNotDisturb(grpc::CallbackServerContext* context,
                                            const v1::SetDoNotDisturbRequest* request,
                                            v1::Forwarding* response) override;

 private:
  const ServiceContext& shared_;
};

}  // namespace unipresence

#endif  // UNIPRESENCE_SERVER_SERVICE_FORWARDING_SERVICE_H_
