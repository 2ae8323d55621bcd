#include "clients/cli/failure.h"

#include <fmt/format.h>

#include <map>
#include <nlohmann/json.hpp>

#include "absl/strings/cord.h"
#include "aggregator/base/strings.h"
#include "clients/cpp/client.h"

namespace unipresence::cli {
namespace {

constexpr std::string_view kNotReachedMark = "unipresence.cli/not-reached";

// gRPC tells an unreachable server as "failed to connect to all addresses; last error: UNKNOWN:
// ipv4:127.0.0.1:1: Failed to connect to remote host: Connection refused", to which the client adds
// what it may be.
std::string_view CauseOfUnreachable(std::string_view message) {
  for (const std::string_view preamble : {"remote host: ", "last error: "}) {
    if (const std::size_t at = message.rfind(preamble); at != std::string_view::npos) {
      message.remove_prefix(at + preamble.size());
      return message.substr(0, message.find("; is it running"));
    }
  }
  return message;
}

std::string_view ReasonWord(const v1::ErrorDetail& detail) {
  constexpr std::string_view kPrefix = "ERROR_REASON_";
  std::string_view reason = v1::ErrorReason_Name(detail.reason());
  if (detail.reason() == v1::ERROR_REASON_UNSPECIFIED || reason.size() <= kPrefix.size()) return {};
  reason.remove_prefix(kPrefix.size());
  return reason;
}

// The server's own sentence, or what a bare code means here.
std::string Sentence(const FailureContext& context, const absl::Status& status) {
  const std::string_view message = FromAbsl(status.message());
  const std::string_view reason = ReasonWord(client::DetailOf(status));
  if (!reason.empty()) {
    // The client adds reason and values in brackets, for logs.
    return std::string(message.substr(0, message.rfind(fmt::format(" ({}", reason))));
  }
  switch (status.code()) {
    case absl::StatusCode::kUnavailable:
      if (context.server.empty()) return std::string(message);
      return fmt::format("cannot reach the server at {}: {}", context.server,
                         CauseOfUnreachable(message));
    case absl::StatusCode::kDeadlineExceeded:
      if (context.server.empty()) return std::string(message);
      return fmt::format("no answer from the server at {} in time", context.server);
    case absl::StatusCode::kUnimplemented:
      return fmt::format("the server at {} does not offer this{}{}", context.server,
                         message.empty() ? "" : ": ", message);
    default:
      return message.empty() ? std::string(FromAbsl(absl::StatusCodeToString(status.code())))
                             : std::string(message);
  }
}

std::string RetryAfter(const v1::ErrorDetail& detail) {
  const auto it = detail.metadata().find("retry_after_ms");
  return it == detail.metadata().end() ? "wait, then try again"
                                       : fmt::format("try again in {} ms", it->second);
}

std::string RemedyByCode(const FailureContext& context, const absl::Status& status) {
  switch (status.code()) {
    case absl::StatusCode::kUnauthenticated:
      return "log in: unipresence login USERNAME";
    case absl::StatusCode::kUnavailable:
      if (context.server.empty()) return {};
      return "is unipresenced running there? give another address by --server ADDRESS";
    case absl::StatusCode::kDeadlineExceeded:
      return "a change may have been made nevertheless: look before you repeat it; give it more "
             "time by --timeout SECONDS";
    case absl::StatusCode::kUnimplemented:
      return "compare the versions: unipresence version; unipresence server status";
    default:
      return {};
  }
}

std::string Remedy(const FailureContext& context, const absl::Status& status) {
  if (!context.remedy.empty()) return std::string(context.remedy);
  const v1::ErrorDetail detail = client::DetailOf(status);
  switch (static_cast<int>(detail.reason())) {
    case v1::ERROR_REASON_BAD_CREDENTIALS:
      return "check username and password";
    case v1::ERROR_REASON_TOKEN_MISSING:
    case v1::ERROR_REASON_TOKEN_INVALID:
    case v1::ERROR_REASON_SESSION_EXPIRED:
      return "log in again: unipresence login USERNAME; with --hold the session is kept alive";
    case v1::ERROR_REASON_ROLE_REQUIRED:
      return "log in as an administrator: unipresence login USERNAME --client";
    case v1::ERROR_REASON_NOT_OWN_USER:
      return "leave the user out to mean yourself, or log in as an administrator";
    case v1::ERROR_REASON_USER_DISABLED:
      return "ask an administrator to enable the user";
    case v1::ERROR_REASON_USER_NOT_FOUND:
      return "list users: unipresence users list";
    case v1::ERROR_REASON_PBX_NOT_FOUND:
      return "list PBXs: unipresence pbx status";
    case v1::ERROR_REASON_CALL_NOT_FOUND:
    case v1::ERROR_REASON_CALL_STATE:
      return "list calls: unipresence calls";
    case v1::ERROR_REASON_SESSION_NOT_FOUND:
      return "list sessions: unipresence session list";
    case v1::ERROR_REASON_TOO_MANY_SESSIONS:
      return "see them by `unipresence session list`, end one by `unipresence logout --session ID`";
    case v1::ERROR_REASON_TOO_MANY_LOGIN_ATTEMPTS:
    case v1::ERROR_REASON_SERVER_OVERLOADED:
    case v1::ERROR_REASON_TOO_MANY_STREAMS:
      return RetryAfter(detail);
    case v1::ERROR_REASON_SERVER_STARTING:
    case v1::ERROR_REASON_SERVER_STOPPING:
    case v1::ERROR_REASON_STORE_UNAVAILABLE:
      return "nothing was changed; try again shortly";
    case v1::ERROR_REASON_PBX_UNAVAILABLE:
      return "see why: unipresence pbx status";
    default:
      return RemedyByCode(context, status);
  }
}

}  // namespace

absl::Status NotReachedError(std::string_view message) {
  absl::Status status = absl::FailedPreconditionError(ToAbsl(message));
  status.SetPayload(ToAbsl(kNotReachedMark), absl::Cord());
  return status;
}

ExitCode ExitCodeOf(const absl::Status& status) {
  if (status.GetPayload(ToAbsl(kNotReachedMark))) return ExitCode::kNotReached;
  switch (status.code()) {
    case absl::StatusCode::kOk:
      return ExitCode::kOk;
    case absl::StatusCode::kUnauthenticated:
      return ExitCode::kNotLoggedIn;
    case absl::StatusCode::kPermissionDenied:
      return ExitCode::kPermissionDenied;
    case absl::StatusCode::kNotFound:
      return ExitCode::kNotFound;
    case absl::StatusCode::kInvalidArgument:
    case absl::StatusCode::kFailedPrecondition:
    case absl::StatusCode::kOutOfRange:
      return ExitCode::kInvalid;
    case absl::StatusCode::kUnavailable:
      return ExitCode::kUnavailable;
    case absl::StatusCode::kDeadlineExceeded:
      return ExitCode::kDeadlineExceeded;
    case absl::StatusCode::kAlreadyExists:
    case absl::StatusCode::kAborted:
      return ExitCode::kConflict;
    case absl::StatusCode::kResourceExhausted:
      return ExitCode::kResourceExhausted;
    default:  // absl forbids to list all its codes
      return ExitCode::kFailure;
  }
}

std::string FormatFailure(const FailureContext& context, const absl::Status& status) {
  std::string text = fmt::format("unipresence{}{}: {}", context.command.empty() ? "" : " ",
                                 context.command, Sentence(context, status));
  const std::string remedy = Remedy(context, status);
  if (!remedy.empty()) text += "\n  " + remedy;
  return text;
}

std::string FormatFailureJson(const FailureContext& context, const absl::Status& status) {
  const v1::ErrorDetail detail = client::DetailOf(status);
  nlohmann::ordered_json error = {
      {"command", context.command},
      {"code", std::string(FromAbsl(absl::StatusCodeToString(status.code())))},
      {"reason", nullptr},
      {"message", Sentence(context, status)},
      {"remedy", nullptr},
      {"metadata", nlohmann::ordered_json::object()},
      {"exit_code", static_cast<int>(ExitCodeOf(status))},
  };
  if (const std::string_view reason = ReasonWord(detail); !reason.empty()) error["reason"] = reason;
  if (const std::string remedy = Remedy(context, status); !remedy.empty()) error["remedy"] = remedy;
  // Sorted: the order of a Protobuf map changes from run to run.
  const std::map<std::string, std::string> metadata(detail.metadata().begin(),
                                                    detail.metadata().end());
  for (const auto& [key, value] : metadata) error["metadata"][key] = value;
  const nlohmann::ordered_json object = {{"error", error}};
  return object.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

std::string ExitCodeHelp() {
  return "Exit codes:\n"
         "   0  done\n"
         "   1  failed otherwise\n"
         "   2  the command line is wrong\n"
         "   3  not logged in: no session, session ended, or wrong credentials\n"
         "   4  permission denied\n"
         "   5  not found: a user, PBX, session or file\n"
         "   6  refused: a value is invalid, in itself or in the present state\n"
         "   7  unavailable: the server, its database or a PBX; try again\n"
         "   8  no answer within --timeout; a change may have been made\n"
         "   9  exists already, or was changed meanwhile\n"
         "  10  too many sessions, log-ins or streams; wait\n"
         "  11  `wait`: the state was not reached within its --timeout\n";
}

}  // namespace unipresence::cli
