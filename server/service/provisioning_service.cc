#include "server/service/provisioning_service.h"

#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <utility>

#include "absl/strings/ascii.h"
#include "aggregator/base/status_macros.h"
#include "aggregator/base/strings.h"
#include "server/account/last_administrator.h"
#include "server/auth/password.h"
#include "server/service/page.h"
#include "server/service/status.h"
#include "server/service/unanswered_stream.h"
#include "server/service/user_message.h"

namespace unipresence {
namespace {

constexpr std::string_view kNoCsv =
    "this server does not import or export CSV files; use CreateUser and ListUsers";

// Rows that one command on the store looks at, when a query passes few of them.
constexpr std::size_t kMaxScan = 2000;
constexpr std::size_t kRowsAtOnce = 250;

UserDetail DetailFor(const Caller& caller, std::string_view user) {
  return caller.role == Role::kAdministrator || caller.user == user ? UserDetail::kFull
                                                                    : UserDetail::kDirectory;
}

// NOT_FOUND: PBX_NOT_FOUND, for a line on a PBX that the configuration does not have.
absl::Status CheckPbxs(const Core& core, const User& user) {
  const std::vector<PbxStatus>& pbxs = core.engine.pbxs();
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
                 {{"field", "user.password"}, {"allowed", "8 to 128 bytes"}});
}

struct UserPage {
  std::vector<StoredUser> users;
  std::string next;  // id of the last one looked at; empty: no more
};

absl::StatusOr<UserPage> ReadPage(Store& store, std::string after, std::size_t size,
                                  const std::string& query) {
  UserPage page;
  for (std::size_t scanned = 0; scanned < kMaxScan;) {
    UNIPRESENCE_ASSIGN_OR_RETURN(std::vector<StoredUser> rows, store.ListUsers(after, kRowsAtOnce));
    for (StoredUser& row : rows) {
      if (page.users.size() == size) {
        page.next = after;
        return page;
      }
      after = row.user.id;
      if (MatchesQuery(row.user, query)) page.users.push_back(std::move(row));
    }
    if (rows.size() < kRowsAtOnce) return page;
    scanned += rows.size();
  }
  page.next = after;
  return page;
}

}  // namespace

