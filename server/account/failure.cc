#include "server/account/failure.h"

#include <fmt/format.h>

#include <optional>
#include <string>

#include "aggregator/base/strings.h"
#include "server/storage/conflict.h"

namespace unipresence {
namespace {

absl::Status Conflicting(const absl::Status& status, const Conflict& conflict) {
  const std::string_view message = FromAbsl(status.message());
  switch (conflict.field) {
    case Conflict::Field::kId:
      return Failure(AccountProblem::kUserExists, message, {{"user", conflict.value}});
    case Conflict::Field::kUsername:
      return Failure(AccountProblem::kUsernameTaken, message,
                     {{"username", conflict.value}, {"user", conflict.owner}});
    case Conflict::Field::kExten:
      return Failure(
          AccountProblem::kExtensionTaken, message,
          {{"exten", conflict.value}, {"context", conflict.scope}, {"user", conflict.owner}});
    case Conflict::Field::kDevice:
      return Failure(
          AccountProblem::kDeviceTaken, message,
          {{"pbx", conflict.scope}, {"device", conflict.value}, {"user", conflict.owner}});
    case Conflict::Field::kMailbox:
      return Failure(
          AccountProblem::kMailboxTaken, message,
          {{"number", conflict.value}, {"context", conflict.scope}, {"user", conflict.owner}});
  }
  __builtin_unreachable();
}

}  // namespace

absl::StatusCode CodeOf(AccountProblem problem) {
  switch (problem) {
    case AccountProblem::kBadCredentials:
    case AccountProblem::kSessionEnded:
      return absl::StatusCode::kUnauthenticated;
    case AccountProblem::kFieldRequired:
    case AccountProblem::kFieldInvalid:
    case AccountProblem::kDestinationInvalid:
      return absl::StatusCode::kInvalidArgument;
    case AccountProblem::kUserNotFound:
    case AccountProblem::kPbxNotFound:
      return absl::StatusCode::kNotFound;
    case AccountProblem::kUserExists:
    case AccountProblem::kUsernameTaken:
    case AccountProblem::kExtensionTaken:
    case AccountProblem::kDeviceTaken:
    case AccountProblem::kMailboxTaken:
      return absl::StatusCode::kAlreadyExists;
    case AccountProblem::kLineNotAssigned:
    case AccountProblem::kLastAdministrator:
    case AccountProblem::kConfigurationRefused:
    case AccountProblem::kConfigurationConflict:
      return absl::StatusCode::kFailedPrecondition;
    case AccountProblem::kTooManyLoginAttempts:
    case AccountProblem::kTooManySessions:
    case AccountProblem::kTooManyStreams:
    case AccountProblem::kOverloaded:
      return absl::StatusCode::kResourceExhausted;
    case AccountProblem::kPbxUnavailable:
    case AccountProblem::kStoreUnavailable:
    case AccountProblem::kStopping:
      return absl::StatusCode::kUnavailable;
  }
  __builtin_unreachable();
}

absl::Status Failure(AccountProblem problem, std::string_view message, ProblemValues values) {
  return ProblemError(CodeOf(problem), IdOf(problem), message, values);
}

absl::Status FromStore(const absl::Status& status, std::string_view user) {
  if (status.ok() || ProblemOf(status)) return status;
  if (const std::optional<Conflict> conflict = ConflictOf(status)) {
    return Conflicting(status, *conflict);
  }
  const std::string_view message = FromAbsl(status.message());
  switch (status.code()) {
    case absl::StatusCode::kNotFound:
      return UserNotFound(user);
    case absl::StatusCode::kFailedPrecondition:
      return Failure(AccountProblem::kLineNotAssigned, message, {{"user", user}});
    case absl::StatusCode::kInvalidArgument:
      return Failure(AccountProblem::kFieldInvalid, message);
    case absl::StatusCode::kUnavailable:
    case absl::StatusCode::kResourceExhausted:
    case absl::StatusCode::kDataLoss:
      return Failure(AccountProblem::kStoreUnavailable,
                     "the database cannot be used now; nothing was changed, retry later");
    default:
      return status;
  }
}

absl::Status UserNotFound(std::string_view user) {
  return Failure(AccountProblem::kUserNotFound, fmt::format("there is no user '{}'", user),
                 {{"user", user}});
}

absl::Status FieldRequired(std::string_view field, std::string_view remedy) {
  return Failure(AccountProblem::kFieldRequired, fmt::format("{} is empty: {}", field, remedy),
                 {{"field", field}});
}

absl::Status FieldInvalid(std::string_view field, std::string_view value,
                          std::string_view allowed) {
  return Failure(AccountProblem::kFieldInvalid,
                 fmt::format("{} '{}': allowed is {}", field, value, allowed),
                 {{"field", field}, {"value", value}, {"allowed", allowed}});
}

absl::Status SessionEnded() {
  return Failure(AccountProblem::kSessionEnded, "the session has ended; log in again");
}

absl::Status ServerStopping() {
  return Failure(AccountProblem::kStopping,
                 "the server is shutting down; connect again with growing delays");
}

absl::Status ServerOverloaded() {
  return Failure(AccountProblem::kOverloaded,
                 "the server has too much to do; retry with growing delays");
}

}  // namespace unipresence
