#ifndef UNIPRESENCE_SERVER_SERVICE_STATUS_H_
#define UNIPRESENCE_SERVER_SERVICE_STATUS_H_

// Errors as clients see them: a gRPC status with one ErrorDetail (error_reason.proto).
//
//   return Failure(v1::ERROR_REASON_SESSION_NOT_FOUND, fmt::format("no session '{}'", id),
//                  {{"session", id}});
//
// Inside the server an error is an absl::Status that says what it is about by an enum of the room
// that made it (aggregator/base/problem.h). One table, in status.cc, has the reason for a client of
// each of them; what this room finds wrong by itself it says by the reason at once.
//
// An error without any is told without detail, and a defect or a damaged database never tells its
// text: that goes to the log. Thread-safe.

#include <grpcpp/support/status.h>

#include <string_view>

#include "absl/status/status.h"
#include "aggregator/base/problem.h"
#include "unipresence/v1/error_reason.pb.h"

namespace unipresence {

// The code that a reason comes with: the blocks of numbers of ErrorReason.
absl::StatusCode CodeOf(v1::ErrorReason reason);

absl::Status Failure(v1::ErrorReason reason, std::string_view message, ProblemValues metadata = {});

// What the problem is for a client; UNSPECIFIED if the table does not have it.
v1::ErrorReason ReasonOf(const ProblemId& problem);
// The same of what the status carries; UNSPECIFIED if it carries none.
v1::ErrorReason ReasonOf(const absl::Status& status);

// An error of CallControl about a call or a destination of `user`: the same with the user named. OK
// stays OK.
absl::Status FromCalls(const absl::Status& status, std::string_view user);

// Message and values are mended as valid_text.h says: they may repeat what a client, a PBX or a
// file gave. They are cut where they would not fit into the trailers of a call. `rpc` names the
// call for the log, where the text of hidden errors goes.
grpc::Status ToGrpc(const absl::Status& status, std::string_view rpc);

}  // namespace unipresence

#endif  // UNIPRESENCE_SERVER_SERVICE_STATUS_H_