grpc::ServerUnaryReactor* ProvisioningService::GetUser(grpc::CallbackServerContext* context,
                                                       const v1::GetUserRequest* request,
                                                       v1::User* response) {
  using Call = UnaryCall<v1::GetUserRequest, v1::User>;
  return RunUnary(shared_, Method::kGetUser, context, request, response, [this](Call call) {
    const std::string user = call.request.user().empty() ? call.caller.user : call.request.user();
    shared_.store.Call<StoredUser>(
        [user](Store& store) { return store.GetUser(user); },
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
  return RunUnary(shared_, Method::kListUsers, context, request, response, [this](Call call) {
    const absl::StatusOr<std::size_t> size = PageSize(call.request.page_size());
    if (!size.ok()) return std::move(call.reply).Fail(size.status());
    const std::string parameters = ParametersOf(call.request);
    const absl::StatusOr<std::string> after =
        ParsePageToken(Method::kListUsers, parameters, call.request.page_token());
    if (!after.ok()) return std::move(call.reply).Fail(after.status());
    shared_.store.Call<UserPage>(
        [after = *after, size = *size, query = absl::AsciiStrToLower(ToAbsl(call.request.query()))](
            Store& store) { return ReadPage(store, after, size, query); },
        [caller = call.caller, parameters,
         reply = std::move(call.reply)](absl::StatusOr<UserPage> page) mutable {
          if (!page.ok()) return std::move(reply).Fail(FromStore(page.status(), {}));
          for (const StoredUser& user : page->users) {
            FillUser(user, DetailFor(caller, user.user.id), *reply.response().add_users());
          }
          if (!page->next.empty()) {
            reply.response().set_next_page_token(
                MakePageToken(Method::kListUsers, parameters, page->next));
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
  return RunUnary(shared_, Method::kCreateUser, context, request, response, [this](Call call) {
    absl::StatusOr<User> user = UserFromMessage(call.request.user());
    if (!user.ok()) return std::move(call.reply).Fail(user.status());
    if (absl::Status pbxs = CheckPbxs(call.core, *user); !pbxs.ok()) {
      return std::move(call.reply).Fail(pbxs);
    }
    WithHash(call.request.user().password(), std::move(call.reply),
             [this, user = *std::move(user)](std::string hash, Reply<v1::User> reply) mutable {
               Create(std::move(user), std::move(hash), std::move(reply));
             });
  });
}

void ProvisioningService::Create(User user, std::string password_hash, Reply<v1::User> reply) {
  const std::string id = user.id;
  shared_.store.Call<StoredUser>(
      [user = NewUser{.user = std::move(user), .password_hash = std::move(password_hash)}](
          Store& store) -> absl::StatusOr<StoredUser> {
        UNIPRESENCE_RETURN_IF_ERROR(store.CreateUser(user));
        return store.GetUser(user.user.id);
      },
      [this, id, reply = std::move(reply)](absl::StatusOr<StoredUser> stored) mutable {
        if (!stored.ok()) return std::move(reply).Fail(FromStore(stored.status(), id));
        PostDurable(shared_,
                    [stored = *std::move(stored), reply = std::move(reply)](Core& core) mutable {
                      if (absl::Status added = core.engine.AddUser(stored.user, {}); !added.ok()) {
                        return std::move(reply).Fail(absl::InternalError(added.message()));
                      }
                      FillUser(stored, UserDetail::kFull, reply.response());
                      std::move(reply).Ok();
                    });
      });
}

struct ProvisioningService::Update {
  Reply<v1::User> reply;
  v1::User message;
  std::vector<std::string> paths;
  std::string password_hash;
  bool new_password = false;
  bool ends_sessions = false;
};

grpc::ServerUnaryReactor* ProvisioningService::UpdateUser(grpc::CallbackServerContext* context,
                                                          const v1::UpdateUserRequest* request,
                                                          v1::User* response) {
  using Call = UnaryCall<v1::UpdateUserRequest, v1::User>;
  return RunUnary(shared_, Method::kUpdateUser, context, request, response, [this](Call call) {
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
    WithHash(new_password ? message.password() : std::string(), std::move(call.reply),
             [this, message, paths = *std::move(paths), new_password](
                 std::string hash, Reply<v1::User> reply) mutable {
               CommitUpdate(std::make_unique<Update>(Update{.reply = std::move(reply),
                                                            .message = std::move(message),
                                                            .paths = std::move(paths),
                                                            .password_hash = std::move(hash),
                                                            .new_password = new_password}));
             });
  });
}

void ProvisioningService::CommitUpdate(std::unique_ptr<Update> update) {
  Update& kept = *update;  // lives until the answer, which comes after the work
  shared_.store.Call<StoredUser>(
      [&kept](Store& store) -> absl::StatusOr<StoredUser> {
        const std::string& id = kept.message.id();
        UNIPRESENCE_ASSIGN_OR_RETURN(const StoredUser before, store.GetUser(id));
        UNIPRESENCE_RETURN_IF_ERROR(CheckEtag(before, kept.message.etag()));
        User user = before.user;
        UNIPRESENCE_RETURN_IF_ERROR(ApplyUpdate(kept.message, kept.paths, user));
        kept.ends_sessions = kept.new_password || user.role != before.user.role;
        UNIPRESENCE_RETURN_IF_ERROR(store.UpdateUser(user));
        if (kept.new_password) {
          UNIPRESENCE_RETURN_IF_ERROR(store.SetPasswordHash(id, kept.password_hash));
        }
        UNIPRESENCE_RETURN_IF_ERROR(CheckSomebodyAdministers(store, before));
        if (kept.ends_sessions) {
          UNIPRESENCE_RETURN_IF_ERROR(store.DeleteSessionsOfUser(id).status());
        }
        return store.GetUser(id);
      },
      [this, update = std::move(update)](absl::StatusOr<StoredUser> stored) mutable {
        if (!stored.ok()) {
          return std::move(update->reply).Fail(FromStore(stored.status(), update->message.id()));
        }
        ApplyUpdated(std::move(update), *stored);
      });
}

void ProvisioningService::ApplyUpdated(std::unique_ptr<Update> update, const StoredUser& stored) {
  PostDurable(shared_, [this, update = std::move(update), stored](Core& core) {
    const std::string& id = stored.user.id;
    if (absl::Status updated = core.engine.UpdateUser(stored.user); !updated.ok()) {
      return std::move(update->reply).Fail(UserNotFound(id));
    }
    // A choice whose line is gone is forgotten. Refused for a user with one line: nothing to
    // choose.
    core.engine.SelectDevice(id, stored.settings.selected_device.value_or(LineKind::kWebrtc))
        .IgnoreError();
    if (update->ends_sessions) {
      shared_.sessions.EndOfUser(core, id, CauseKind::kLogout);
    }
    FillUser(stored, UserDetail::kFull, update->reply.response());
    std::move(update->reply).Ok();
  });
}

grpc::ServerUnaryReactor* ProvisioningService::DeleteUser(grpc::CallbackServerContext* context,
                                                          const v1::DeleteUserRequest* request,
                                                          google::protobuf::Empty* response) {
  using Call = UnaryCall<v1::DeleteUserRequest, google::protobuf::Empty>;
  return RunUnary(shared_, Method::kDeleteUser, context, request, response, [this](Call call) {
    const std::string id = call.request.user();
    if (id.empty()) {
      return std::move(call.reply).Fail(FieldRequired("user", "give the id of the user"));
    }
    shared_.store.Submit(
        [id, etag = call.request.etag()](Store& store) -> absl::Status {
          UNIPRESENCE_ASSIGN_OR_RETURN(const StoredUser user, store.GetUser(id));
          UNIPRESENCE_RETURN_IF_ERROR(CheckEtag(user, etag));
          UNIPRESENCE_RETURN_IF_ERROR(store.DeleteUser(id));
          return CheckSomebodyAdministers(store, user);
        },
        [this, id, reply = std::move(call.reply)](const absl::Status& deleted) mutable {
          if (!deleted.ok()) return std::move(reply).Fail(FromStore(deleted, id));
          PostDurable(shared_, [this, id, reply = std::move(reply)](Core& core) mutable {
            // NOT_FOUND: deleted twice at once; it is gone.
            core.engine.RemoveUser(id).IgnoreError();
            shared_.sessions.EndOfUser(core, id, CauseKind::kUserDeleted);
            std::move(reply).Ok();
          });
        });
  });
}

grpc::ServerReadReactor<v1::ImportUsersRequest>* ProvisioningService::ImportUsers(
    grpc::CallbackServerContext* context, v1::ImportUsersResponse*) {
  return NotYetStream<grpc::ServerReadReactor<v1::ImportUsersRequest>>(
      shared_, Method::kImportUsers, *context, kNoCsv);
}

grpc::ServerWriteReactor<v1::ExportUsersResponse>* ProvisioningService::ExportUsers(
    grpc::CallbackServerContext* context, const v1::ExportUsersRequest*) {
  return NotYetStream<grpc::ServerWriteReactor<v1::ExportUsersResponse>>(
      shared_, Method::kExportUsers, *context, kNoCsv);
}

grpc::ServerWriteReactor<v1::RenderAsteriskConfigurationResponse>*
ProvisioningService::RenderAsteriskConfiguration(
    grpc::CallbackServerContext* context, const v1::RenderAsteriskConfigurationRequest* request) {
  return configuration_.Render(context, request);
}

grpc::ServerUnaryReactor* ProvisioningService::ApplyAsteriskConfiguration(
    grpc::CallbackServerContext* context, const v1::ApplyAsteriskConfigurationRequest* request,
    v1::ApplyAsteriskConfigurationResponse* response) {
  return configuration_.Apply(context, request, response);
}

}  // namespace unipresence
