#include "server/service/status.h"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <iterator>
#include <optional>
#include <string>

#include "aggregator/base/strings.h"
#include "aggregator/base/valid_text.h"
#include "aggregator/pipeline/call_control.h"
#include "server/account/failure.h"
#include "server/streaming/stream_problem.h"

namespace unipresence {

// Where IdOf finds it.
static constexpr std::string_view DomainOf(CallProblem) { return "call"; }

namespace {

constexpr std::string_view kDetailUrl = "type.googleapis.com/unipresence.v1.ErrorDetail";
// Problems of this room, which are reasons themselves.
constexpr std::string_view kReasons = "unipresence.v1";

struct Row {
  ProblemId problem;
  v1::ErrorReason reason;
};

// What each problem of the rooms below is for a client.
constexpr Row kRows[] = {
    {IdOf(AccountProblem::kBadCredentials), v1::ERROR_REASON_BAD_CREDENTIALS},
    {IdOf(AccountProblem::kSessionEnded), v1::ERROR_REASON_SESSION_EXPIRED},
    {IdOf(AccountProblem::kFieldRequired), v1::ERROR_REASON_FIELD_REQUIRED},
    {IdOf(AccountProblem::kFieldInvalid), v1::ERROR_REASON_FIELD_INVALID},
    {IdOf(AccountProblem::kDestinationInvalid), v1::ERROR_REASON_DESTINATION_INVALID},
    {IdOf(AccountProblem::kUserNotFound), v1::ERROR_REASON_USER_NOT_FOUND},
    {IdOf(AccountProblem::kPbxNotFound), v1::ERROR_REASON_PBX_NOT_FOUND},
    {IdOf(AccountProblem::kUserExists), v1::ERROR_REASON_USER_EXISTS},
    {IdOf(AccountProblem::kUsernameTaken), v1::ERROR_REASON_USERNAME_TAKEN},
    {IdOf(AccountProblem::kExtensionTaken), v1::ERROR_REASON_EXTENSION_TAKEN},
    {IdOf(AccountProblem::kDeviceTaken), v1::ERROR_REASON_DEVICE_TAKEN},
    {IdOf(AccountProblem::kMailboxTaken), v1::ERROR_REASON_MAILBOX_TAKEN},
    {IdOf(AccountProblem::kLineNotAssigned), v1::ERROR_REASON_LINE_NOT_ASSIGNED},
    {IdOf(AccountProblem::kLastAdministrator), v1::ERROR_REASON_LAST_ADMINISTRATOR},
    {IdOf(AccountProblem::kConfigurationRefused), v1::ERROR_REASON_CONFIGURATION_REFUSED},
    {IdOf(AccountProblem::kConfigurationConflict), v1::ERROR_REASON_CONFIGURATION_CONFLICT},
    {IdOf(AccountProblem::kTooManyLoginAttempts), v1::ERROR_REASON_TOO_MANY_LOGIN_ATTEMPTS},
    {IdOf(AccountProblem::kTooManySessions), v1::ERROR_REASON_TOO_MANY_SESSIONS},
    {IdOf(AccountProblem::kTooManyStreams), v1::ERROR_REASON_TOO_MANY_STREAMS},
    {IdOf(AccountProblem::kOverloaded), v1::ERROR_REASON_SERVER_OVERLOADED},
    {IdOf(AccountProblem::kPbxUnavailable), v1::ERROR_REASON_PBX_UNAVAILABLE},
    {IdOf(AccountProblem::kStoreUnavailable), v1::ERROR_REASON_STORE_UNAVAILABLE},
    {IdOf(AccountProblem::kStopping), v1::ERROR_REASON_SERVER_STOPPING},
    {IdOf(StreamProblem::kTooMany), v1::ERROR_REASON_TOO_MANY_STREAMS},
    {IdOf(StreamProblem::kSessionEnded), v1::ERROR_REASON_SESSION_EXPIRED},
    {IdOf(StreamProblem::kStopping), v1::ERROR_REASON_SERVER_STOPPING},
    {IdOf(CallProblem::kUserNotFound), v1::ERROR_REASON_USER_NOT_FOUND},
    {IdOf(CallProblem::kCallNotFound), v1::ERROR_REASON_CALL_NOT_FOUND},
    {IdOf(CallProblem::kDestinationForbidden), v1::ERROR_REASON_DESTINATION_FORBIDDEN},
    {IdOf(CallProblem::kNoDeskphone), v1::ERROR_REASON_LINE_NOT_ASSIGNED},
    {IdOf(CallProblem::kDeskphoneUnreachable), v1::ERROR_REASON_DESKPHONE_UNREACHABLE},
    {IdOf(CallProblem::kCallState), v1::ERROR_REASON_CALL_STATE},
    {IdOf(CallProblem::kPbxUnavailable), v1::ERROR_REASON_PBX_UNAVAILABLE},
    {IdOf(CallProblem::kBusy), v1::ERROR_REASON_SERVER_OVERLOADED},
};

// Errors echo what the client sent. gRPC refuses trailers of more than 8 KiB, which the sentence
// (percent-encoded: up to three times its size) and the details (sentence and values again, in
// base64) share; the client would get that refusal instead of the error.
constexpr std::size_t kMaxMessageBytes = 700;
constexpr std::size_t kMaxValueBytes = 2000;  // of all values of an error

// The text as a valid one, or as much of it as fits into `limit` bytes.
std::string Clip(std::string_view text, std::size_t limit) {
  constexpr std::string_view kCut = "...";
  std::string valid = ValidText(text);
  if (valid.size() <= limit) return valid;
  if (limit < kCut.size()) return {};
  return ValidText(valid, limit - kCut.size()).append(kCut);
}

v1::ErrorDetail DetailOf(v1::ErrorReason reason, const Problem& problem) {
  v1::ErrorDetail detail;
  detail.set_reason(reason);
  std::size_t room = kMaxValueBytes;
  for (const auto& [key, value] : problem.values) {
    std::string& kept = (*detail.mutable_metadata())[key];
    kept = Clip(value, room);
    room -= kept.size();
  }
  return detail;
}

// Errors whose text may tell file names, SQL or other internals.
bool IsInternal(absl::StatusCode code) {
  return code == absl::StatusCode::kInternal || code == absl::StatusCode::kUnknown ||
         code == absl::StatusCode::kDataLoss;
}

}  // namespace

absl::StatusCode CodeOf(v1::ErrorReason reason) {
  switch (static_cast<int>(reason) / 20) {
    case 0:
      return absl::StatusCode::kUnauthenticated;
    case 1:
      return absl::StatusCode::kPermissionDenied;
    case 2:
      return absl::StatusCode::kInvalidArgument;
    case 3:
      return absl::StatusCode::kNotFound;
    case 4:
      return absl::StatusCode::kAlreadyExists;
    case 5:
      return absl::StatusCode::kFailedPrecondition;
    case 6:
      return absl::StatusCode::kAborted;
    case 7:
      return absl::StatusCode::kResourceExhausted;
    case 8:
      return absl::StatusCode::kUnavailable;
    default:
      return absl::StatusCode::kInternal;
  }
}

absl::Status Failure(v1::ErrorReason reason, std::string_view message, ProblemValues metadata) {
  return ProblemError(CodeOf(reason), {.domain = kReasons, .number = reason}, message, metadata);
}

v1::ErrorReason ReasonOf(const ProblemId& problem) {
  if (problem.domain == kReasons) return static_cast<v1::ErrorReason>(problem.number);
  const Row* const row = std::find_if(std::begin(kRows), std::end(kRows),
                                      [&](const Row& each) { return each.problem == problem; });
  return row == std::end(kRows) ? v1::ERROR_REASON_UNSPECIFIED : row->reason;
}

v1::ErrorReason ReasonOf(const absl::Status& status) {
  const std::optional<Problem> problem = ProblemOf(status);
  return problem ? ReasonOf(problem->id()) : v1::ERROR_REASON_UNSPECIFIED;
}

absl::Status FromCalls(const absl::Status& status, std::string_view user) {
  const std::optional<CallProblem> problem = CallProblemOf(status);
  if (!problem) return status;
  return Failure(ReasonOf(IdOf(*problem)), FromAbsl(status.message()), {{"user", user}});
}

grpc::Status ToGrpc(const absl::Status& status, std::string_view rpc) {
  if (status.ok()) return grpc::Status::OK;
  const std::string message = Clip(FromAbsl(status.message()), kMaxMessageBytes);
  const std::optional<Problem> problem = ProblemOf(status);
  const v1::ErrorReason reason = problem ? ReasonOf(problem->id()) : v1::ERROR_REASON_UNSPECIFIED;
  if (reason == v1::ERROR_REASON_UNSPECIFIED) {
    if (!IsInternal(status.code())) return {static_cast<grpc::StatusCode>(status.code()), message};
    spdlog::error("{} failed: {}", rpc, FromAbsl(status.message()));
    return ToGrpc(Failure(v1::ERROR_REASON_INTERNAL_FAULT,
                          "the server has a defect; report it with the time and the rpc"),
                  rpc);
  }
  v1::ErrorStatus details;
  details.set_code(static_cast<int>(status.code()));
  details.set_message(message);
  google::protobuf::Any& any = *details.add_details();
  any.set_type_url(std::string(kDetailUrl));
  any.set_value(DetailOf(reason, *problem).SerializeAsString());
  return {static_cast<grpc::StatusCode>(status.code()), message, details.SerializeAsString()};
}

}  // namespace unipresence
