// users add, update, list, get, delete.

#include <fmt/format.h>

#include <string>
#include <utility>
#include <vector>

#include "aggregator/base/status_macros.h"
#include "aggregator/base/strings.h"
#include "clients/cli/commands/commands.h"
#include "clients/cli/commands/pages.h"
#include "clients/cli/commands/results.h"
#include "clients/cli/format_json.h"
#include "clients/cli/format_table.h"
#include "clients/cli/password.h"
#include "clients/cli/user_message.h"
#include "unipresence/v1/administration.grpc.pb.h"
#include "unipresence/v1/provisioning.grpc.pb.h"

namespace unipresence::cli {
namespace {

using Stub = v1::ProvisioningService::Stub;

bool GivesPassword(const PasswordSource& source) {
  return source.from_stdin || !source.file.empty();
}

// With several PBXs the person must say which one a line is on; with one it is that one.
absl::Status CompletePbx(CommandContext& context, UserFlags& flags) {
  if (!NeedsPbx(flags)) return absl::OkStatus();
  UNIPRESENCE_ASSIGN_OR_RETURN(
      const v1::ListPbxsResponse page,
      context.Call(&v1::AdministrationService::Stub::ListPbxs, v1::ListPbxsRequest()));
  if (page.pbxs_size() == 1) flags.pbx = page.pbxs(0).name();
  return absl::OkStatus();
}

absl::Status SetPassword(const PasswordSource& source, v1::User& user) {
  UNIPRESENCE_ASSIGN_OR_RETURN(std::string password, ReadPassword(source, ""));
  user.set_password(std::move(password));
  return absl::OkStatus();
}

absl::Status SetVoicemailPassword(const UserFlags& flags, v1::User& user) {
  if (!flags.voicemail_password_file) return absl::OkStatus();
  UNIPRESENCE_ASSIGN_OR_RETURN(std::string password,
                               ReadPassword({.file = *flags.voicemail_password_file}, ""));
  user.mutable_voicemail()->set_password(std::move(password));
  return absl::OkStatus();
}

absl::StatusOr<std::vector<v1::User>> UsersToAdd(const UsersAddOptions& options,
                                                 CommandContext& context) {
  std::vector<v1::User> users;
  if (!options.file.empty()) {
    UNIPRESENCE_ASSIGN_OR_RETURN(const std::vector<config::UserSeed> seeds,
                                 config::LoadUsers(options.file));
    for (const config::UserSeed& seed : seeds) {
      UNIPRESENCE_ASSIGN_OR_RETURN(v1::User user, ToMessage(seed));
      users.push_back(std::move(user));
    }
    return users;
  }
  v1::User& user = users.emplace_back();
  user.set_id(options.id);
  UserFlags flags = options.flags;
  UNIPRESENCE_RETURN_IF_ERROR(CompletePbx(context, flags));
  UNIPRESENCE_RETURN_IF_ERROR(ApplyFlags(flags, user).status());
  UNIPRESENCE_RETURN_IF_ERROR(SetVoicemailPassword(flags, user));
  if (GivesPassword(flags.password)) UNIPRESENCE_RETURN_IF_ERROR(SetPassword(flags.password, user));
  return users;
}

// Would the server refuse the next user for the same reason?
bool ConcernsAll(const absl::Status& status) {
  switch (status.code()) {
    case absl::StatusCode::kInvalidArgument:
    case absl::StatusCode::kAlreadyExists:
    case absl::StatusCode::kNotFound:  // the PBX of a line
    case absl::StatusCode::kFailedPrecondition:
      return false;
    default:
      return true;
  }
}

// The same error with the user's id in front.
absl::Status About(const std::string& id, const absl::Status& status) {
  absl::Status result(status.code(),
                      ToAbsl(fmt::format("user '{}': {}", id, FromAbsl(status.message()))));
  status.ForEachPayload(
      [&](absl::string_view url, const absl::Cord& payload) { result.SetPayload(url, payload); });
  return result;
}

// Deletes or adds one after the other, tells each error but the last, which is returned.
class Tally {
 public:
  explicit Tally(CommandContext& context) : context_(context) {}

  // False if going on makes no sense.
  bool Count(const std::string& id, const absl::Status& status) {
    if (status.ok()) return true;
    if (!last_.ok()) context_.Report(last_);
    last_ = About(id, status);
    return !ConcernsAll(status);
  }

  const absl::Status& last() const { return last_; }

