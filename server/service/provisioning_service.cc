#include "server/service/provisioning_service.h"

#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <utility>

#include "aggregator/base/status_macros.h"
#include "aggregator/base/strings.h"
#include "server/account/failure.h"
#include "server/auth/password.h"
#include "server/service/page.h"
#include "server/service/status.h"
#include "server/service/user_message.h"

namespace unipresence {
namespace {

constexpr std::string_view kNoCsv =
    "this server does not import or export CSV files; use CreateUser and ListUsers";

// Of a response with a rendered file; far below gRPC's limit of 4 MiB.
constexpr std::size_t kPieceBytes = 64 << 10;

UserDetail DetailFor(const Caller& caller, std::string_view user) {
  return caller.role == Role::kAdministrator || caller.user == user ? UserDetail::kFull
                                                                    : UserDetail::kDirectory;
}

// NOT_FOUND: PBX_NOT_FOUND, for a line on a PBX that the configuration does not have.
absl::Status CheckPbxs(const Core& core, const User& user) {
  const PbxTable& pbxs = core.pbxs;
  for (const Line& line : user.lines) {
    if (std::any_of(pbxs.begin(), pbxs.end(), [&](const PbxStatus& pbx) {
          return !pbx.address.empty() && pbx.name == line.pbx;
        })) {
      continue;
    }
    return Failure(v1::ERROR_REASON_PBX_NOT_FOUND,
                   fmt::format("lines.pbx: the configuration has no PBX '{}'", line.pbx),
                   {{"pbx", line.pbx}});
  }
  return absl::OkStatus();
}

absl::Status CheckPassword(std::string_view password) {
  const absl::Status valid = auth::ValidatePassword(password);
  if (valid.ok()) return valid;
  return Failure(v1::ERROR_REASON_FIELD_INVALID, FromAbsl(valid.message()),
                 {{"field", "user.password"},
                  {"allowed", "8 to 128 bytes of UTF-8 without control characters"}});
}

// Answers with the user as he is now.
UserCommands::Done AnswerWith(Reply<v1::User> reply) {
  return [reply = std::move(reply)](absl::StatusOr<StoredUser> stored) mutable {
    if (!stored.ok()) return std::move(reply).Fail(stored.status());
    FillUser(*stored, UserDetail::kFull, reply.response());
    std::move(reply).Ok();
  };
}

void FillSkipped(const std::vector<SkippedUser>& skipped,
                 google::protobuf::RepeatedPtrField<v1::SkippedUser>& out) {
  for (const SkippedUser& user : skipped) {
    v1::SkippedUser& message = *out.Add();
    message.set_user(user.id);
    message.set_message(user.message);
  }
}

v1::ApplyOutcome ToProto(AppliedConfiguration::Outcome outcome) {
  switch (outcome) {
    case AppliedConfiguration::Outcome::kUnchanged:
      return v1::APPLY_OUTCOME_UNCHANGED;
    case AppliedConfiguration::Outcome::kValidated:
      return v1::APPLY_OUTCOME_VALIDATED;
    case AppliedConfiguration::Outcome::kApplied:
      return v1::APPLY_OUTCOME_APPLIED;
  }
  __builtin_unreachable();
}

void FillApplied(AppliedConfiguration applied, v1::ApplyAsteriskConfigurationResponse& out) {
  out.set_outcome(ToProto(applied.outcome));
  FillSkipped(applied.skipped, *out.mutable_skipped_users());
  for (ConfigurationChange& change : applied.changes) {
    v1::ConfigurationChange& message = *out.add_changes();
    message.set_path(std::move(change.path));
    message.set_diff(std::move(change.diff));
    message.set_truncated(change.truncated);
  }
}

using RenderReactor = grpc::ServerWriteReactor<v1::RenderAsteriskConfigurationResponse>;

// A response that is being streamed. It deletes itself when gRPC is done with it.
class RenderStream final : public RenderReactor {
 public:
  explicit RenderStream(const ServiceContext& shared) : shared_(shared) {}

  // One of both, once.
  void Send(RenderedConfiguration rendered) {
    files_ = std::move(rendered.files);
    FillSkipped(rendered.skipped, *response_.mutable_skipped_users());
    Next();
  }
  void Fail(const absl::Status& status) {
    Finish(AnswerOf(shared_, MethodOf<v1::RenderAsteriskConfigurationRequest>(), status));
  }

  void OnWriteDone(bool ok) override {
    if (!ok) return Fail(absl::CancelledError("the client ended the stream"));
    response_.clear_skipped_users();
    Next();
  }
  void OnDone() override { delete this; }

 private:
  void Next() {
    if (file_ == files_.size()) return Fail(absl::OkStatus());
    const TextFile& file = files_[file_];
    response_.set_path(file.path);
    response_.set_content(file.content.substr(offset_, kPieceBytes));
    offset_ += kPieceBytes;
    if (offset_ >= file.content.size()) {
      ++file_;
      offset_ = 0;
    }
    StartWrite(&response_);
  }

