#ifndef UNIPRESENCE_SERVER_ACCOUNT_ASTERISK_CONFIGURATION_H_
#define UNIPRESENCE_SERVER_ACCOUNT_ASTERISK_CONFIGURATION_H_

// The configuration that Asterisk needs for the users, as rpcs of ProvisioningService.
//
//   gRPC -> pipeline: who asks, is there such a PBX -> store: its users -> worker: render, compare
//   -> pipeline: are names taken -> worker: write -> pipeline: reload, is this what Asterisk holds,
//   list what is new -> worker: answer, or put the former files back
//
// Files that are as they should be are looked for in Asterisk all the same: it may never have
// loaded them, or could not do so again.
//
// Rendering a million users takes seconds, disks block and a reload is waited for, so all that is
// on a thread of its own, `configuration`: one request after the other.

#include <grpcpp/server_context.h>
#include <grpcpp/support/server_callback.h>

#include <functional>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "aggregator/base/task_thread.h"
#include "aggregator/base/text_file.h"
#include "aggregator/model/rendered_configuration.h"
#include "aggregator/model/user.h"
#include "server/service/call.h"
#include "unipresence/v1/provisioning.pb.h"

namespace unipresence {

// What the server says of the PBXs' configuration.
struct ConfigurationPorts {
  // All know Asterisk's spelling (aggregator/pbx/configuration.h) and are thread-safe.
  std::function<RenderedConfiguration(std::string_view pbx, std::span<const User> users)> render;
  std::function<FormerConfiguration(std::span<const FileState> files)> read_former;
  std::function<std::string(std::string_view line)> mask_secret;
  // By PBX: where the files are written. No entry: nowhere.
  std::map<std::string, std::string> folders;
};

class AsteriskConfiguration {
 public:
  // `shared` must outlive the object.
  AsteriskConfiguration(const ServiceContext& shared, ConfigurationPorts ports)
      : shared_(shared), ports_(std::move(ports)) {}

  using RenderReactor = grpc::ServerWriteReactor<v1::RenderAsteriskConfigurationResponse>;
  // The rpcs. Thread: gRPC's.
  RenderReactor* Render(grpc::CallbackServerContext* context,
                        const v1::RenderAsteriskConfigurationRequest* request);
  grpc::ServerUnaryReactor* Apply(grpc::CallbackServerContext* context,
                                  const v1::ApplyAsteriskConfigurationRequest* request,
                                  v1::ApplyAsteriskConfigurationResponse* response);

  // Ends the worker, after what is queued; once the pipeline has stopped. Before the objects that
  // it uses go.
  void Stop() { worker_.Stop(); }

 private:
  // Thread of these: the worker's.
  absl::Status ApplyNow(const v1::ApplyAsteriskConfigurationRequest& request,
                        const std::vector<User>& users,
                        v1::ApplyAsteriskConfigurationResponse& response);
  void Compare(const std::vector<FileState>& before, const std::vector<TextFile>& after,
               v1::ApplyAsteriskConfigurationResponse& response) const;
  // The failure that `why` is for the client, with the former files in force again.
  absl::Status PutBack(const std::string& pbx, const std::string& folder,
                       const std::vector<FileState>& formers, const absl::Status& why);
  // FAILED_PRECONDITION: CONFIGURATION_CONFLICT, or CONFIGURATION_REFUSED where Asterisk cannot
  // read its own files. UNAVAILABLE: PBX_UNAVAILABLE.
  absl::Status CheckNames(const std::string& pbx, const ConfiguredNames& next,
                          const std::vector<FileState>& formers);
  // UNAVAILABLE: PBX_UNAVAILABLE.
  absl::Status CheckLink(const std::string& pbx);
  // For files that are as they should be.
  absl::Status LoadUnchanged(const std::string& pbx, ExpectedConfiguration expected);
  // Runs PbxControl::Load and waits for it.
  absl::Status Load(const std::string& pbx, ExpectedConfiguration expected);
  // Runs a command on the pipeline and waits until it answers.
  using Answer = PbxControl::LoadCallback;
  absl::Status OnPipeline(absl::AnyInvocable<void(Core&, Answer) &&> command);

  const ServiceContext& shared_;
  const ConfigurationPorts ports_;
  TaskThread worker_{"configuration"};
};

}  // namespace unipresence

#endif  // UNIPRESENCE_SERVER_ACCOUNT_ASTERISK_CONFIGURATION_H_
