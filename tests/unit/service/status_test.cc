#include "server/service/status.h"

#include <gmock/gmock.h>
#include <google/protobuf/descriptor.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <string>

#include "aggregator/pipeline/call_control.h"
#include "server/account/failure.h"
#include "server/storage/conflict.h"
#include "server/streaming/stream_problem.h"

namespace unipresence {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

v1::ErrorDetail DetailOf(const grpc::Status& status) {
  v1::ErrorStatus details;
  v1::ErrorDetail detail;
  EXPECT_TRUE(details.ParseFromString(status.error_details()));
  EXPECT_EQ(details.code(), static_cast<int>(status.error_code()));
  EXPECT_EQ(details.message(), status.error_message());
  EXPECT_EQ(details.details_size(), 1);
  if (details.details_size() == 1) {
    EXPECT_TRUE(details.details(0).UnpackTo(&detail));
  }
  return detail;
}

// The comment of each reason in error_reason.proto begins with its code, for the first of a block.
TEST(StatusTest, EveryReasonHasTheCodeOfItsBlock) {
  const struct {
    v1::ErrorReason reason;
    absl::StatusCode code;
  } kRows[] = {
      {v1::ERROR_REASON_TOKEN_MISSING, absl::StatusCode::kUnauthenticated},
      {v1::ERROR_REASON_BAD_CREDENTIALS, absl::StatusCode::kUnauthenticated},
      {v1::ERROR_REASON_ROLE_REQUIRED, absl::StatusCode::kPermissionDenied},
      {v1::ERROR_REASON_DESTINATION_FORBIDDEN, absl::StatusCode::kPermissionDenied},
      {v1::ERROR_REASON_FIELD_REQUIRED, absl::StatusCode::kInvalidArgument},
      {v1::ERROR_REASON_LINES_DO_NOT_FIT, absl::StatusCode::kInvalidArgument},
      {v1::ERROR_REASON_USER_NOT_FOUND, absl::StatusCode::kNotFound},
      {v1::ERROR_REASON_MAILBOX_NOT_FOUND, absl::StatusCode::kNotFound},
      {v1::ERROR_REASON_USER_EXISTS, absl::StatusCode::kAlreadyExists},
      {v1::ERROR_REASON_DEVICE_TAKEN, absl::StatusCode::kAlreadyExists},
      {v1::ERROR_REASON_MAILBOX_TAKEN, absl::StatusCode::kAlreadyExists},
      {v1::ERROR_REASON_LINE_NOT_ASSIGNED, absl::StatusCode::kFailedPrecondition},
      {v1::ERROR_REASON_CONFIGURATION_REFUSED, absl::StatusCode::kFailedPrecondition},
      {v1::ERROR_REASON_ETAG_MISMATCH, absl::StatusCode::kAborted},
      {v1::ERROR_REASON_TOO_MANY_LOGIN_ATTEMPTS, absl::StatusCode::kResourceExhausted},
      {v1::ERROR_REASON_SERVER_OVERLOADED, absl::StatusCode::kResourceExhausted},
      {v1::ERROR_REASON_PBX_UNAVAILABLE, absl::StatusCode::kUnavailable},
      {v1::ERROR_REASON_SERVER_STOPPING, absl::StatusCode::kUnavailable},
      {v1::ERROR_REASON_INTERNAL_FAULT, absl::StatusCode::kInternal},
  };
  for (const auto& row : kRows) {
    EXPECT_EQ(CodeOf(row.reason), row.code) << v1::ErrorReason_Name(row.reason);
  }
  // Whatever reason there is arrives as it was given.
  const auto* all = v1::ErrorReason_descriptor();
  for (int i = 1; i < all->value_count(); ++i) {
    const auto reason = static_cast<v1::ErrorReason>(all->value(i)->number());
    const absl::Status status = Failure(reason, "why", {{"key", "value"}});
    EXPECT_EQ(ReasonOf(status), reason);
    const v1::ErrorDetail detail = DetailOf(ToGrpc(status, "rpc"));
    EXPECT_EQ(detail.reason(), reason);
    EXPECT_EQ(detail.metadata().at("key"), "value");
  }
}

// Every problem of the rooms below is some reason for a client, with the code of its block.
TEST(StatusTest, EveryProblemHasItsReason) {
  for (int i = 0; i < kAccountProblemCount; ++i) {
    const auto problem = static_cast<AccountProblem>(i);
    const v1::ErrorReason reason = ReasonOf(IdOf(problem));
    EXPECT_NE(reason, v1::ERROR_REASON_UNSPECIFIED) << i;
    EXPECT_EQ(CodeOf(reason), CodeOf(problem)) << v1::ErrorReason_Name(reason);
    const grpc::Status told = ToGrpc(Failure(problem, "why", {{"key", "value"}}), "rpc");
    EXPECT_EQ(DetailOf(told).reason(), reason);
    EXPECT_EQ(DetailOf(told).metadata().at("key"), "value");
  }
  for (int i = 0; i < kStreamProblemCount; ++i) {
    EXPECT_NE(ReasonOf(IdOf(static_cast<StreamProblem>(i))), v1::ERROR_REASON_UNSPECIFIED) << i;
  }
  for (const absl::Status& status :
       {TooManyStreams(7), StreamSessionEnded("log in again"), StreamsStopping()}) {
    EXPECT_NE(ReasonOf(status), v1::ERROR_REASON_UNSPECIFIED) << status;
    EXPECT_EQ(CodeOf(ReasonOf(status)), status.code());
  }
  for (int i = 0; i < kCallProblemCount; ++i) {
    const absl::Status status = CallError(static_cast<CallProblem>(i), "why");
    const grpc::Status told = ToGrpc(FromCalls(status, "bob"), "rpc");
    EXPECT_EQ(static_cast<int>(told.error_code()), static_cast<int>(status.code())) << i;
    EXPECT_EQ(DetailOf(told).metadata().at("user"), "bob");
  }
  EXPECT_EQ(ReasonOf(ProblemId{.domain = "nobody's", .number = 1}), v1::ERROR_REASON_UNSPECIFIED);
}

// The same end of a session or a server is told alike, whichever room saw it.
TEST(StatusTest, StreamsAndCallsSayTheSame) {
  const auto told = [](const absl::Status& status) {
    const grpc::Status answer = ToGrpc(status, "rpc");
    return answer.error_message() + answer.error_details();
  };
  EXPECT_EQ(told(StreamSessionEnded("log in again")), told(SessionEnded()));
  EXPECT_EQ(told(StreamsStopping()), told(ServerStopping()));
}

TEST(StatusTest, DefectsTellNoDetails) {
  for (const absl::Status& defect :
       {absl::InternalError("SELECT password FROM users"), absl::UnknownError("/var/lib/secret.db"),
        absl::DataLossError("page 7 of /var/lib/secret.db")}) {
    const grpc::Status told = ToGrpc(defect, "rpc");
    EXPECT_EQ(told.error_code(), grpc::StatusCode::INTERNAL);
    EXPECT_THAT(told.error_message(), Not(HasSubstr("secret")));
    EXPECT_THAT(told.error_message(), Not(HasSubstr("password")));
    EXPECT_EQ(DetailOf(told).reason(), v1::ERROR_REASON_INTERNAL_FAULT);
  }
  EXPECT_TRUE(ToGrpc(absl::OkStatus(), "rpc").ok());
}

TEST(StatusTest, ErrorsOfTheStoreGetAReason) {
  const auto reason = [](const absl::Status& status) { return ReasonOf(FromStore(status, "bob")); };
  EXPECT_TRUE(FromStore(absl::OkStatus(), "bob").ok());
  EXPECT_EQ(reason(absl::NotFoundError("x")), v1::ERROR_REASON_USER_NOT_FOUND);
  EXPECT_EQ(reason(absl::FailedPreconditionError("x")), v1::ERROR_REASON_LINE_NOT_ASSIGNED);
  EXPECT_EQ(reason(absl::InvalidArgumentError("x")), v1::ERROR_REASON_FIELD_INVALID);
  for (const absl::Status& status :
       {absl::UnavailableError("/secret"), absl::DataLossError("/secret"),
        absl::ResourceExhaustedError("/secret")}) {
    EXPECT_EQ(reason(status), v1::ERROR_REASON_STORE_UNAVAILABLE);
    EXPECT_THAT(std::string(FromStore(status, "bob").message()), Not(HasSubstr("secret")));
  }
  const absl::Status given = Failure(v1::ERROR_REASON_LAST_ADMINISTRATOR, "x");
  EXPECT_EQ(reason(given), v1::ERROR_REASON_LAST_ADMINISTRATOR);
  const auto conflict = [&](Conflict::Field field) {
    return reason(ConflictError({.field = field, .value = "v", .scope = "s", .owner = "alice"}));
  };
  EXPECT_EQ(conflict(Conflict::Field::kId), v1::ERROR_REASON_USER_EXISTS);
  EXPECT_EQ(conflict(Conflict::Field::kUsername), v1::ERROR_REASON_USERNAME_TAKEN);
  EXPECT_EQ(conflict(Conflict::Field::kExten), v1::ERROR_REASON_EXTENSION_TAKEN);
  EXPECT_EQ(conflict(Conflict::Field::kDevice), v1::ERROR_REASON_DEVICE_TAKEN);
  EXPECT_EQ(conflict(Conflict::Field::kMailbox), v1::ERROR_REASON_MAILBOX_TAKEN);
}

// gRPC refuses trailers above 8 KiB: percent-encoded message and base64 details, together.
TEST(StatusTest, NoErrorIsTooLongForATrailer) {
  std::string wide;
  for (int i = 0; i < 50'000; ++i) wide += "\u00e9";
  for (const std::string& text : {wide, "x" + wide, std::string(100'000, 'y')}) {
    for (const absl::Status& status : {UserNotFound(text), FieldInvalid("client_name", text, text),
                                       FieldRequired(text, text), absl::UnimplementedError(text)}) {
      const grpc::Status told = ToGrpc(status, "rpc");
      const std::string message = told.error_message();
      EXPECT_EQ(told.error_code(), static_cast<grpc::StatusCode>(status.code()));
      EXPECT_LT(3 * message.size() + told.error_details().size() * 4 / 3, 7500u);
      EXPECT_THAT(message, HasSubstr("..."));
      // The cut leaves whole characters: each has both of its bytes.
      EXPECT_EQ(std::count(message.begin(), message.end(), '\xc3'),
                std::count(message.begin(), message.end(), '\xa9'));
    }
  }
  EXPECT_EQ(ToGrpc(UserNotFound("bob"), "rpc").error_message(), "there is no user 'bob'");
}

}  // namespace
}  // namespace unipresence
