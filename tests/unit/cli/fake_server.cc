#include "tests/unit/cli/fake_server.h"

#include <google/protobuf/any.pb.h>
#include <grpcpp/security/server_credentials.h>
#include <grpcpp/server_builder.h>
#include <unistd.h>

#include <algorithm>

namespace unipresence::cli {

grpc::Status ServerError(grpc::StatusCode code, v1::ErrorReason reason, const std::string& message,
                         const std::map<std::string, std::string>& metadata) {
  v1::ErrorDetail detail;
  detail.set_reason(reason);
  detail.mutable_metadata()->insert(metadata.begin(), metadata.end());
  v1::ErrorStatus status;
  status.set_code(code);
  status.set_message(message);
  status.add_details()->PackFrom(detail);
  return {code, message, status.SerializeAsString()};
}

grpc::Status FakeServer::Caller(const grpc::ServerContext& context, std::string& token) {
  const auto& metadata = context.client_metadata();
  const auto it = metadata.find("authorization");
  const std::string value =
      it == metadata.end() ? "" : std::string(it->second.data(), it->second.size());
  const std::lock_guard lock(mutex_);
  token = value.starts_with("Bearer ") ? value.substr(7) : "";
  if (sessions_.contains(token)) return grpc::Status::OK;
  return ServerError(grpc::StatusCode::UNAUTHENTICATED, v1::ERROR_REASON_SESSION_EXPIRED,
                     "the session has ended");
}

class FakeServer::Sessions : public v1::SessionService::Service {
 public:
  explicit Sessions(FakeServer& fake) : fake_(fake) {}