 private:
  CommandContext& context_;
  absl::Status last_;
};

}  // namespace

absl::Status RunCommand(const UsersAddOptions& options, CommandContext& context) {
  UNIPRESENCE_RETURN_IF_ERROR(context.Connect());
  UNIPRESENCE_ASSIGN_OR_RETURN(const std::vector<v1::User> users, UsersToAdd(options, context));
  Tally tally(context);
  for (const v1::User& user : users) {
    v1::CreateUserRequest request;
    *request.mutable_user() = user;
    const absl::StatusOr<v1::User> created = context.Call(&Stub::CreateUser, request);
    const bool exists = client::DetailOf(created.status()).reason() == v1::ERROR_REASON_USER_EXISTS;
    if (exists && options.skip_existing) {
      context.Print(DoneJson("SKIPPED", "id", user.id()),
                    fmt::format("{} exists already", Shown(user.id())));
      continue;
    }
    if (created.ok()) {
      context.Print(UserJson(*created), fmt::format("added {}", Shown(created->id())));
    }
    if (!tally.Count(user.id(), created.status())) break;
  }
  return tally.last();
}

absl::Status RunCommand(const UsersUpdateOptions& options, CommandContext& context) {
  UNIPRESENCE_RETURN_IF_ERROR(context.Connect());
  UserFlags flags = options.flags;
  v1::GetUserRequest get;
  get.set_user(options.id);
  UNIPRESENCE_ASSIGN_OR_RETURN(v1::User user, context.Call(&Stub::GetUser, get));
  // A device of a line that there is already stays on its PBX.
  if (user.lines().empty()) UNIPRESENCE_RETURN_IF_ERROR(CompletePbx(context, flags));
  if (NeedsPbx(flags) && !user.lines().empty()) flags.pbx = user.lines(0).pbx();
  UNIPRESENCE_ASSIGN_OR_RETURN(std::vector<std::string> fields, ApplyFlags(flags, user));
  UNIPRESENCE_RETURN_IF_ERROR(SetVoicemailPassword(flags, user));
  if (GivesPassword(flags.password)) {
    UNIPRESENCE_RETURN_IF_ERROR(SetPassword(flags.password, user));
    fields.emplace_back("password");
  }
  if (fields.empty()) {
    return absl::InvalidArgumentError("nothing to change: name a field by a flag, see --help");
  }
  v1::UpdateUserRequest request;
  *request.mutable_user() = std::move(user);
  for (std::string& field : fields) request.mutable_update_mask()->add_paths(std::move(field));
  UNIPRESENCE_ASSIGN_OR_RETURN(const v1::User updated, context.Call(&Stub::UpdateUser, request));
  context.Print(UserJson(updated), fmt::format("changed {}", Shown(updated.id())));
  return absl::OkStatus();
}

absl::Status RunCommand(const UsersListOptions& options, CommandContext& context) {
  UNIPRESENCE_RETURN_IF_ERROR(context.Connect());
  v1::ListUsersRequest request;
  request.set_query(options.query);
  Results<v1::User> results(context, UserColumns(), &UserRow, &UserJson);
  UNIPRESENCE_RETURN_IF_ERROR(
      ForEachPage(context, &Stub::ListUsers, request, [&](const v1::ListUsersResponse& page) {
        for (const v1::User& user : page.users()) results.Write(user);
      }));
  results.Finish();
  return absl::OkStatus();
}

absl::Status RunCommand(const UsersGetOptions& options, CommandContext& context) {
  UNIPRESENCE_RETURN_IF_ERROR(context.Connect());
  v1::GetUserRequest request;
  request.set_user(options.id);
  UNIPRESENCE_ASSIGN_OR_RETURN(const v1::User user, context.Call(&Stub::GetUser, request));
  if (context.json()) {
    context.out().Line(UserJson(user));
  } else {
    WriteUser(user, context.times(), context.out());
  }
  return absl::OkStatus();
}

absl::Status RunCommand(const UsersDeleteOptions& options, CommandContext& context) {
  UNIPRESENCE_RETURN_IF_ERROR(context.Connect());
  Tally tally(context);
  for (const std::string& id : options.ids) {
    v1::DeleteUserRequest request;
    request.set_user(id);
    const absl::Status status = context.Call(&Stub::DeleteUser, request).status();
    if (status.ok()) {
      context.Print(DoneJson("DELETED", "id", id), fmt::format("deleted {}", Shown(id)));
    }
    if (!tally.Count(id, status)) break;
  }
  return tally.last();
}

}  // namespace unipresence::cli
