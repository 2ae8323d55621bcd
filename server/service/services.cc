#include "server/service/services.h"

#include <utility>

#include <spdlog/spdlog.h>

#include "aggregator/base/strings.h"
#include "aggregator/base/task_thread.h"
#include "server/account/apply_user.h"
#include "server/account/login.h"
#include "server/account/session_keeper.h"
#include "server/account/settings_commands.h"
#include "server/service/administration_service.h"
#include "server/service/call.h"
#include "server/service/call_control_service.h"
#include "server/service/device_selection_service.h"
#include "server/service/forwarding_service.h"
#include "server/service/history_service.h"
#include "server/service/presence_service.h"
#include "server/service/provisioning_service.h"
#include "server/service/session_service.h"
#include "server/service/voicemail_service.h"
#include "server/streaming/call_streams.h"
#include "server/streaming/hold_streams.h"
#include "server/streaming/stream_limit.h"
#include "server/streaming/watch_feed.h"
#include "server/streaming/watch_hub.h"

namespace unipresence {

// In the order in which they depend on each other.
struct Services::Parts {
  Parts(ServiceOptions options, ServicePorts ports)
      : sessions(ports.store, ports.executor, probe,
                 [this](std::string id) {
                   hub.EndSession(id);
                   calls.EndSession(id);
                   holds.EndSession(std::move(id));
                 }),
        shared{ports.executor, ports.store, ports.clock, sessions, replies, probe, stopping},
        limit(options.watch.max_streams),
        feed(options.watch, sessions, std::move(ports.want_batches),
             std::move(ports.want_mailboxes)),
        hub(options.watch, shared, feed, limit, watch),
        holds(options.watch, shared, limit, watch),
        calls(options.watch, shared, limit, watch),
        throttle(options.throttle),
        login(shared, ports.hasher, throttle, std::move(ports.when_hashed)),
        settings(shared),
        presence(shared, hub),
        session(shared, login, holds),
        device_selection(shared, settings),
        configuration(shared, std::move(ports.configuration)),
        provisioning(shared, ports.hasher, configuration),
        administration(shared, std::move(options.version), health, ports.publish_probe),
        forwarding(shared, settings),
        call_control(shared, calls),
        history(shared),
        voicemail(shared) {
    watch.SetIdleWork(options.watch.tick, [this] {
      holds.Tick();
      calls.Tick();
      return hub.Work();
    });
  }

  ServiceProbe probe;
  std::atomic<bool> stopping{false};
  HealthFlags health;
  TaskThread replies{"reply"};
  TaskThread watch{"watch"};
  SessionKeeper sessions;
  ServiceContext shared;
  StreamLimit limit;
  WatchFeed feed;
  WatchHub hub;
  HoldStreams holds;
  CallStreams calls;
  auth::LoginThrottle throttle;
  LoginDesk login;
  SettingsCommands settings;

  PresenceService presence;
  SessionService session;
  DeviceSelectionService device_selection;
  AsteriskConfiguration configuration;
  ProvisioningService provisioning;
  AdministrationService administration;
  ForwardingService forwarding;
  CallControlService call_control;
  HistoryService history;
  VoicemailService voicemail;
};

Services::Services(ServiceOptions options, ServicePorts ports)
    : parts_(std::make_unique<Parts>(std::move(options), std::move(ports))) {}

Services::~Services() {
  BeginStop();
  // The threads run tasks that use the parts declared behind them.
  parts_->configuration.Stop();
  parts_->watch.Stop();
  parts_->replies.Stop();
}

void Services::RegisterOn(grpc::ServerBuilder& builder) {
  for (grpc::Service* service : std::initializer_list<grpc::Service*>{
           &parts_->presence, &parts_->session, &parts_->device_selection, &parts_->provisioning,
           &parts_->administration, &parts_->forwarding, &parts_->call_control, &parts_->history,
           &parts_->voicemail}) {
    builder.RegisterService(service);
  }
}

publish::BatchSink& Services::batch_sink() { return parts_->hub; }

void Services::LoadSessions(Core& core, std::span<const StoredSession> sessions) {
  parts_->sessions.Load(core, sessions);
}

void Services::AdoptPhoneSetting(Core& core, PhoneSetting setting,
                                 absl::AnyInvocable<void(absl::Status) &&> done) {
  parts_->settings.Adopt(core, std::move(setting), std::move(done));
}

void Services::ApplyStored(StoredUser user, bool ends_sessions) {
  PostDurable(parts_->shared, [this, user = std::move(user), ends_sessions](Core& core) {
    const absl::Status status = ApplyUser(core, parts_->sessions, user, ends_sessions);
    if (!status.ok()) spdlog::error("user {}: {}", user.user.id, FromAbsl(status.message()));
  });
}

void Services::ExpireSessions(Core& core) { parts_->sessions.Expire(core); }

void Services::SetReadiness(bool ready, bool store_writable) {
  parts_->health.ready.store(ready);
  parts_->health.store_writable.store(store_writable);
}

void Services::BeginStop() {
  if (parts_->stopping.exchange(true)) return;
  parts_->hub.Stop();
  parts_->holds.Stop();
  parts_->calls.Stop();
  // They take minutes on a large PBX. If the queue is full the client waits that long.
  parts_->shared.executor.Post([](Core& core) {
    if (core.pbx_control != nullptr) core.pbx_control->AbandonReconciles();
  });
}

const ServiceProbe& Services::probe() const { return parts_->probe; }

}  // namespace unipresence
