#include "server/app/application.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <spdlog/spdlog.h>

#include <functional>
#include <random>
#include <set>
#include <utility>

#include "aggregator/base/status_macros.h"
#include "aggregator/engine/engine_writer.h"
#include "aggregator/pbx/configuration.h"
#include "server/app/register_metrics.h"
#include "server/storage/open_store.h"

namespace unipresence {
namespace {

constexpr int kStoreCheckPeriodSeconds = 10;
// Stores whose check takes long enough to be announced.
constexpr std::int64_t kSlowCheckBytes = 100'000'000;

// One server start, known by it: no two starts may share it, or followers would mix them up.
std::uint64_t NewEpoch() {
  std::random_device random;
  const std::uint64_t epoch = (std::uint64_t{random()} << 32) | random();
  return epoch == 0 ? 1 : epoch;
}

PipelineOptions ToPipeline(const config::Config& config) {
  PipelineOptions options;
  for (const config::PbxConfig& pbx : config.pbxs) {
    options.pbxs.push_back(PbxOptions{.ami = pbx, .write_back = pbx.write_back});
  }
  options.publish.publish_address = config.zeromq.publish;
  options.publish.snapshot_address = config.zeromq.snapshot;
  options.sessions.time_to_live = std::chrono::seconds(config.sessions.time_to_live_s);
  options.engine.epoch = NewEpoch();
  options.engine.deskphone_call = config.fusion.deskphone_call;
  return options;
}

ConfigurationPorts ToConfiguration(const config::Config& config) {
  ConfigurationPorts ports{.render = &pbx::RenderConfiguration,
                           .read_former = &pbx::ReadFormer,
                           .mask_secret = &pbx::MaskSecret,
                           .folders = {}};
  for (const config::PbxConfig& pbx : config.pbxs) {
    if (!pbx.configuration_folder.empty()) ports.folders[pbx.name] = pbx.configuration_folder;
  }
  return ports;
}

}  // namespace

Application::Application(config::Config config, const Clock& clock)
    : config_(std::move(config)), clock_(clock), hasher_({}), store_log_(clock) {}

Application::~Application() { Stop(); }

absl::StatusOr<std::unique_ptr<Application>> Application::Start(config::Config config,
                                                                ConfigSource source,
                                                                const Clock& clock) {
  auto application = std::unique_ptr<Application>(new Application(std::move(config), clock));
  UNIPRESENCE_RETURN_IF_ERROR(application->OpenStore());
  UNIPRESENCE_RETURN_IF_ERROR(application->SeedUsers());
  application->MakeParts();
  UNIPRESENCE_RETURN_IF_ERROR(application->StartPipeline());
  UNIPRESENCE_RETURN_IF_ERROR(application->Listen());
  application->HashPasswords();
  application->reloader_ = std::make_unique<Reloader>(
      [&it = *application, source = std::move(source)] { it.Reload(source()); });
  return application;
}

absl::Status Application::OpenStore() {
  readiness_.NotReady("grpc", "starting");
  const std::string& path = config_.store.path;
  const auto before_check = [&path](std::int64_t bytes) {
    if (bytes == 0) spdlog::info("store '{}': new", path);
    if (bytes < kSlowCheckBytes) return;
    spdlog::info("store '{}': looking for damage in {} MB, some seconds", path, bytes / 1'000'000);
  };
  const auto on_mended = [](const MendedUser& user) {
    spdlog::warn(
        "store: texts of user '{}' were not valid UTF-8 or had control characters, and are "
        "mended: {}; set them anew",
        user.id, fmt::join(user.fields, ", "));
  };
  const auto on_trouble = [this](const absl::Status& status) { store_log_.Trouble(status); };
  const auto on_read_trouble = [this](const absl::Status& status) {
    store_log_.ReadTrouble(status);
  };
  UNIPRESENCE_ASSIGN_OR_RETURN(store_,
                               unipresence::OpenStore({.path = path,
                                                       .clock = &clock_,
                                                       .before_check = before_check,
                                                       .on_mended = on_mended,
                                                       .on_trouble = on_trouble,
                                                       .on_read_trouble = on_read_trouble}));
  return absl::OkStatus();
}

absl::StatusOr<UsersReading> Application::ReadUsers(const config::Config& config) {
  std::optional<TakenUsersFile> taken;
  UNIPRESENCE_RETURN_IF_ERROR(store_->ReadHere([&](const Snapshot& snapshot) -> absl::Status {
    UNIPRESENCE_ASSIGN_OR_RETURN(taken, snapshot.users_file.Get());
    return absl::OkStatus();
  }));
  return ReadUsersFile(config, taken, stop_.get_token());
}

absl::Status Application::SeedUsers() {
  UNIPRESENCE_ASSIGN_OR_RETURN(UsersReading reading, ReadUsers(config_));
  for (const std::string& line : reading.lines) spdlog::info("{}", line);
  if (!reading.needed) return absl::OkStatus();
  UsersSync sync;
  UNIPRESENCE_RETURN_IF_ERROR(store_->SubmitAndWait([&](Transaction& transaction) -> absl::Status {
    UNIPRESENCE_ASSIGN_OR_RETURN(sync, SyncUsers(transaction, reading.users, config_.users_file,
                                                 reading.digest, config_.users_file_wins));
    return absl::OkStatus();
  }));
  reading = {};
  GiveBackMemory();
  for (const std::string& line : sync.lines) spdlog::info("{}", line);
  passwords_at_start_ = std::move(sync.passwords);
  return absl::OkStatus();
}

// From the middle outwards: what follows PBXs, what serves people, what is left to hash.
void Application::MakeParts() {
  pipeline_ = std::make_unique<Pipeline>(ToPipeline(config_), clock_);
  publish::Publisher& publisher = pipeline_->publisher();
  services_ = std::make_unique<Services>(
      ServiceOptions{.version = UNIPRESENCE_VERSION, .throttle = {}, .watch = {}},
      ServicePorts{.executor = *pipeline_,
                   .store = *store_,
                   .hasher = hasher_,
                   .clock = clock_,
                   .want_batches = [&publisher](bool on) { publisher.SetBatchWanted(on); },
                   .want_mailboxes = [&publisher](bool on) { publisher.SetMailboxesWanted(on); },
                   .configuration = ToConfiguration(config_),
                   .when_hashed =
                       [this](const std::string& user, absl::AnyInvocable<void() &&> done) {
                         passwords_->WhenHashed(user, std::move(done));
                       },
                   .publish_probe = publisher.probe()});
  const auto idle = [this](std::uint64_t reading) { PasswordsDone(reading); };
  passwords_ = std::make_unique<PasswordBacklog>(
      PasswordBacklog::Ports{.store = *store_, .hasher = hasher_, .clock = clock_, .idle = idle});
}

absl::Status Application::StartPipeline() {
  for (const config::PbxConfig& pbx : config_.pbxs) {
    readiness_.NotReady("pbx " + pbx.name, fmt::format("connecting to {}:{}", pbx.host, pbx.port));
  }
  std::vector<StoredSession> sessions;
  UNIPRESENCE_RETURN_IF_ERROR(store_->ReadHere([&](const Snapshot& snapshot) -> absl::Status {
    UNIPRESENCE_ASSIGN_OR_RETURN(sessions, snapshot.sessions.List());
    return absl::OkStatus();
  }));
  return pipeline_->Start(
      [this, &sessions](Core& core) -> absl::Status {
        UNIPRESENCE_RETURN_IF_ERROR(Load(core));
        services_->LoadSessions(core, sessions);
        return absl::OkStatus();
      },
      {.tick = [this](Core& core) { services_->OnTick(core); },
       .link_changed = [this](const PbxStatus& pbx) { OnLinkChanged(pbx); },
       .adopt =
           [this](Core& core, PhoneSetting setting,
                  absl::AnyInvocable<void(absl::Status) &&> done) {
             services_->AdoptPhoneSetting(core, std::move(setting), std::move(done));
           },
       .batches = &services_->batch_sink()});
}

void Application::OnLinkChanged(const PbxStatus& pbx) {
  // Without an address it is configured no more.
  if (pbx.link == LinkState::kSynced || pbx.address.empty())
    return readiness_.Ready("pbx " + pbx.name);
  readiness_.NotReady("pbx " + pbx.name,
                      fmt::format("{} {}; {}", ToString(pbx.link), pbx.address,
                                  pbx.last_error.empty() ? "no error yet" : pbx.last_error));
}

absl::Status Application::Load(Core& core) {
  std::set<std::string, std::less<>> configured;
  for (const config::PbxConfig& pbx : config_.pbxs) configured.insert(pbx.name);
  absl::Status added;
  std::size_t elsewhere = 0;
  std::string example;
  const auto add = [&](const StoredUser& stored) {
    if (!added.ok()) return;
    for (const Line& line : stored.user.lines) {
      if (configured.contains(line.pbx)) continue;
      if (++elsewhere == 1) example = fmt::format("{} on '{}'", stored.user.id, line.pbx);
    }
    added = ChangeFeed::Load(core, stored);
  };
  UNIPRESENCE_RETURN_IF_ERROR(
      store_->ReadHere([&](const Snapshot& snapshot) { return snapshot.users.ForEach({}, add); }));
  if (added.ok()) spdlog::info("{} users", core.presences.user_count());
  if (elsewhere > 0) {
    spdlog::warn(
        "{} lines are on PBXs that are not configured and stay UNKNOWN, such as that of {}",
        elsewhere, example);
  }
  return added;
}

absl::Status Application::Listen() {
  InstallLogHandlers();
  UNIPRESENCE_ASSIGN_OR_RETURN(grpc_server_,
                               GrpcServer::Start({.listen = {config_.grpc.listen}}, *services_));
  std::vector<std::string> pbxs;
  for (const config::PbxConfig& pbx : config_.pbxs) pbxs.push_back(pbx.name);
  RegisterMetrics(collector_, {.readiness = readiness_,
                               .pipeline = *pipeline_,
                               .pbxs = std::move(pbxs),
                               .services = services_->probe(),
                               .store = store_->probe(),
                               .hasher = hasher_.probe()});
  UNIPRESENCE_ASSIGN_OR_RETURN(
      metrics_server_,
      MetricsServer::Start({.listen = config_.metrics.listen}, collector_, readiness_));
  RegisterMetrics(collector_, metrics_server_->probe());
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

void Application::HashPasswords() {
  if (passwords_at_start_.empty()) return WarnIfNobodyAdministers();
  passwords_->Add(std::exchange(passwords_at_start_, {}));
}

void Application::PasswordsDone(std::uint64_t reading) {
  const absl::Status refused = store_->Submit(
      [reading](Transaction& transaction) { return CompleteUsersFile(transaction, reading); },
      [](const absl::Status&) {});
  refused.IgnoreError();  // then the next start reads the file again
  WarnIfNobodyAdministers();
}

void Application::WarnIfNobodyAdministers() {
  const absl::Status refused = store_->Call<std::uint64_t>(
      [](Transaction& transaction) { return transaction.users.CountLogins(Role::kAdministrator); },
      [](absl::StatusOr<std::uint64_t> count) {
        if (!count.ok() || *count > 0) return;
        spdlog::warn(
            "no administrator can log in: stop the server and use "
            "`unipresenced --config FILE --reset-administrator NAME`");
      });
  refused.IgnoreError();  // a full queue or the end of the server: the next start says it
}

void Application::OnSecond() {
  passwords_->OnSecond();
  if (--seconds_to_store_check_ <= 0 || store_log_.TakeTrouble()) {
    seconds_to_store_check_ = kStoreCheckPeriodSeconds;
    CheckStore();
  }
  grpc_server_->SetServing(readiness_.IsReady(), store_writable_.load());
}

void Application::CheckStore() {
  SubmitOrRefuse(
      *store_, [](Transaction& transaction) { return transaction.CheckWritable(); },
      [this](const absl::Status& checked) {
        const absl::Status status = store_log_.Checked(checked);
        store_writable_.store(status.ok());
        if (status.ok()) {
          readiness_.Ready("store");
        } else {
          readiness_.NotReady("store", status.ToString());
        }
      });
}

void Application::Stop() {
  // What a reload may wait for ends first.
  stop_.request_stop();
  if (passwords_) passwords_->Stop();
  reloader_.reset();
  if (services_) services_->BeginStop();
  if (grpc_server_) grpc_server_->Stop();
  metrics_server_.reset();
  if (pipeline_) pipeline_->Stop();
  if (store_) store_->Stop();
}

}  // namespace unipresence