  grpc::Status CreateSession(grpc::ServerContext*, const v1::CreateSessionRequest* request,
                             v1::CreateSessionResponse* response) override {
    const std::lock_guard lock(fake_.mutex_);
    const auto it = fake_.passwords.find(request->username());
    if (it == fake_.passwords.end() || it->second != request->password()) {
      return ServerError(grpc::StatusCode::UNAUTHENTICATED, v1::ERROR_REASON_BAD_CREDENTIALS,
                         "unknown username or wrong password");
    }
    const std::string number = std::to_string(++fake_.next_session_);
    v1::Session& session = *response->mutable_session();
    session.set_id("session-" + number);
    session.set_user(request->username());
    session.set_kind(request->kind());
    session.set_client_name(request->client_name());
    session.mutable_time_to_live()->set_seconds(fake_.time_to_live.count() / 1'000);
    session.mutable_time_to_live()->set_nanos(
        static_cast<std::int32_t>(fake_.time_to_live.count() % 1'000) * 1'000'000);
    response->set_token("token-" + number);
    fake_.sessions_["token-" + number] = session;
    return grpc::Status::OK;
  }

  grpc::Status GetSession(grpc::ServerContext* context, const v1::GetSessionRequest*,
                          v1::Session* response) override {
    std::string token;
    if (auto status = fake_.Caller(*context, token); !status.ok()) return status;
    const std::lock_guard lock(fake_.mutex_);
    *response = fake_.sessions_[token];
    return grpc::Status::OK;
  }

  grpc::Status DeleteSession(grpc::ServerContext* context, const v1::DeleteSessionRequest* request,
                             google::protobuf::Empty*) override {
    std::string token;
    if (auto status = fake_.Caller(*context, token); !status.ok()) return status;
    const std::lock_guard lock(fake_.mutex_);
    for (auto it = fake_.sessions_.begin(); it != fake_.sessions_.end(); ++it) {
      const bool wanted =
          request->session().empty() ? it->first == token : it->second.id() == request->session();
      if (!wanted) continue;
      fake_.sessions_.erase(it);
      for (grpc::ServerContext* hold : fake_.holds_) hold->TryCancel();
      return grpc::Status::OK;
    }
    return ServerError(grpc::StatusCode::NOT_FOUND, v1::ERROR_REASON_SESSION_NOT_FOUND,
                       "there is no live session");
  }

  grpc::Status HoldSession(
      grpc::ServerContext* context,
      grpc::ServerReaderWriter<v1::HoldSessionResponse, v1::HoldSessionRequest>* stream) override {
    std::string token;
    if (auto status = fake_.Caller(*context, token); !status.ok()) return status;
    {
      const std::lock_guard lock(fake_.mutex_);
      fake_.holds_.insert(context);
      ++fake_.hold_streams_;
    }
    v1::HoldSessionRequest request;
    grpc::Status status;
    while (status.ok() && stream->Read(&request)) {
      {
        const std::lock_guard lock(fake_.mutex_);
        ++fake_.signs_of_life_;
        fake_.changed_.notify_all();
      }
      status = fake_.Caller(*context, token);
      v1::HoldSessionResponse response;
      {
        const std::lock_guard lock(fake_.mutex_);
        if (fake_.sessions_.contains(token)) *response.mutable_session() = fake_.sessions_[token];
      }
      if (status.ok()) stream->Write(response);
    }
    const std::lock_guard lock(fake_.mutex_);
    fake_.holds_.erase(context);
    return status;
  }

 private:
  FakeServer& fake_;
};

class FakeServer::Presences : public v1::PresenceService::Service {
 public:
  explicit Presences(FakeServer& fake) : fake_(fake) {}

  grpc::Status GetPresence(grpc::ServerContext* context, const v1::GetPresenceRequest* request,
                           v1::Presence* response) override {
    std::string token;
    if (auto status = fake_.Caller(*context, token); !status.ok()) return status;
    const std::lock_guard lock(fake_.mutex_);
    const std::string user =
        request->user().empty() ? fake_.sessions_[token].user() : request->user();
    const auto it = fake_.presences.find(user);
    if (it == fake_.presences.end()) {
      return ServerError(grpc::StatusCode::NOT_FOUND, v1::ERROR_REASON_USER_NOT_FOUND,
                         "there is no user '" + user + "'", {{"user", user}});
    }
    *response = it->second;
    return grpc::Status::OK;
  }

  grpc::Status BatchGetPresences(grpc::ServerContext* context,
                                 const v1::BatchGetPresencesRequest* request,
                                 v1::BatchGetPresencesResponse* response) override {
    std::string token;
    if (auto status = fake_.Caller(*context, token); !status.ok()) return status;
    const std::lock_guard lock(fake_.mutex_);
    std::string missing;
    std::size_t named = 0;
    for (const std::string& user : request->users()) {
      const auto it = fake_.presences.find(user);
      if (it != fake_.presences.end()) {
        *response->add_presences() = it->second;
      } else if (++named <= fake_.missing_named) {
        missing += (missing.empty() ? "" : ",") + user;
      }
    }
    if (named == 0) return grpc::Status::OK;
    return ServerError(grpc::StatusCode::NOT_FOUND, v1::ERROR_REASON_USER_NOT_FOUND,
                       "there are no such users", {{"users", missing}});
  }

  grpc::Status ListPresences(grpc::ServerContext* context, const v1::ListPresencesRequest* request,
                             v1::ListPresencesResponse* response) override {
    std::string token;
    if (auto status = fake_.Caller(*context, token); !status.ok()) return status;
    const std::lock_guard lock(fake_.mutex_);
    // Backwards, since nobody promised an order.
    std::size_t size = std::min(static_cast<std::size_t>(request->page_size()), fake_.page_size);
    auto it = fake_.presences.rbegin();
    if (!request->page_token().empty()) {
      it = std::find_if(it, fake_.presences.rend(),
                        [&](const auto& entry) { return entry.first < request->page_token(); });
    }
    for (; it != fake_.presences.rend() && size > 0; ++it, --size) {
      const auto& states = request->states();
      const bool wanted = states.empty() || std::find(states.begin(), states.end(),
                                                      it->second.state()) != states.end();
      if (wanted) *response->add_presences() = it->second;
      response->set_next_page_token(it->first);
    }
    if (it == fake_.presences.rend()) response->clear_next_page_token();
    return grpc::Status::OK;
  }

  grpc::Status WatchPresences(grpc::ServerContext* context,
                              const v1::WatchPresencesRequest* request,
                              WatchWriter* writer) override {
    std::string token;
    if (auto status = fake_.Caller(*context, token); !status.ok()) return status;
    {
      const std::lock_guard lock(fake_.mutex_);
      fake_.watch_requests_.push_back(*request);
    }
    return fake_.on_watch(*request, *writer);
  }

 private:
  FakeServer& fake_;
};

class FakeServer::Provisioning : public v1::ProvisioningService::Service {
 public:
  explicit Provisioning(FakeServer& fake) : fake_(fake) {}

  grpc::Status GetUser(grpc::ServerContext*, const v1::GetUserRequest* request,
                       v1::User* response) override {
    const std::lock_guard lock(fake_.mutex_);
    ++fake_.directory_reads_;
    const auto it = fake_.users.find(request->user());
    if (it == fake_.users.end()) {
      return ServerError(grpc::StatusCode::NOT_FOUND, v1::ERROR_REASON_USER_NOT_FOUND,
                         "there is no such user", {{"user", request->user()}});
    }
    *response = it->second;
    return grpc::Status::OK;
  }

  grpc::Status ListUsers(grpc::ServerContext*, const v1::ListUsersRequest*,
                         v1::ListUsersResponse* response) override {
    const std::lock_guard lock(fake_.mutex_);
    ++fake_.directory_reads_;
    for (const auto& [id, user] : fake_.users) *response->add_users() = user;
    return grpc::Status::OK;
  }

  grpc::Status CreateUser(grpc::ServerContext* context, const v1::CreateUserRequest* request,
                          v1::User* response) override {
    std::string token;
    if (auto status = fake_.Caller(*context, token); !status.ok()) return status;
    const std::lock_guard lock(fake_.mutex_);
    grpc::Status status = fake_.on_create_user(request->user());
    if (status.ok()) fake_.created_users_.push_back(request->user());
    *response = request->user();
    return status;
  }

 private:
  FakeServer& fake_;
};

class FakeServer::Selection : public v1::DeviceSelectionService::Service {
 public:
  explicit Selection(FakeServer& fake) : fake_(fake) {}

  grpc::Status SelectDevice(grpc::ServerContext* context, const v1::SelectDeviceRequest* request,
                            v1::DeviceSelection* response) override {
    std::string token;
    if (auto status = fake_.Caller(*context, token); !status.ok()) return status;
    const std::lock_guard lock(fake_.mutex_);
    response->set_user(request->user().empty() ? fake_.sessions_[token].user() : request->user());
    response->set_selected_device(request->device());
    response->set_device_in_use(v1::LINE_KIND_DESKPHONE);
    return grpc::Status::OK;
  }

 private:
  FakeServer& fake_;
};

class FakeServer::Calls : public v1::CallControlService::Service {
 public:
  explicit Calls(FakeServer& fake) : fake_(fake) {}

  grpc::Status ListCalls(grpc::ServerContext*, const v1::ListCallsRequest*,
                         v1::ListCallsResponse* response) override {
    const std::lock_guard lock(fake_.mutex_);
    for (const v1::Call& call : fake_.calls) *response->add_calls() = call;
    return grpc::Status::OK;
  }
  grpc::Status WatchCalls(grpc::ServerContext*, const v1::WatchCallsRequest* request,
                          CallWriter* writer) override {
    return fake_.on_watch_calls(*request, *writer);
  }
  grpc::Status PlaceCall(grpc::ServerContext*, const v1::PlaceCallRequest* request,
                         v1::Call* response) override {
    response->set_id("main/placed");
    response->set_device("PJSIP/alice");
    response->mutable_other_party()->set_number(request->destination());
    return Note("place", *request);
  }
  grpc::Status HangUpCall(grpc::ServerContext*, const v1::HangUpCallRequest* request,
                          google::protobuf::Empty*) override {
    return Note("hangup", *request);
  }
  grpc::Status TransferCall(grpc::ServerContext*, const v1::TransferCallRequest* request,
                            google::protobuf::Empty*) override {
    return Note("transfer", *request);
  }
  grpc::Status StartAttendedTransfer(grpc::ServerContext*,
                                     const v1::StartAttendedTransferRequest* request,
                                     v1::StartAttendedTransferResponse* response) override {
    response->mutable_call()->mutable_other_party()->set_name("Bob");
    response->mutable_consultation()->mutable_other_party()->set_number(request->destination());
    return Note("start", *request);
  }
  grpc::Status CompleteAttendedTransfer(grpc::ServerContext*,
                                        const v1::CompleteAttendedTransferRequest* request,
                                        google::protobuf::Empty*) override {
    return Note("complete", *request);
  }
  grpc::Status CancelAttendedTransfer(grpc::ServerContext*,
                                      const v1::CancelAttendedTransferRequest* request,
                                      v1::Call* response) override {
    response->set_id(request->call());
    return Note("cancel", *request);
  }

 private:
  // Calls named "gone" have ended.
  template <typename Request>
  grpc::Status Note(const std::string& name, const Request& request) {
    const std::lock_guard lock(fake_.mutex_);
    fake_.call_commands_.push_back(name + " " + request.ShortDebugString());
    if (request.ShortDebugString().find("call: \"gone\"") == std::string::npos) {
      return grpc::Status::OK;
    }
    return ServerError(grpc::StatusCode::NOT_FOUND, v1::ERROR_REASON_CALL_NOT_FOUND,
                       "'alice' has no call 'gone'");
  }

  FakeServer& fake_;
};

class FakeServer::Voicemail : public v1::VoicemailService::Service {
 public:
  explicit Voicemail(FakeServer& fake) : fake_(fake) {}

  grpc::Status GetMailbox(grpc::ServerContext* context, const v1::GetMailboxRequest* request,
                          v1::Mailbox* response) override {
    std::string token;
    if (auto status = fake_.Caller(*context, token); !status.ok()) return status;
    const std::lock_guard lock(fake_.mutex_);
    const std::string& user =
        request->user().empty() ? fake_.sessions_[token].user() : request->user();
    const auto box = fake_.mailboxes.find(user);
    if (box == fake_.mailboxes.end()) {
      return ServerError(grpc::StatusCode::NOT_FOUND, v1::ERROR_REASON_MAILBOX_NOT_FOUND,
                         "'" + user + "' has no voicemail box; show none", {{"user", user}});
    }
    *response = box->second;
    return grpc::Status::OK;
  }

 private:
  FakeServer& fake_;
};

FakeServer::FakeServer() {
  services_.push_back(std::make_unique<Sessions>(*this));
  services_.push_back(std::make_unique<Presences>(*this));
  services_.push_back(std::make_unique<Provisioning>(*this));
  services_.push_back(std::make_unique<Selection>(*this));
  services_.push_back(std::make_unique<Voicemail>(*this));
  services_.push_back(std::make_unique<Calls>(*this));
  on_create_user = [](const v1::User&) { return grpc::Status::OK; };
}

FakeServer::~FakeServer() { Stop(); }

void FakeServer::Start(const std::string& folder) {
  address_ = "unix:" + folder + "/grpc.sock";
  unlink((folder + "/grpc.sock").c_str());
  grpc::ServerBuilder builder;
  builder.AddListeningPort(address_, grpc::InsecureServerCredentials());
  for (const auto& service : services_) builder.RegisterService(service.get());
  server_ = builder.BuildAndStart();
}

void FakeServer::Stop() {
  if (server_ == nullptr) return;
  server_->Shutdown(std::chrono::system_clock::now());
  server_->Wait();
  server_.reset();
}

std::set<std::string> FakeServer::Tokens() {
  const std::lock_guard lock(mutex_);
  std::set<std::string> tokens;
  for (const auto& [token, session] : sessions_) tokens.insert(token);
  return tokens;
}

void FakeServer::EndSessions() {
  const std::lock_guard lock(mutex_);
  sessions_.clear();
}

void FakeServer::WaitForSignsOfLife(int count) {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [&] { return signs_of_life_ >= count; });
}

}  // namespace unipresence::cli
