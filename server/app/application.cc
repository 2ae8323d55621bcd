#include "server/app/application.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <spdlog/spdlog.h>

#include <map>
#include <random>
#include <utility>

#include "aggregator/base/status_macros.h"
#include "aggregator/pbx/configuration.h"
#include "server/app/register_metrics.h"
#include "server/auth/password.h"
#include "server/config/users_file.h"

namespace unipresence {
namespace {

constexpr int kStoreCheckPeriodSeconds = 10;

// One server start, known by it: no two starts may share it, or followers would mix them up.
std::uint64_t NewEpoch() {
  std::random_device random;
  const std::uint64_t epoch = (std::uint64_t{random()} << 32) | random();
  return epoch == 0 ? 1 : epoch;
}

ami::PbxConfig ToAmi(const config::PbxConfig& pbx) {
  ami::PbxConfig result;
  result.name = pbx.name;
  result.host = pbx.host;
  result.port = pbx.port;
  result.username = pbx.username;
  result.secret = pbx.secret;
  result.events = "system,call,user";  // what the tracker reads; asterisk.md, least rights
  result.tls = {.enabled = pbx.tls.enabled, .ca_file = pbx.tls.ca_file, .verify = pbx.tls.verify};
  return result;
}

PipelineOptions ToPipeline(const config::Config& config) {
  PipelineOptions options;
  for (const config::PbxConfig& pbx : config.pbxs) {
    options.pbxs.push_back({.ami = ToAmi(pbx), .write_back = pbx.write_back});
  }
  options.publish.publish_address = config.zeromq.publish;
  options.publish.snapshot_address = config.zeromq.snapshot;
  options.sessions.time_to_live = std::chrono::seconds(config.sessions.time_to_live_s);
  options.engine.epoch = NewEpoch();
  switch (config.fusion.deskphone_call) {
    case config::DeskphoneCall::kEmitted:
      options.engine.deskphone_call = DeskphoneCall::kEmitted;
      break;
    case config::DeskphoneCall::kAny:
      options.engine.deskphone_call = DeskphoneCall::kAny;
      break;
  }
  return options;
}

ConfigurationPorts ToConfiguration(const config::Config& config) {
  ConfigurationPorts ports{
      .render = &pbx::RenderConfiguration,
      .read_former = &pbx::ReadFormer,
      .mask_secret = &pbx::MaskSecret,
      .folders = {}};
  for (const config::PbxConfig& pbx : config.pbxs) {
    if (!pbx.configuration_folder.empty()) ports.folders[pbx.name] = pbx.configuration_folder;
  }
  return ports;
}

}  // namespace

Application::Application(const config::Config& config, const Clock& clock)
    : config_(config), clock_(clock), hasher_({}) {}

Application::~Application() { Stop(); }

absl::StatusOr<std::unique_ptr<Application>> Application::Start(const config::Config& config,
                                                                const Clock& clock) {
  auto application = std::unique_ptr<Application>(new Application(config, clock));
  UNIPRESENCE_RETURN_IF_ERROR(application->OpenStore());
  UNIPRESENCE_RETURN_IF_ERROR(application->SeedUsers());
  UNIPRESENCE_RETURN_IF_ERROR(application->StartPipeline());
  UNIPRESENCE_RETURN_IF_ERROR(application->Listen());
  return application;
}

absl::Status Application::OpenStore() {
  readiness_.NotReady("grpc", "starting");
  UNIPRESENCE_ASSIGN_OR_RETURN(store_,
                               SqliteStore::Open({.path = config_.store.path, .clock = &clock_}));
  for (const MendedUser& user : store_->mended()) {
    spdlog::warn(
        "store: texts of user '{}' were not valid UTF-8 or had control characters, and are "
        "mended: {}; set them anew",
        user.id, fmt::join(user.fields, ", "));
  }
  return absl::OkStatus();
}

absl::Status Application::SeedUsers() {
  if (config_.users_file.empty()) return absl::OkStatus();
  std::vector<std::string> pbxs;
  for (const config::PbxConfig& pbx : config_.pbxs) pbxs.push_back(pbx.name);
  UNIPRESENCE_ASSIGN_OR_RETURN(std::vector<config::UserSeed> seeds,
                               config::LoadUsers(config_.users_file, pbxs));
  std::vector<std::string> ids;
  std::map<std::string_view, const config::UserSeed*> by_id;
  for (const config::UserSeed& seed : seeds) {
    ids.push_back(seed.user.id);
    by_id[seed.user.id] = &seed;
  }
  UNIPRESENCE_ASSIGN_OR_RETURN(const std::vector<std::string> unseeded, store_->UnseededIds(ids));

  std::vector<NewUser> users;
  std::vector<std::string> passwords;
  std::vector<std::size_t> hash_for;  // index into users, for each password
  for (const std::string& id : unseeded) {
    const config::UserSeed& seed = *by_id.at(id);
    users.push_back({seed.user, seed.password_hash});
    if (seed.password.empty()) continue;
    passwords.push_back(seed.password);
    hash_for.push_back(users.size() - 1);
  }
  if (passwords.size() > 100) {
    spdlog::info("hashing the passwords of {} new users, about {} s", passwords.size(),
                 passwords.size() * 64 / 2000);
  }
  UNIPRESENCE_ASSIGN_OR_RETURN(const std::vector<std::string> hashes, hasher_.HashAll(passwords));
  for (std::size_t i = 0; i < hashes.size(); ++i) users[hash_for[i]].password_hash = hashes[i];

  UNIPRESENCE_ASSIGN_OR_RETURN(const SeedReport report, store_->SeedUsers(users));
  for (const absl::Status& refused : report.refused) {
    spdlog::warn("users file {}: {}", config_.users_file, refused.ToString());
  }
  spdlog::info("users file {}: {} users added, {} known before", config_.users_file, report.added,
               ids.size() - unseeded.size());
  return absl::OkStatus();
}

absl::Status Application::StartPipeline() {
  for (const config::PbxConfig& pbx : config_.pbxs) {
    readiness_.NotReady("pbx " + pbx.name, fmt::format("connecting to {}:{}", pbx.host, pbx.port));
  }
  pipeline_ = std::make_unique<Pipeline>(ToPipeline(config_), clock_);
  UNIPRESENCE_ASSIGN_OR_RETURN(const std::vector<StoredSession> sessions, store_->ListSessions());
  // The services are made before the pipeline runs, because their callbacks belong to it; the store
  // thread only after the users were read from the store.
  pipeline_->SetLinkCallback([this](const PbxStatus& pbx) {
    if (pbx.link == LinkState::kSynced) {
      readiness_.Ready("pbx " + pbx.name);
    } else {
      readiness_.NotReady("pbx " + pbx.name,
                          fmt::format("{} {}; {}", ToString(pbx.link), pbx.address,
                                      pbx.last_error.empty() ? "no error yet" : pbx.last_error));
    }
  });
  pipeline_->SetAdoptCallback(
      [this](Core& core, PhoneSetting setting, absl::AnyInvocable<void(absl::Status) &&> done) {
        services_->AdoptPhoneSetting(core, std::move(setting), std::move(done));
      });
  pipeline_->SetTickCallback([this](Core& core) {
    if (services_) services_->ExpireSessions(core);
  });
  return pipeline_->Start([this, &sessions](Core& core) -> absl::Status {
    UNIPRESENCE_RETURN_IF_ERROR(Load(core));
    store_thread_ = std::make_unique<StoreThread>(StoreThread::Options{}, *store_, clock_);
    services_ = std::make_unique<Services>(
        ServiceOptions{.version = UNIPRESENCE_VERSION, .throttle = {}, .watch = {}},
        ServicePorts{
            .executor = *pipeline_,
            .store = *store_thread_,
            .hasher = hasher_,
            .clock = clock_,
            .want_batches = [this](bool wanted) { pipeline_->publisher().SetBatchWanted(wanted); },
            .want_mailboxes =
                [this](bool wanted) { pipeline_->publisher().SetMailboxesWanted(wanted); },
            .configuration = ToConfiguration(config_),
            .publish_probe = &pipeline_->publisher().probe()});
    pipeline_->publisher().SetBatchSink(&services_->batch_sink());
    services_->LoadSessions(core, sessions);
    return absl::OkStatus();
  });
}

absl::Status Application::Load(Core& core) {
  absl::Status added;
  UNIPRESENCE_RETURN_IF_ERROR(store_->ForEachUser([&](const StoredUser& stored) {
    if (!added.ok()) return;
    added = core.engine.AddUser(
        stored.user,
        {.selected_device = stored.settings.selected_device.value_or(LineKind::kWebrtc),
         .do_not_disturb = stored.settings.do_not_disturb,
         .forwardings = stored.settings.forwardings});
  }));
  if (added.ok()) spdlog::info("{} users", core.engine.user_count());
  return added;
}

absl::Status Application::Listen() {
  InstallLogHandlers();
  UNIPRESENCE_ASSIGN_OR_RETURN(grpc_server_,
                               GrpcServer::Start({.listen = {config_.grpc.listen}}, *services_));
  RegisterMetrics(collector_, *this);
  UNIPRESENCE_ASSIGN_OR_RETURN(
      metrics_server_,
      MetricsServer::Start({.listen = config_.metrics.listen}, collector_, readiness_));
  readiness_.Ready("grpc");

  const auto with_port = [](const std::string& listen, int port) {
    return port == 0 ? listen : fmt::format("{}:{}", listen.substr(0, listen.rfind(':')), port);
  };
  endpoints_ = {.grpc = with_port(config_.grpc.listen, grpc_server_->ports().front()),
                .publish = pipeline_->publisher().publish_endpoint(),
                .snapshot = pipeline_->publisher().snapshot_endpoint(),
                .metrics = with_port(config_.metrics.listen, metrics_server_->port())};
  spdlog::info("listening: gRPC {}, ZeroMQ {} and {}, metrics http://{}/metrics", endpoints_.grpc,
               endpoints_.publish, endpoints_.snapshot, endpoints_.metrics);
  return absl::OkStatus();
}

void Application::OnSecond() {
  if (--seconds_to_store_check_ <= 0) {
    seconds_to_store_check_ = kStoreCheckPeriodSeconds;
    CheckStore();
  }
  grpc_server_->SetServing(readiness_.IsReady(), store_writable_.load());
}

void Application::CheckStore() {
  store_thread_->Submit([](Store& store) { return store.CheckWritable(); },
                        [this](absl::Status status) {
                          store_writable_.store(status.ok());
                          if (status.ok()) {
                            readiness_.Ready("store");
                          } else {
                            spdlog::error("store: {}", status.ToString());
                            readiness_.NotReady("store", status.ToString());
                          }
                        });
}

void Application::Stop() {
  if (services_) services_->BeginStop();
  if (grpc_server_) grpc_server_->Stop();
  metrics_server_.reset();
  if (pipeline_) pipeline_->Stop();
  if (store_thread_) store_thread_->Stop();
}

}  // namespace unipresence
