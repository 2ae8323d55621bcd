#ifndef UNIPRESENCE_TESTS_INTEGRATION_GRPC_TEST_SERVER_H_
#define UNIPRESENCE_TESTS_INTEGRATION_GRPC_TEST_SERVER_H_

// The gRPC side of the server in this process: the real engine on a plain thread, the real store in
// a file, a fake clock, a listening server, and clients for it.

#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>

#include <atomic>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "aggregator/base/mutex.h"
#include "aggregator/engine/engine.h"
#include "aggregator/pipeline/executor.h"
#include "aggregator/publish/byte_buffer.h"
#include "server/auth/password_hasher.h"
#include "server/service/grpc_server.h"
#include "server/service/services.h"
#include "server/storage/open_store.h"
#include "tests/testing/fake_clock.h"
#include "tests/testing/temp_folder.h"
#include "unipresence/v1/administration.grpc.pb.h"
#include "unipresence/v1/device_selection.grpc.pb.h"
#include "unipresence/v1/forwarding.grpc.pb.h"
#include "unipresence/v1/presence.grpc.pb.h"
#include "unipresence/v1/provisioning.grpc.pb.h"
#include "unipresence/v1/session.grpc.pb.h"
#include "unipresence/v1/voicemail.grpc.pb.h"

namespace unipresence::testing {

// The engine's sink: encodes into batches while they are wanted.
class BatchMaker final : public UpdateSink {
 public:
  void SetSink(publish::BatchSink* sink) { sink_ = sink; }
  void SetWanted(bool wanted) { wanted_ = wanted; }
  bool wanted() const { return wanted_; }
  void SetMailboxesWanted(bool wanted) { mailboxes_wanted_ = wanted; }
  bool mailboxes_wanted() const { return mailboxes_wanted_; }
  void OnUpdate(const PresenceUpdate& update) override;
  void OnMailbox(const Mailbox& mailbox) override;
  void Flush() override;
  void set_epoch(std::uint64_t epoch) { epoch_ = epoch; }

 private:
  std::uint64_t epoch_ = 0;
  publish::BatchSink* sink_ = nullptr;
  std::atomic<bool> wanted_{false};
  std::shared_ptr<publish::Batch> batch_;
  std::atomic<bool> mailboxes_wanted_{false};
  std::shared_ptr<publish::Batch> mailboxes_;
  publish::ByteBuffer encoded_;
};

// The pipeline: a thread that runs commands.
class CommandThread final : public Executor {
 public:
  CommandThread(Engine& engine, SessionTable& sessions, const Clock& clock,
                PbxControl& pbx_control);
  ~CommandThread() override;

  bool Post(Command command) override;
  // Runs it on the thread and waits.
  void Run(const std::function<void(Core&)>& command);
  // While true every Post is refused, as with a full queue; Run goes through.
  void RefusePosts(bool refuse);
  int refused() const { return refused_; }
  void Stop();

 private:
  void Loop();

  Core core_;
  Mutex mutex_;
  ConditionVariable wake_;
  std::deque<Command> queue_ ABSL_GUARDED_BY(mutex_);
  bool refuse_ ABSL_GUARDED_BY(mutex_) = false;
  std::atomic<int> refused_{0};
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
  std::thread thread_;
};

class GrpcTestServer {
 public:
  static constexpr std::uint64_t kEpoch = 77;
  static constexpr char kPassword[] = "correct horse";

  struct Options {
    ServiceOptions services;
    SessionTable::Options sessions;
    GrpcServer::Options grpc;
    std::string folder;  // of an earlier server, to go on with its store; empty: a fresh one
    std::uint64_t epoch = kEpoch;
    std::map<std::string, std::string> configuration_folders;  // by PBX
    PbxControl* pbx_control = &NoPbxControl();

    Options() {
      services.version = "1.2.3";
      services.watch.tick = std::chrono::milliseconds(5);
      // The fake clock jumps.
      sessions.longest_pause = Duration::max();
      services.watch.longest_pause = Duration::max();
    }
  };

  explicit GrpcTestServer(Options options = {});
  ~GrpcTestServer();

  // Adds a user to store and engine, password kPassword.
  void AddUser(const User& user);
  // alice, bob and carol with both lines, dave with a deskphone only, root as administrator.
  void AddUsers();
  // Users user0 to user(count - 1), in the engine alone: they cannot log in.
  void AddEngineUsers(int count);

  void Run(const std::function<void(Core&)>& command) { thread_->Run(command); }
  void Change(const std::string& device, DeviceState state);
  // What the PBX says of a box such as "101@default".
  void ChangeMailbox(const std::string& mailbox, MailboxCounts counts);
  void Expire();
  std::uint64_t sequence();

  FakeClock& clock() { return clock_; }
  Services& services() { return *services_; }
  const ServiceProbe& probe() const { return services_->probe(); }
  GrpcServer& server() { return *server_; }
  CommandThread& thread() { return *thread_; }
  Store& store() { return *store_; }
  const auth::PasswordHasher& hasher() const { return hasher_; }
  BatchMaker& batches() { return batches_; }
  std::string address() const;
  // A channel of its own connection. With a small window little is on its way to a client that does
  // not read.
  std::shared_ptr<grpc::Channel> NewChannel(bool small_window = false) const;
  // Ends everything in the order of a real server.
  void Stop();

