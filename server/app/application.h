#ifndef UNIPRESENCE_SERVER_APP_APPLICATION_H_
#define UNIPRESENCE_SERVER_APP_APPLICATION_H_

// The whole server as one object: constructed in the order of the data's flow, stopped in reverse.
//
//   UNIPRESENCE_ASSIGN_OR_RETURN(auto application, Application::Start(config));
//   ... wait for a signal, calling application->OnSecond() about once a second ...
//   application->Stop();
//
// Thread: the main thread, for every method.

#include <atomic>
#include <functional>
#include <memory>
#include <stop_token>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "aggregator/base/clock.h"
#include "aggregator/pipeline/pipeline.h"
#include "server/app/password_backlog.h"
#include "server/app/reloader.h"
#include "server/app/store_log.h"
#include "server/app/users_reading.h"
#include "server/app/users_sync.h"
#include "server/auth/password_hasher.h"
#include "server/config/config_loader.h"
#include "server/metrics/metrics_server.h"
#include "server/metrics/probe_collector.h"
#include "server/metrics/readiness.h"
#include "server/service/grpc_server.h"
#include "server/service/services.h"
#include "server/storage/store.h"

namespace unipresence {

// Where the server listens, ports filled in.
struct Endpoints {
  std::string grpc;
  std::string publish;
  std::string snapshot;
  std::string metrics;
};

class Application {
 public:
  // Opens the store, seeds it from the users file, loads the users, connects to the PBXs and
  // listens. Any status of these steps, with what to do about it; nothing is left running then.
  // `source` reads the configuration again, for a reload.
  using ConfigSource = std::function<absl::StatusOr<config::Config>()>;
  static absl::StatusOr<std::unique_ptr<Application>> Start(config::Config config,
                                                            ConfigSource source,
                                                            const Clock& clock = Clock::System());
  ~Application();
  Application(const Application&) = delete;
  Application& operator=(const Application&) = delete;

  // Checks now and then that the store takes writes, and goes on with what is left for later.
  void OnSecond();

  // Reads the configuration and the users file again, on a thread of its own, and takes what can be
  // taken while the server runs, with a log line for each change. If something of it is wrong
  // nothing is changed.
  void RequestReload() { reloader_->Request(); }

  // Ends a reload where it is, the RPCs, then the pipeline, then the store. Idempotent.
  void Stop();

  const Endpoints& endpoints() const { return endpoints_; }
  const Readiness& readiness() const { return readiness_; }

 private:
  Application(config::Config config, const Clock& clock);

  absl::Status OpenStore();
  absl::Status SeedUsers();
  // The users file as it has to be taken now. INVALID_ARGUMENT, the codes of a read, or CANCELLED:
  // Stop was called.
  absl::StatusOr<UsersReading> ReadUsers(const config::Config& config);
  void MakeParts();
  absl::Status StartPipeline();
  // The pipeline's thread.
  void OnLinkChanged(const PbxStatus& pbx);
  absl::Status Load(Core& core);
  absl::Status Listen();
  void HashPasswords();
  void PasswordsDone(std::uint64_t reading);
  void WarnIfNobodyAdministers();
  void CheckStore();

  // The reloader's thread; application_reload.cc.
  void Reload(absl::StatusOr<config::Config> next);
  // Runs the command on the pipeline and waits; false if the pipeline stops.
  bool OnPipeline(const std::function<void(Core&)>& command);
  // INVALID_ARGUMENT: it cannot be connected; then `before`, if any, is back.
  absl::Status SetPbx(const config::PbxConfig& pbx, const config::PbxConfig* before);
  void ReloadUsers(UsersReading reading, const config::Config& config);

  std::stop_source stop_;
  config::Config config_;  // in force; once the server listens the reloader's
  const Clock& clock_;
  Readiness readiness_;
  auth::PasswordHasher hasher_;
  StoreLog store_log_;
  std::unique_ptr<Store> store_;
  std::unique_ptr<Pipeline> pipeline_;
  std::unique_ptr<Services> services_;
  std::vector<PasswordTask> passwords_at_start_;
  std::unique_ptr<PasswordBacklog> passwords_;
  std::unique_ptr<GrpcServer> grpc_server_;
  std::atomic<bool> store_writable_{true};
  ProbeCollector collector_;
  std::unique_ptr<MetricsServer> metrics_server_;
  Endpoints endpoints_;
  int seconds_to_store_check_ = 0;
  std::unique_ptr<Reloader> reloader_;  // last: it uses the others
};

}  // namespace unipresence

#endif  // UNIPRESENCE_SERVER_APP_APPLICATION_H_
