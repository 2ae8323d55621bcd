#ifndef UNIPRESENCE_SERVER_SERVICE_FORWARDING_SERVICE_H_
#define UNIPRESENCE_SERVER_SERVICE_FORWARDING_SERVICE_H_

// unipresence.v1.ForwardingService. What a phone changes goes the same way (settings_commands.h).

#include "server/account/settings_commands.h"
#include "server/service/call.h"
#include "unipresence/v1/forwarding.grpc.pb.h"

namespace unipresence {

class ForwardingService final : public ServiceBase<v1::ForwardingService::CallbackService> {
 public:
  ForwardingService(const ServiceContext& shared, SettingsCommands& settings)
      : shared_(shared), settings_(settings) {
    Handle(shared, &ForwardingService::GetForwarding, &ForwardingService::UpdateForwarding,
           &ForwardingService::SetDoNotDisturb);
  }

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
  SettingsCommands& settings_;
};

}  // namespace unipresence

#endif  // UNIPRESENCE_SERVER_SERVICE_FORWARDING_SERVICE_H_
