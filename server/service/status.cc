#include "server/service/status.h"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <optional>

#include "absl/strings/cord.h"
#include "aggregator/base/strings.h"
#include "aggregator/base/valid_text.h"
#include "server/storage/conflict.h"

namespace unipresence {
namespace {

constexpr std::string_view kDetailUrl = "type.googleapis.com/unipresence.v1.ErrorDetail";

absl::Status Conflicting(const absl::Status& status, const Conflict& conflict) {
  const std::string message(FromAbsl(status.message()));
  switch (conflict.field) {
    case Conflict::Field::kId:
      return Failure(v1::ERROR_REASON_USER_EXISTS, message, {{"user", conflict.value}});
    case Conflict::Field::kUsername:
      return Failure(v1::ERROR_REASON_USERNAME_TAKEN, message,
                     {{"username", conflict.value}, {"user", conflict.owner}});
    case Conflict::Field::kExten:
      return Failure(
          v1::ERROR_REASON_EXTENSION_TAKEN, message,
          {{"exten", conflict.value}, {"context", conflict.scope}, {"user", conflict.owner}});
    case Conflict::Field::kDevice:
      return Failure(
          v1::ERROR_REASON_DEVICE_TAKEN, message,
          {{"pbx", conflict.scope}, {"device", conflict.value}, {"user", conflict.owner}});
    case Conflict::Field::kMailbox:
      return Failure(
          v1::ERROR_REASON_MAILBOX_TAKEN, message,
          {{"number", conflict.value}, {"context", conflict.scope}, {"user", conflict.owner}});
  }
  __builtin_unreachable();
}

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

absl::Status Failure(v1::ErrorReason reason, std::string_view message, ErrorMetadata metadata) {
  absl::Status status(CodeOf(reason), Clip(message, kMaxMessageBytes));
  v1::ErrorDetail detail;
  detail.set_reason(reason);
  std::size_t room = kMaxValueBytes;
  for (const auto& [key, value] : metadata) {
    std::string& kept = (*detail.mutable_metadata())[std::string(key)];
    kept = Clip(value, room);
    room -= kept.size();
  }
  status.SetPayload(ToAbsl(kDetailUrl), absl::Cord(detail.SerializeAsString()));
  return status;
}

v1::ErrorReason ReasonOf(const absl::Status& status) {
  const absl::optional<absl::Cord> payload = status.GetPayload(ToAbsl(kDetailUrl));
  v1::ErrorDetail detail;
  if (!payload || !detail.ParseFromString(std::string(*payload))) {
    return v1::ERROR_REASON_UNSPECIFIED;
  }
  return detail.reason();
}

absl::Status FromStore(const absl::Status& status, std::string_view user) {
  if (status.ok() || ReasonOf(status) != v1::ERROR_REASON_UNSPECIFIED) return status;
  if (const std::optional<Conflict> conflict = ConflictOf(status)) {
    return Conflicting(status, *conflict);
  }
  const std::string_view message = FromAbsl(status.message());
  switch (status.code()) {
    case absl::StatusCode::kNotFound:
      return UserNotFound(user);
    case absl::StatusCode::kFailedPrecondition:
      return Failure(v1::ERROR_REASON_LINE_NOT_ASSIGNED, message, {{"user", user}});
    case absl::StatusCode::kInvalidArgument:
      return Failure(v1::ERROR_REASON_FIELD_INVALID, message);
    case absl::StatusCode::kUnavailable:
    case absl::StatusCode::kResourceExhausted:
    case absl::StatusCode::kDataLoss:
      return Failure(v1::ERROR_REASON_STORE_UNAVAILABLE,
                     "the database does not take writes now; nothing was changed, retry later");
    default:
      return status;
  }
}

grpc::Status ToGrpc(const absl::Status& status, std::string_view rpc) {
  if (status.ok()) return grpc::Status::OK;
  std::string message = Clip(FromAbsl(status.message()), kMaxMessageBytes);
  absl::optional<absl::Cord> detail = status.GetPayload(ToAbsl(kDetailUrl));
  absl::StatusCode code = status.code();
  if (IsInternal(code) && !detail) {
    spdlog::error("{} failed: {}", rpc, FromAbsl(status.message()));
    const absl::Status hidden =
        Failure(v1::ERROR_REASON_INTERNAL_FAULT,
                "the server has a defect; report it with the time and the rpc");
    return ToGrpc(hidden, rpc);
  }
  if (!detail) return {static_cast<grpc::StatusCode>(code), message};
  v1::ErrorStatus details;
  details.set_code(static_cast<int>(code));
  details.set_message(message);
  google::protobuf::Any& any = *details.add_details();
  any.set_type_url(std::string(kDetailUrl));
  any.set_value(std::string(*detail));
  return {static_cast<grpc::StatusCode>(code), message, details.SerializeAsString()};
}

absl::Status UserNotFound(std::string_view user) {
  return Failure(v1::ERROR_REASON_USER_NOT_FOUND, fmt::format("there is no user '{}'", user),
                 {{"user", user}});
}

absl::Status FieldRequired(std::string_view field, std::string_view remedy) {
  return Failure(v1::ERROR_REASON_FIELD_REQUIRED, fmt::format("{} is empty: {}", field, remedy),
                 {{"field", field}});
}

absl::Status FieldInvalid(std::string_view field, std::string_view value,
                          std::string_view allowed) {
  return Failure(v1::ERROR_REASON_FIELD_INVALID,
                 fmt::format("{} '{}': allowed is {}", field, value, allowed),
                 {{"field", field}, {"value", value}, {"allowed", allowed}});
}

absl::Status SessionEnded(std::string_view remedy) {
  return Failure(v1::ERROR_REASON_SESSION_EXPIRED,
                 fmt::format("the session has ended; {}", remedy));
}

absl::Status ServerStopping() {
  return Failure(v1::ERROR_REASON_SERVER_STOPPING,
                 "the server is shutting down; connect again with growing delays");
}

absl::Status ServerOverloaded() {
  return Failure(v1::ERROR_REASON_SERVER_OVERLOADED,
                 "the server has too much to do; retry with growing delays");
}

}  // namespace unipresence
