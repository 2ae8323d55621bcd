#include "server/service/services.h"

#include <utility>

#include "aggregator/base/status_macros.h"
#include "aggregator/base/task_thread.h"
#include "server/account/account_context.h"
#include "server/account/change_feed.h"
#include "server/account/login.h"
#include "server/account/session_keeper.h"
#include "server/account/settings_commands.h"
#include "server/account/stored_leases.h"
#include "server/account/sure_executor.h"
#include "server/account/user_commands.h"
#include "server/service/administration_service.h"
#include "server/service/call.h"
#include "server/service/call_control_service.h"
#include "server/service/convert.h"
#include "server/service/device_selection_service.h"
#include "server/service/forwarding_service.h"
#include "server/service/history_service.h"
#include "server/service/presence_service.h"
#include "server/service/provisioning_service.h"
#include "server/service/session_service.h"
#include "server/service/status.h"
#include "server/service/voicemail_service.h"
#include "server/streaming/call_streams.h"
#include "server/streaming/hold_streams.h"
#include "server/streaming/stream_context.h"
#include "server/streaming/watch_hub.h"
#include "server/streaming/watch_source.h"

namespace unipresence {

namespace {

// What the streams of one rpc ask of the sessions. With `hold` a stream keeps its session alive.
StreamAccess AccessFor(const ServiceContext& shared, const Method& method,
                       std::size_t max_per_session, bool hold) {
  SessionKeeper& sessions = shared.sessions;
  return {
      .admit = [&sessions, &method](Core& core, const SessionKey& key,
                                    std::string_view user) -> absl::StatusOr<Caller> {
        UNIPRESENCE_ASSIGN_OR_RETURN(Caller caller, sessions.Authenticate(core, key));
        UNIPRESENCE_RETURN_IF_ERROR(Authorize(method, caller, user));
        return caller;
      },
      .open =
          [&sessions, max_per_session, hold](Core& core, const Caller& caller) {
            return sessions.OpenStream(core, caller, max_per_session, hold);
          },
      .close = [&sessions, hold](
                   Core& core, const Caller& caller) { sessions.CloseStream(core, caller, hold); },
      .answer = [&shared,
                 &method](const absl::Status& end) { return AnswerOf(shared, method, end); }};
}

HoldStreams::Touch TouchOf(SessionKeeper& sessions) {
  return [&sessions](Core& core, const SessionKey& key) -> absl::StatusOr<v1::Session> {
    UNIPRESENCE_ASSIGN_OR_RETURN(const Caller caller, sessions.Authenticate(core, key));
    v1::Session session;
    FillSession(core, sessions, *sessions.Find(caller.session), session);
    return session;
  };
}

absl::Status ReadCalls(Core& core, const std::string& user, v1::WatchCallsResponse& out) {
  const absl::StatusOr<LiveCalls> live = core.calls->List(user);
  if (!live.ok()) return FromCalls(live.status(), user);
  for (const LiveCall& call : live->calls) FillCall(core, user, call, *out.add_calls());
  out.set_stale(live->stale);
  return absl::OkStatus();
}

}  // namespace

// In the order of what they need: what all share, the accounts, the streams, the rpcs.
struct Services::Parts {
  Parts(ServiceOptions options, ServicePorts ports)
      : executor(ports.executor),
        leases(ports.store, executor),
        sessions(leases, probe.account,
                 [this](std::string id) {
                   hub.EndSession(id);
                   calls.EndSession(id);
                   holds.EndSession(std::move(id));
                 }),
        feed(ports.store, executor, sessions),
        shared{ports.executor, ports.store, ports.clock, sessions, replies, probe, stopping},
        account{executor, ports.store, feed, ports.clock, sessions, probe.account},
        throttle(options.throttle),
        login(account, ports.hasher, throttle, std::move(ports.when_hashed)),
        settings(account),
        users(account),
        configuration(account, std::move(ports.configuration)),
        limit(options.watch.max_streams),
        streams{options.watch, executor, ports.clock, watch, limit, probe.streams},
        source(options.watch, Access(MethodOf<v1::WatchPresencesRequest>(), /*hold=*/true),
               std::move(ports.want_batches), std::move(ports.want_mailboxes)),
        hub(streams, source),
        holds(streams, Access(MethodOf<v1::HoldSessionRequest>(), /*hold=*/false),
              TouchOf(sessions)),
        calls(streams, Access(MethodOf<v1::WatchCallsRequest>(), /*hold=*/true), &ReadCalls),
        presence(shared, hub, options.watch.max_users),
        session(shared, login, holds),
        device_selection(shared, settings),
        provisioning(shared, ports.hasher, users, configuration),
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

  StreamAccess Access(const Method& method, bool hold) const {
    return AccessFor(shared, method, streams.options.max_streams_per_session, hold);
  }

  ServiceProbe probe;
  std::atomic<bool> stopping{false};
  HealthFlags health;
  TaskThread replies{"reply"};
  TaskThread watch{"watch"};
  SureExecutor executor;
  StoredLeases leases;
  SessionKeeper sessions;
  ChangeFeed feed;
  ServiceContext shared;

  AccountContext account;
  auth::LoginThrottle throttle;
  LoginFlow login;
  SettingsCommands settings;
  UserCommands users;
  AsteriskConfiguration configuration;

  StreamLimit limit;
  StreamContext streams;
  WatchSource source;
  WatchHub hub;
  HoldStreams holds;
  CallStreams calls;

  PresenceService presence;
  SessionService session;
  DeviceSelectionService device_selection;
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

Executor& Services::executor() { return parts_->executor; }

ChangeFeed& Services::changes() { return parts_->feed; }

publish::BatchSink& Services::batch_sink() { return parts_->hub; }

void Services::LoadSessions(Core& core, std::span<const StoredSession> sessions) {
  parts_->sessions.Load(core, sessions);
}

void Services::AdoptPhoneSetting(Core&, PhoneSetting setting,
                                 absl::AnyInvocable<void(absl::Status) &&> done) {
  parts_->settings.Adopt(std::move(setting), std::move(done));
}

void Services::OnTick(Core& core) {
  parts_->executor.Retry();
  parts_->sessions.Expire(core);
}

void Services::SetReadiness(bool ready, bool store_writable) {
  parts_->health.ready.store(ready);
  parts_->health.store_writable.store(store_writable);
}

void Services::BeginStop() {
  if (parts_->stopping.exchange(true)) return;
  parts_->executor.Stop();
  parts_->hub.Stop();
  parts_->holds.Stop();
  parts_->calls.Stop();
  // They take minutes on a large PBX. If the queue is full the client waits that long.
  parts_->shared.executor.Post([](Core& core) { core.pbx_control->AbandonReconciles(); });
}

const ServiceProbe& Services::probe() const { return parts_->probe; }

}  // namespace unipresence
