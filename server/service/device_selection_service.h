#ifndef UNIPRESENCE_SERVER_SERVICE_DEVICE_SELECTION_SERVICE_H_
#define UNIPRESENCE_SERVER_SERVICE_DEVICE_SELECTION_SERVICE_H_

// unipresence.v1.DeviceSelectionService. A choice is committed, then applied by the engine, then
// answered; the engine applies the choices of a user in the order of their commits.

#include "server/account/settings_commands.h"
#include "server/service/call.h"
#include "unipresence/v1/device_selection.grpc.pb.h"

namespace unipresence {

class DeviceSelectionService final
    : public ServiceBase<v1::DeviceSelectionService::CallbackService> {
 public:
  DeviceSelectionService(const ServiceContext& shared, SettingsCommands& settings)
      : shared_(shared), settings_(settings) {
    Handle(shared, &DeviceSelectionService::GetDeviceSelection,
           &DeviceSelectionService::SelectDevice);
  }

  grpc::ServerUnaryReactor* GetDeviceSelection(grpc::CallbackServerContext* context,
                                               const v1::GetDeviceSelectionRequest* request,
                                               v1::DeviceSelection* response) override;
  grpc::ServerUnaryReactor* SelectDevice(grpc::CallbackServerContext* context,
                                         const v1::SelectDeviceRequest* request,
                                         v1::DeviceSelection* response) override;

 private:
  const ServiceContext& shared_;
  SettingsCommands& settings_;
};

}  // namespace unipresence

#endif  // UNIPRESENCE_SERVER_SERVICE_DEVICE_SELECTION_SERVICE_H_
