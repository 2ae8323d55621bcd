#include "tests/integration/grpc_test_server.h"

#include <sodium.h>

#include <algorithm>
#include <array>
#include <future>

#include "aggregator/pbx/configuration.h"
#include "aggregator/publish/codec.h"
#include "server/auth/password.h"
#include "tests/testing/answer.h"
#include "tests/testing/sync_store.h"
#include "tests/testing/users.h"

namespace unipresence::testing {
namespace {

// The cheapest hash that libsodium makes: log-ins of tests need not cost 64 ms.
std::string CheapHash(const std::string& password) {
  EXPECT_TRUE(auth::InitializeSodium().ok());
  std::array<char, crypto_pwhash_STRBYTES> hash;
  EXPECT_EQ(crypto_pwhash_str(hash.data(), password.data(), password.size(),
                              crypto_pwhash_OPSLIMIT_MIN, crypto_pwhash_MEMLIMIT_MIN),
            0);
  return hash.data();
}

}  // namespace

void BatchMaker::OnUpdate(const PresenceUpdate& update) {
  if (!wanted_) return;
  if (batch_ == nullptr) batch_ = std::make_shared<publish::Batch>(epoch_);
  encoded_.clear();
  publish::AppendUpdate(update, encoded_);
  batch_->Add(update.presence.user, update.sequence, update.presence.revision, update.removed,
              encoded_.view());
}

void BatchMaker::OnMailbox(const Mailbox& mailbox) {
  if (!mailboxes_wanted_) return;
  if (mailboxes_ == nullptr) mailboxes_ = std::make_shared<publish::Batch>(epoch_);
  encoded_.clear();
  publish::AppendMailbox(mailbox, encoded_);
  mailboxes_->Add(mailbox.user, mailbox.sequence, 0, false, encoded_.view());
}

void BatchMaker::Flush() {
  if (mailboxes_ != nullptr) sink_->OnMailboxes(std::exchange(mailboxes_, nullptr));
  if (batch_ != nullptr) sink_->OnBatch(std::exchange(batch_, nullptr));
}

CommandThread::CommandThread(Engine& engine, SessionTable& sessions, const Clock& clock,
                             PbxControl& pbx_control)
    : core_(engine, sessions, clock, pbx_control), thread_([this] { Loop(); }) {}

CommandThread::~CommandThread() { Stop(); }

bool CommandThread::Post(Command command) {
  {
    MutexLock lock(mutex_);
    if (stopping_ || refuse_) {
      ++refused_;
      return false;
    }
    queue_.push_back(std::move(command));
  }
  wake_.notify_one();
  return true;
}

void CommandThread::Run(const std::function<void(Core&)>& command) {
  std::promise<void> ran;
  {
    MutexLock lock(mutex_);
    queue_.emplace_back([&](Core& core) {
      command(core);
      ran.set_value();
    });
  }
  wake_.notify_one();
  ran.get_future().wait();
}

void CommandThread::RefusePosts(bool refuse) {
  MutexLock lock(mutex_);
  refuse_ = refuse;
}

void CommandThread::Stop() {
  {
    MutexLock lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_one();
  if (thread_.joinable()) thread_.join();
}

void CommandThread::Loop() {
  while (true) {
    Command command;
    {
      MutexLock lock(mutex_);
      while (queue_.empty() && !stopping_) wake_.wait(mutex_);
      if (queue_.empty()) return;
      command = std::move(queue_.front());
      queue_.pop_front();
    }
    std::move(command)(core_);
  }
}

GrpcTestServer::GrpcTestServer(Options options)
    : options_(std::move(options)),
      password_hash_(CheapHash(kPassword)),
      hasher_({}),
      sessions_(options_.sessions) {
  const std::string folder = options_.folder.empty() ? temp_.path() : options_.folder;
  auto store = OpenStore({.path = folder + "/store.db", .clock = &clock_});
  EXPECT_TRUE(store.ok()) << store.status();
  store_ = *std::move(store);
  batches_.set_epoch(options_.epoch);
  engine_ = std::make_unique<Engine>(Engine::Options{.epoch = options_.epoch}, clock_, batches_);
  thread_ = std::make_unique<CommandThread>(*engine_, sessions_, clock_, *options_.pbx_control);
  Run([this](Core& core) {
    pbx_ = core.engine.pbxs().Add("main", "127.0.0.1:5038");
    core.engine.BeginResync(pbx_, "22.10.0");
    core.engine.EndResync(pbx_);
    EXPECT_TRUE(SyncStore(*store_)
                    .ForEachUser([&](const StoredUser& user) {
                      EXPECT_TRUE(core.engine.AddUser(user.user, user.settings).ok());
                    })
                    .ok());
  });
  auto stored_sessions = SyncStore(*store_).ListSessions();
  EXPECT_TRUE(stored_sessions.ok()) << stored_sessions.status();
  services_ = std::make_unique<Services>(
      options_.services,
      ServicePorts{.executor = *thread_,
                   .store = *store_,
                   .hasher = hasher_,
                   .clock = clock_,
                   .want_batches = [this](bool wanted) { batches_.SetWanted(wanted); },
                   .want_mailboxes = [this](bool wanted) { batches_.SetMailboxesWanted(wanted); },
                   .configuration = {.render = &pbx::RenderConfiguration,
                                     .read_former = &pbx::ReadFormer,
                                     .mask_secret = &pbx::MaskSecret,
                                     .folders = options_.configuration_folders},
                   .when_hashed = [](const std::string&,
                                     absl::AnyInvocable<void() &&> done) { std::move(done)(); },
                   .publish_probe = publish_probe_});
  Run([&](Core& core) {
    batches_.SetSink(&services_->batch_sink());
    services_->LoadSessions(core, *stored_sessions);
  });
  GrpcServer::Options grpc = options_.grpc;
  if (grpc.listen.empty()) grpc.listen = {"127.0.0.1:0"};
  auto server = GrpcServer::Start(grpc, *services_);
  EXPECT_TRUE(server.ok()) << server.status();
  server_ = *std::move(server);
}

GrpcTestServer::~GrpcTestServer() { Stop(); }

void GrpcTestServer::Stop() {
  services_->BeginStop();
  server_->Stop();
  thread_->Stop();
  store_->Stop();
}

void GrpcTestServer::AddUser(const User& user) {
  Answer<absl::Status> known;
  services_->changes().Call<bool>(
      [&](Transaction& transaction) -> absl::StatusOr<bool> {
        const absl::Status created =
            transaction.users.Create({.user = user, .password_hash = password_hash_});
        if (!created.ok()) return created;
        return true;
      },
      [known](Core*, const absl::StatusOr<bool>& created) mutable { known(created.status()); });
  const absl::Status status = known.Wait();
  EXPECT_TRUE(status.ok()) << status;
}

void GrpcTestServer::AddUsers() {
  AddUser(UniqueAccount("alice", "101"));
  AddUser(UniqueAccount("bob", "102"));
  AddUser(UniqueAccount("carol", "103"));
  User dave = UniqueAccount("dave", "104");
  dave.line_type = LineType::kSip;
  dave.lines.pop_back();
  AddUser(dave);
  User root = UniqueAccount("root", "100");
  root.role = Role::kAdministrator;
  AddUser(root);
}

void GrpcTestServer::AddEngineUsers(int count) {
  Run([&](Core& core) {
    for (int i = 0; i < count; ++i) {
      EXPECT_TRUE(core.engine.AddUser(UniqueAccount(i), {}).ok());
    }
  });
}

void GrpcTestServer::Change(const std::string& device, DeviceState state) {
  Run([&](Core& core) {
    const DeviceChange change{.state = state, .device = device};
    core.engine.Apply(pbx_, {&change, 1});
  });
}

void GrpcTestServer::ChangeMailbox(const std::string& mailbox, MailboxCounts counts) {
  Run([&](Core& core) {
    const MailboxChange change{.counts = counts, .mailbox = mailbox};
    core.engine.mailboxes().Apply(pbx_, {&change, 1});
  });
}

void GrpcTestServer::Expire() {
  Run([this](Core& core) { services_->OnTick(core); });
}

std::uint64_t GrpcTestServer::sequence() {
  std::uint64_t sequence = 0;
  Run([&](Core& core) { sequence = core.engine.sequence(); });
  return sequence;
}

std::string GrpcTestServer::address() const {
  const int port = server_->ports().front();
  return port == 0 ? options_.grpc.listen.front() : "127.0.0.1:" + std::to_string(port);
}

std::shared_ptr<grpc::Channel> GrpcTestServer::NewChannel(bool small_window) const {
  grpc::ChannelArguments arguments;
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  if (small_window) {
    arguments.SetInt(GRPC_ARG_HTTP2_STREAM_LOOKAHEAD_BYTES, 65536);
    arguments.SetInt(GRPC_ARG_HTTP2_BDP_PROBE, 0);
  }
  return grpc::CreateCustomChannel(address(), grpc::InsecureChannelCredentials(), arguments);
}

v1::ErrorDetail DetailOf(const grpc::Status& status) {
  v1::ErrorStatus details;
  v1::ErrorDetail detail;
  if (!details.ParseFromString(status.error_details()) || details.details_size() != 1) {
    return detail;
  }
  EXPECT_EQ(details.code(), status.error_code());
  EXPECT_EQ(details.message(), status.error_message());
  EXPECT_TRUE(details.details(0).UnpackTo(&detail));
  return detail;
}

v1::ErrorReason ReasonOf(const grpc::Status& status) { return DetailOf(status).reason(); }

GrpcTestClient::GrpcTestClient(GrpcTestServer& server, std::string token, bool small_window)
    : channel_(server.NewChannel(small_window)), token_(std::move(token)) {}

GrpcTestClient GrpcTestClient::LogIn(GrpcTestServer& server, const std::string& username,
                                     v1::SessionKind kind) {
  GrpcTestClient client(server);
  v1::CreateSessionRequest request;
  request.set_username(username);
  request.set_password(GrpcTestServer::kPassword);
  request.set_kind(kind);
  request.set_client_name("test");
  const auto [status, response] =
      client.Call<v1::SessionService>(&v1::SessionService::Stub::CreateSession, request);
  EXPECT_TRUE(status.ok()) << status.error_message();
  client.token_ = response.token();
  client.session_ = response.session().id();
  return client;
}

std::unique_ptr<grpc::ClientContext> GrpcTestClient::Context() const {
  auto context = std::make_unique<grpc::ClientContext>();
  context->set_deadline(std::chrono::system_clock::now() + kDeadline);
  if (!token_.empty()) context->AddMetadata("authorization", "Bearer " + token_);
  return context;
}

std::pair<grpc::Status, v1::CreateSessionResponse> GrpcTestClient::CreateSession(
    const std::string& username, const std::string& password) {
  v1::CreateSessionRequest request;
  request.set_username(username);
  request.set_password(password);
  return Call<v1::SessionService>(&v1::SessionService::Stub::CreateSession, request);
}

std::pair<grpc::Status, v1::Presence> GrpcTestClient::GetPresence(const std::string& user) const {
  v1::GetPresenceRequest request;
  request.set_user(user);
  return Call<v1::PresenceService>(&v1::PresenceService::Stub::GetPresence, request);
}

std::pair<grpc::Status, v1::DeviceSelection> GrpcTestClient::SelectDevice(
    v1::LineKind device, const std::string& user) const {
  v1::SelectDeviceRequest request;
  request.set_user(user);
  request.set_device(device);
  return Call<v1::DeviceSelectionService>(&v1::DeviceSelectionService::Stub::SelectDevice, request);
}

std::pair<grpc::Status, v1::Session> GrpcTestClient::GetSession(const std::string& id) const {
  v1::GetSessionRequest request;
  request.set_session(id);
  return Call<v1::SessionService>(&v1::SessionService::Stub::GetSession, request);
}

std::pair<grpc::Status, v1::Session> GrpcTestClient::KeepAlive() const {
  return Call<v1::SessionService>(&v1::SessionService::Stub::KeepSessionAlive,
                                  v1::KeepSessionAliveRequest());
}

grpc::Status GrpcTestClient::LogOut(const std::string& id) const {
  v1::DeleteSessionRequest request;
  request.set_session(id);
  return Call<v1::SessionService>(&v1::SessionService::Stub::DeleteSession, request).first;
}

GrpcTestWatch::GrpcTestWatch(const GrpcTestClient& client, std::vector<std::string> users,
                             std::string resume_token, bool mailboxes)
    : stub_(v1::PresenceService::NewStub(client.channel())), context_(client.Context()) {
  v1::WatchPresencesRequest request;
  for (std::string& user : users) request.add_users(std::move(user));
  request.set_resume_token(std::move(resume_token));
  request.set_include_mailboxes(mailboxes);
  reader_ = stub_->WatchPresences(context_.get(), request);
}

GrpcTestWatch::~GrpcTestWatch() {
  if (reader_ == nullptr) return;
  Cancel();
  Finish();
}

std::optional<v1::WatchPresencesResponse> GrpcTestWatch::Read() {
  v1::WatchPresencesResponse response;
  if (!reader_->Read(&response)) return std::nullopt;
  if (response.event() == v1::WATCH_EVENT_RESET) {
    held_.clear();
    mailboxes_.clear();
    revisions_.clear();
    removed_.clear();
    ++resets_;
  }
  for (const v1::PresenceUpdate& update : response.updates()) {
    ++updates_;
    const bool removed = update.has_removed();
    const std::string& user = removed ? update.removed().user() : update.presence().user();
    const std::uint64_t revision =
        removed ? update.removed().revision() : update.presence().revision();
    if (revision != 0) {
      EXPECT_GT(revision, revisions_[user]) << user << " steps back or repeats";
    }
    // What is told of a change joins what was told before.
    const auto held = held_.find(user);
    if (held != held_.end() && !update.refresh()) {
      EXPECT_EQ(update.previous_state(), held->second.state()) << user;
      EXPECT_EQ(revision, held->second.revision() + std::max(1u, update.merged_changes())) << user;
    }
    merged_ += std::max(1u, update.merged_changes()) - 1;
    revisions_[user] = revision;
    if (removed) {
      held_.erase(user);
      removed_.push_back(user);
    } else {
      held_[user] = update.presence();
    }
  }
  std::map<std::string, int> box_times;
  for (const v1::Mailbox& mailbox : response.mailboxes()) {
    EXPECT_EQ(++box_times[mailbox.user()], 1) << mailbox.user() << "'s box comes twice";
    if (mailbox.mailbox().empty()) {
      mailboxes_.erase(mailbox.user());
    } else {
      mailboxes_[mailbox.user()] = mailbox;
    }
  }
  if (!response.resume_token().empty()) resume_token_ = response.resume_token();
  return response;
}

bool GrpcTestWatch::ReadUntilCurrent() {
  while (const auto response = Read()) {
    if (response->event() == v1::WATCH_EVENT_CURRENT) return true;
  }
  return false;
}

bool GrpcTestWatch::ReadUntil(const std::string& user, v1::PresenceState state) {
  while (!held_.contains(user) || held_[user].state() != state) {
    if (!Read()) return false;
  }
  return true;
}

grpc::Status GrpcTestWatch::Finish() {
  v1::WatchPresencesResponse ignored;
  while (reader_->Read(&ignored)) {
  }
  grpc::Status status = reader_->Finish();
  reader_ = nullptr;
  return status;
}

}  // namespace unipresence::testing