 private:
  const Options options_;
  TempFolder temp_;
  FakeClock clock_;
  std::string password_hash_;
  std::unique_ptr<Store> store_;
  auth::PasswordHasher hasher_;
  BatchMaker batches_;
  publish::PublishProbe publish_probe_;
  std::unique_ptr<Engine> engine_;
  SessionTable sessions_;
  std::unique_ptr<CommandThread> thread_;
  std::unique_ptr<Services> services_;
  std::unique_ptr<GrpcServer> server_;
  PbxIndex pbx_ = 0;
};

// What a failed call says.
v1::ErrorDetail DetailOf(const grpc::Status& status);
v1::ErrorReason ReasonOf(const grpc::Status& status);

// A client with the token of a session, or without one.
class GrpcTestClient {
 public:
  // A call or stream that takes longer hangs.
  static constexpr std::chrono::seconds kDeadline{240};

  explicit GrpcTestClient(GrpcTestServer& server, std::string token = {},
                          bool small_window = false);

  // Logs in with GrpcTestServer::kPassword. Fails the test if that fails.
  static GrpcTestClient LogIn(GrpcTestServer& server, const std::string& username,
                              v1::SessionKind kind = v1::SESSION_KIND_ASSISTANT);

  std::unique_ptr<grpc::ClientContext> Context() const;
  const std::string& token() const { return token_; }
  const std::string& session() const { return session_; }
  const std::shared_ptr<grpc::Channel>& channel() const { return channel_; }

  // One unary call: `Call<v1::PresenceService>(&v1::PresenceService::Stub::GetPresence, request)`.
  template <typename Service, typename Request, typename Response>
  std::pair<grpc::Status, Response> Call(grpc::Status (Service::Stub::*method)(grpc::ClientContext*,
                                                                               const Request&,
                                                                               Response*),
                                         const Request& request) const {
    const auto stub = Service::NewStub(channel_);
    const auto context = Context();
    Response response;
    grpc::Status status = (stub.get()->*method)(context.get(), request, &response);
    return {std::move(status), std::move(response)};
  }

  std::pair<grpc::Status, v1::CreateSessionResponse> CreateSession(const std::string& username,
                                                                   const std::string& password);
  std::pair<grpc::Status, v1::Presence> GetPresence(const std::string& user = {}) const;
  std::pair<grpc::Status, v1::DeviceSelection> SelectDevice(v1::LineKind device,
                                                            const std::string& user = {}) const;
  std::pair<grpc::Status, v1::Session> GetSession(const std::string& id = {}) const;
  std::pair<grpc::Status, v1::Session> KeepAlive() const;
  grpc::Status LogOut(const std::string& id = {}) const;

 private:
  std::shared_ptr<grpc::Channel> channel_;
  std::string token_;
  std::string session_;
};

// A WatchPresences stream and what its client holds.
class GrpcTestWatch {
 public:
  explicit GrpcTestWatch(const GrpcTestClient& client, std::vector<std::string> users = {},
                         std::string resume_token = {}, bool mailboxes = false);
  ~GrpcTestWatch();

  // The next response, applied; nullopt at the end of the stream. A revision that is not newer, or
  // a change that does not join what was told of the user before, fails the test.
  std::optional<v1::WatchPresencesResponse> Read();
  // Reads until CURRENT. False if the stream ends before.
  bool ReadUntilCurrent();
  // Reads until that user has that state. False if the stream ends before.
  bool ReadUntil(const std::string& user, v1::PresenceState state);
  // The status of the stream, which has ended or is cancelled.
  grpc::Status Finish();
  void Cancel() { context_->TryCancel(); }

  const std::map<std::string, v1::Presence>& held() const { return held_; }
  const std::map<std::string, v1::Mailbox>& mailboxes() const { return mailboxes_; }
  const std::string& resume_token() const { return resume_token_; }
  int resets() const { return resets_; }
  int updates() const { return updates_; }
  // Changes that were not seen one by one.
  std::uint64_t merged() const { return merged_; }
  const std::vector<std::string>& removed() const { return removed_; }

 private:
  std::unique_ptr<v1::PresenceService::Stub> stub_;
  std::unique_ptr<grpc::ClientContext> context_;
  std::unique_ptr<grpc::ClientReader<v1::WatchPresencesResponse>> reader_;
  std::map<std::string, v1::Presence> held_;
  std::map<std::string, v1::Mailbox> mailboxes_;
  std::map<std::string, std::uint64_t> revisions_;
  std::vector<std::string> removed_;
  std::string resume_token_;
  int resets_ = 0;
  int updates_ = 0;
  std::uint64_t merged_ = 0;
};

}  // namespace unipresence::testing

#endif  // UNIPRESENCE_TESTS_INTEGRATION_GRPC_TEST_SERVER_H_