  const ServiceContext& shared_;
  std::vector<TextFile> files_;
  std::size_t file_ = 0;
  std::size_t offset_ = 0;
  v1::RenderAsteriskConfigurationResponse response_;
};

// The obligation to answer: dropped by a full queue or a stopping thread, the client is told so.
struct FailDropped {
  const ServiceContext* shared;
  void operator()(RenderStream* stream) const {
    stream->Fail(shared->stopping ? ServerStopping() : ServerOverloaded());
  }
};
using RenderReply = std::unique_ptr<RenderStream, FailDropped>;

}  // namespace

grpc::ServerUnaryReactor* ProvisioningService::GetUser(grpc::CallbackServerContext* context,
                                                       const v1::GetUserRequest* request,
                                                       v1::User* response) {
  using Call = UnaryCall<v1::GetUserRequest, v1::User>;
  return RunUnary(shared_, context, request, response, [this](Call call) {
    const std::string user = call.request.user().empty() ? call.caller.user : call.request.user();
    CallOrRefuse<StoredUser>(
        shared_.store, [user](Transaction& transaction) { return transaction.users.Get(user); },
        [user, detail = DetailFor(call.caller, user),
         reply = std::move(call.reply)](absl::StatusOr<StoredUser> stored) mutable {
          if (!stored.ok()) return std::move(reply).Fail(FromStore(stored.status(), user));
          // The one rpc that shows secrets: a listing of them would be a gift to a thief.
          FillUser(*stored, detail == UserDetail::kFull ? UserDetail::kWithSecrets : detail,
                   reply.response());
          std::move(reply).Ok();
        });
  });
}

grpc::ServerUnaryReactor* ProvisioningService::ListUsers(grpc::CallbackServerContext* context,
                                                         const v1::ListUsersRequest* request,
                                                         v1::ListUsersResponse* response) {
  using Call = UnaryCall<v1::ListUsersRequest, v1::ListUsersResponse>;
  return RunUnary(shared_, context, request, response, [this](Call call) {
    const absl::StatusOr<std::size_t> size = PageSize(call.request.page_size());
    if (!size.ok()) return std::move(call.reply).Fail(size.status());
    const std::string parameters = ParametersOf(call.request);
    const absl::StatusOr<std::string> after =
        ParsePageToken(MethodOf<v1::ListUsersRequest>(), parameters, call.request.page_token());
    if (!after.ok()) return std::move(call.reply).Fail(after.status());
    CallReadOrRefuse<UserPage>(
        shared_.store,
        [after = *after, size = *size, query = call.request.query()](const Snapshot& snapshot) {
          return snapshot.users.List({.text = query}, {.after = after, .limit = size});
        },
        [caller = call.caller, parameters,
         reply = std::move(call.reply)](absl::StatusOr<UserPage> page) mutable {
          if (!page.ok()) return std::move(reply).Fail(FromStore(page.status(), {}));
          for (const StoredUser& user : page->users) {
            FillUser(user, DetailFor(caller, user.user.id), *reply.response().add_users());
          }
          if (!page->next.empty()) {
            reply.response().set_next_page_token(
                MakePageToken(MethodOf<v1::ListUsersRequest>(), parameters, page->next));
          }
          std::move(reply).Ok();
        });
  });
}

template <typename Then>
void ProvisioningService::WithHash(const std::string& password, Reply<v1::User> reply, Then then) {
  if (password.empty()) return then(std::string(), std::move(reply));
  if (absl::Status valid = CheckPassword(password); !valid.ok()) {
    return std::move(reply).Fail(valid);
  }
  hasher_.Hash(password, [reply = std::move(reply),
                          then = std::move(then)](absl::StatusOr<std::string> hash) mutable {
    if (!hash.ok()) return std::move(reply).Fail(ServerOverloaded());
    then(*std::move(hash), std::move(reply));
  });
}

grpc::ServerUnaryReactor* ProvisioningService::CreateUser(grpc::CallbackServerContext* context,
                                                          const v1::CreateUserRequest* request,
                                                          v1::User* response) {
  using Call = UnaryCall<v1::CreateUserRequest, v1::User>;
  return RunUnary(shared_, context, request, response, [this](Call call) {
    absl::StatusOr<User> user = UserFromMessage(call.request.user());
    if (!user.ok()) return std::move(call.reply).Fail(user.status());
    if (absl::Status pbxs = CheckPbxs(call.core, *user); !pbxs.ok()) {
      return std::move(call.reply).Fail(pbxs);
    }
    WithHash(call.request.user().password(), std::move(call.reply),
             [this, user = *std::move(user)](std::string hash, Reply<v1::User> reply) mutable {
               users_.Create({.user = std::move(user), .password_hash = std::move(hash)},
                             AnswerWith(std::move(reply)));
             });
  });
}

grpc::ServerUnaryReactor* ProvisioningService::UpdateUser(grpc::CallbackServerContext* context,
                                                          const v1::UpdateUserRequest* request,
                                                          v1::User* response) {
  using Call = UnaryCall<v1::UpdateUserRequest, v1::User>;
  return RunUnary(shared_, context, request, response, [this](Call call) {
    const v1::User& message = call.request.user();
    if (message.id().empty()) {
      return std::move(call.reply).Fail(FieldRequired("user.id", "give the id of the user"));
    }
    absl::StatusOr<std::vector<std::string>> paths = UpdatePaths(call.request);
    if (!paths.ok()) return std::move(call.reply).Fail(paths.status());
    const bool new_password = std::find(paths->begin(), paths->end(), "password") != paths->end();
    const bool new_lines = std::find(paths->begin(), paths->end(), "lines") != paths->end();
    if (new_lines) {
      User lines{.id = message.id()};
      for (const v1::Line& line : message.lines()) lines.lines.push_back({.pbx = line.pbx()});
      if (absl::Status status = CheckPbxs(call.core, lines); !status.ok()) {
        return std::move(call.reply).Fail(status);
      }
    }
    UserCommands::Update update{
        .user = message.id(),
        .edit = [message, paths = *std::move(paths)](const StoredUser& before, User& user) {
          UNIPRESENCE_RETURN_IF_ERROR(CheckEtag(before, message.etag()));
          return ApplyUpdate(message, paths, user);
        }};
    WithHash(new_password ? message.password() : std::string(), std::move(call.reply),
             [this, update = std::move(update), new_password](std::string hash,
                                                              Reply<v1::User> reply) mutable {
               if (new_password) update.password_hash = std::move(hash);
               users_.Change(std::move(update), AnswerWith(std::move(reply)));
             });
  });
}

grpc::ServerUnaryReactor* ProvisioningService::DeleteUser(grpc::CallbackServerContext* context,
                                                          const v1::DeleteUserRequest* request,
                                                          google::protobuf::Empty* response) {
  using Call = UnaryCall<v1::DeleteUserRequest, google::protobuf::Empty>;
  return RunUnary(shared_, context, request, response, [this](Call call) {
    const std::string id = call.request.user();
    if (id.empty()) {
      return std::move(call.reply).Fail(FieldRequired("user", "give the id of the user"));
    }
    users_.Delete(
        id,
        [etag = call.request.etag()](const StoredUser& before) { return CheckEtag(before, etag); },
        [reply = std::move(call.reply)](const absl::Status& deleted) mutable {
          if (!deleted.ok()) return std::move(reply).Fail(deleted);
          std::move(reply).Ok();
        });
  });
}

grpc::ServerReadReactor<v1::ImportUsersRequest>* ProvisioningService::ImportUsers(
    grpc::CallbackServerContext* context, v1::ImportUsersResponse*) {
  return NotYetStream<grpc::ServerReadReactor<v1::ImportUsersRequest>>(
      shared_, MethodOf<v1::ImportUsersRequest>(), *context, kNoCsv);
}

grpc::ServerWriteReactor<v1::ExportUsersResponse>* ProvisioningService::ExportUsers(
    grpc::CallbackServerContext* context, const v1::ExportUsersRequest*) {
  return NotYetStream<grpc::ServerWriteReactor<v1::ExportUsersResponse>>(
      shared_, MethodOf<v1::ExportUsersRequest>(), *context, kNoCsv);
}

RenderReactor* ProvisioningService::RenderAsteriskConfiguration(
    grpc::CallbackServerContext* context, const v1::RenderAsteriskConfigurationRequest* request) {
  auto* const stream = new RenderStream(shared_);
  RenderReply reply(stream, FailDropped{&shared_});
  const absl::StatusOr<SessionKey> key = KeyOf(*context);
  if (!key.ok()) {
    reply.release()->Fail(key.status());
    return stream;
  }
  shared_.executor.Post(
      [this, key = *key, pbx = request->pbx(), reply = std::move(reply)](Core& core) mutable {
        const absl::StatusOr<Caller> caller = shared_.sessions.Authenticate(core, key);
        absl::Status status = caller.status();
        if (status.ok())
          status = Authorize(MethodOf<v1::RenderAsteriskConfigurationRequest>(), *caller, {});
        if (!status.ok()) return reply.release()->Fail(status);
        configuration_.Render(
            core, pbx,
            [reply = std::move(reply)](absl::StatusOr<RenderedConfiguration> rendered) mutable {
              if (!rendered.ok()) return reply.release()->Fail(rendered.status());
              reply.release()->Send(*std::move(rendered));
            });
      });
  return stream;
}

grpc::ServerUnaryReactor* ProvisioningService::ApplyAsteriskConfiguration(
    grpc::CallbackServerContext* context, const v1::ApplyAsteriskConfigurationRequest* request,
    v1::ApplyAsteriskConfigurationResponse* response) {
  using Call =
      UnaryCall<v1::ApplyAsteriskConfigurationRequest, v1::ApplyAsteriskConfigurationResponse>;
  return RunUnary(shared_, context, request, response, [this](Call call) {
    configuration_.Apply(
        call.core, call.request.pbx(), call.request.validate_only(),
        [reply = std::move(call.reply)](absl::StatusOr<AppliedConfiguration> applied) mutable {
          if (!applied.ok()) return std::move(reply).Fail(applied.status());
          FillApplied(*std::move(applied), reply.response());
          std::move(reply).Ok();
        });
  });
}

}  // namespace unipresence
