#ifndef UNIPRESENCE_SERVER_SERVICE_STATUS_H_
#define UNIPRESENCE_SERVER_SERVICE_STATUS_H_

// Errors as clients see them: a gRPC status with one ErrorDetail (error_reason.proto).
//
//   return Failure(v1::ERROR_REASON_USER_NOT_FOUND, fmt::format("no user '{}'", id),
//                  {{"user", id}});
//
// Inside the services an error is an absl::Status that carries its reason as a payload. Errors of
// the rooms below come without one and are translated where their meaning is known; one that slips
// through is told without detail, and a defect or a damaged database never tells its text: that
// goes to the log. Thread-safe.

#include <grpcpp/support/status.h>

#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>

#include "absl/status/status.h"
#include "unipresence/v1/error_reason.pb.h"

namespace unipresence {

using ErrorMetadata = std::initializer_list<std::pair<std::string_view, std::string_view>>;

// The code that a reason comes with: the blocks of numbers of ErrorReason.
absl::StatusCode CodeOf(v1::ErrorReason reason);

// Message and values are mended as valid_text.h says: they may repeat what a client, a PBX or a
// file gave. They are cut where they would not fit into the trailers of a call.
absl::Status Failure(v1::ErrorReason reason, std::string_view message, ErrorMetadata metadata = {});

// The reason that a status carries; UNSPECIFIED if none.
v1::ErrorReason ReasonOf(const absl::Status& status);

// An error of the store about `user`: which reason it is for a client. OK stays OK.
absl::Status FromStore(const absl::Status& status, std::string_view user);

// `rpc` names the call for the log, where the text of hidden errors goes.
grpc::Status ToGrpc(const absl::Status& status, std::string_view rpc);

// Frequent ones.
absl::Status UserNotFound(std::string_view user);
absl::Status FieldRequired(std::string_view field, std::string_view remedy);
absl::Status FieldInvalid(std::string_view field, std::string_view value, std::string_view allowed);
absl::Status SessionEnded(std::string_view remedy = "log in again");
absl::Status ServerStopping();
absl::Status ServerOverloaded();

}  // namespace unipresence

#endif  // UNIPRESENCE_SERVER_SERVICE_STATUS_H_
