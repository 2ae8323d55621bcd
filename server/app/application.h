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
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "aggregator/base/clock.h"
#include "server/app/pipeline.h"
#include "server/auth/password_hasher.h"
#include "server/config/config.h"
#include "server/metrics/metrics_server.h"
#include "server/metrics/probe_collector.h"
#include "server/metrics/readiness.h"
#include "server/service/grpc_server.h"
#include "server/service/services.h"
#include "server/storage/sqlite_store.h"
#include "server/storage/store_thread.h"

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
  static absl::StatusOr<std::unique_ptr<Application>> Start(const config::Config& config,
                                                            const Clock& clock = Clock::System());
  ~Application();
  Application(const Application&) = delete;
  Application& operator=(const Application&) = delete;

  // Checks now and then that the store takes writes.
  void OnSecond();

  // Ends the RPCs, then the pipeline, then the store. Idempotent.
  void Stop();

  const Endpoints& endpoints() const { return endpoints_; }
  const Readiness& readiness() const { return readiness_; }

  // The parts that count something, for RegisterMetrics.
  const config::Config& config() const { return config_; }
  const Pipeline& pipeline() const { return *pipeline_; }
  const StoreThread& store_thread() const { return *store_thread_; }
  const Services& services() const { return *services_; }
  const auth::PasswordHasher& hasher() const { return hasher_; }

 private:
  Application(const config::Config& config, const Clock& clock);

  absl::Status OpenStore();
  absl::Status SeedUsers();
  absl::Status StartPipeline();
  absl::Status Load(Core& core);
  absl::Status Listen();
  void CheckStore();

  const config::Config config_;
  const Clock& clock_;
  Readiness readiness_;
  auth::PasswordHasher hasher_;
  std::unique_ptr<SqliteStore> store_;
  std::unique_ptr<StoreThread> store_thread_;
  std::unique_ptr<Pipeline> pipeline_;
  std::unique_ptr<Services> services_;
  std::unique_ptr<GrpcServer> grpc_server_;
  std::atomic<bool> store_writable_{true};
  ProbeCollector collector_;
  std::unique_ptr<MetricsServer> metrics_server_;
  Endpoints endpoints_;
  int seconds_to_store_check_ = 0;
};

}  // namespace unipresence

#endif  // UNIPRESENCE_SERVER_APP_APPLICATION_H_
