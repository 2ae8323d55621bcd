#ifndef UNIPRESENCE_SERVER_SERVICE_SERVICES_H_
#define UNIPRESENCE_SERVER_SERVICE_SERVICES_H_

// The gRPC side of the server: every service of unipresence.v1, reflection, grpc.health.v1, and the
// hub of the watch streams.
//
//   Services services(options, {.executor = pipeline, .store = *store, .hasher = hasher,
//                               .clock = clock,
//                               .want_batches = [&](bool on) { publisher.SetBatchWanted(on); }});
//   ... as hooks of the pipeline: batch_sink(), AdoptPhoneSetting, OnTick
//   ... on the pipeline thread, after the users are loaded:
//   services.LoadSessions(core, stored_sessions);            // those that survived a restart
//   UNIPRESENCE_ASSIGN_OR_RETURN(auto server, GrpcServer::Start({.listen = address}, services));
//   server->SetServing(...);                                 // grpc_server.h
//
// Durable first: a command that changes something is committed by the store, then applied by the
// feed of changes, then answered. No reactor blocks: the parts of a command run on the thread that
// owns what they touch, and the answer is handed to gRPC by the `reply` thread.
//
// Stop in this order: Services::BeginStop, GrpcServer::Stop, then the pipeline and the store, then
// destroy the services.
//
// Thread-safe, except where a method says otherwise.

#include <grpcpp/server_builder.h>

#include <cstddef>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "absl/status/status.h"
#include "aggregator/base/clock.h"
#include "aggregator/model/phone_setting.h"
#include "aggregator/pipeline/executor.h"
#include "aggregator/publish/batch.h"
#include "aggregator/publish/publish_probe.h"
#include "server/account/asterisk_configuration.h"
#include "server/account/change_feed.h"
#include "server/auth/login_throttle.h"
#include "server/auth/password_hasher.h"
#include "server/service/service_probe.h"
#include "server/storage/store.h"
#include "server/streaming/watch_options.h"

namespace unipresence {

struct ServiceOptions {
  std::string version;  // of the server, for GetServerStatus
  auth::LoginThrottle::Options throttle;
  WatchOptions watch;
};

// All must outlive the services.
struct ServicePorts {
  Executor& executor;
  Store& store;
  auth::PasswordHasher& hasher;
  const Clock& clock;
  // Called on the pipeline thread: are batches wanted from now on?
  std::function<void(bool)> want_batches;
  // The same of changes of voicemail boxes.
  std::function<void(bool)> want_mailboxes;
  ConfigurationPorts configuration;
  // Calls the function once the password of that user of a users file is hashed, at once where it
  // does not wait to be (server/app/password_backlog.h).
  std::function<void(const std::string& user, absl::AnyInvocable<void() &&>)> when_hashed;
  // For GetServerStatus.
  const publish::PublishProbe& publish_probe;
};

class Services {
 public:
  Services(ServiceOptions options, ServicePorts ports);
  ~Services();
  Services(const Services&) = delete;
  Services& operator=(const Services&) = delete;

  // Every service, and the limits of messages; not the address. For GrpcServer.
  void RegisterOn(grpc::ServerBuilder& builder);

  // The pipeline, for what must not get lost because its queue is full, in the order in which it
  // is posted; what the services post goes by it as well (account/sure_executor.h).
  Executor& executor();

  // What the store commits from now on, on its way into the engine, whoever commits it.
  ChangeFeed& changes();

  // Where the publisher's batches go.
  publish::BatchSink& batch_sink();

  // Thread: the pipeline's. Makes sessions that the store kept live again, each with a full
  // time-to-live. Those of unknown users are forgotten. Once, after the users are loaded.
  void LoadSessions(Core& core, std::span<const StoredSession> sessions);
  // Thread: the pipeline's, here and in `done`. Takes over a change that was made from a phone:
  // durable in the store, then in the engine. `done` gets OK when the engine goes by it, or
  //   NOT_FOUND            no such user; it will never succeed
  //   FAILED_PRECONDITION  no such line; it will never succeed
  //   INVALID_ARGUMENT     no such destination; it will never succeed
  //   UNAVAILABLE          retry later
  // After a failure the PBX follows a value that does not hold: have it told the user's routing
  // again. `done` is destroyed uncalled if the server stops before.
  void AdoptPhoneSetting(Core& core, PhoneSetting setting,
                         absl::AnyInvocable<void(absl::Status) &&> done);
  // Thread: the pipeline's, some times a second. Ends the sessions whose time is over: their users
  // fall back, their streams end, the store forgets them. Offers the pipeline again what it had no
  // room for.
  void OnTick(Core& core);

  // What GetServerStatus says of readiness; GrpcServer::SetServing sets it.
  void SetReadiness(bool ready, bool store_writable);

  // Ends every stream and answers new calls with SERVER_STOPPING. Returns at once.
  void BeginStop();

  const ServiceProbe& probe() const;

 private:
  struct Parts;
  std::unique_ptr<Parts> parts_;
};

}  // namespace unipresence

#endif  // UNIPRESENCE_SERVER_SERVICE_SERVICES_H_
