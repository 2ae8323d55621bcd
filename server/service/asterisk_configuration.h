#ifndef UNIPRESENCE_SERVER_SERVICE_ASTERISK_CONFIGURATION_H_
#define UNIPRESENCE_SERVER_SERVICE_ASTERISK_CONFIGURATION_H_

// The configuration that Asterisk needs for the users, as rpcs of ProvisioningService.
//
//   gRPC -> pipeline: who asks, is there such a PBX -> store: its users -> worker: render -> gRPC
//
// Rendering a million users takes seconds, so it has a thread of its own, `configuration`.

#include <grpcpp/server_context.h>
#include <grpcpp/support/server_callback.h>

#include <functional>
#include <span>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "aggregator/base/text_file.h"
#include "aggregator/model/user.h"
#include "server/service/call.h"
#include "server/service/task_thread.h"
#include "unipresence/v1/provisioning.pb.h"

namespace unipresence {

// What knows Asterisk's spelling (aggregator/pbx/configuration.h).
using RenderConfigurationFunction = std::function<absl::StatusOr<std::vector<TextFile>>(
    std::string_view pbx, std::span<const User> users)>;

class AsteriskConfiguration {
 public:
  // `render` must be thread-safe; `shared` must outlive the object.
  AsteriskConfiguration(const ServiceContext& shared, RenderConfigurationFunction render)
      : shared_(shared), render_(std::move(render)) {}

  using RenderReactor = grpc::ServerWriteReactor<v1::RenderAsteriskConfigurationResponse>;
  // The rpc RenderAsteriskConfiguration. Thread: gRPC's.
  RenderReactor* Render(grpc::CallbackServerContext* context,
                        const v1::RenderAsteriskConfigurationRequest* request);

  // Ends the worker, after what is queued. Before the objects that it uses go.
  void Stop() { worker_.Stop(); }

 private:
  absl::StatusOr<std::vector<TextFile>> Files(const std::string& pbx,
                                              const std::vector<User>& users) const;

  const ServiceContext& shared_;
  const RenderConfigurationFunction render_;
  TaskThread worker_{"configuration"};
};

}  // namespace unipresence

#endif  // UNIPRESENCE_SERVER_SERVICE_ASTERISK_CONFIGURATION_H_
