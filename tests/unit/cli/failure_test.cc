#include "clients/cli/failure.h"

#include <gmock/gmock.h>
#include <google/protobuf/any.pb.h>
#include <grpcpp/support/status.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "clients/cpp/client.h"

namespace unipresence::cli {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

// An error as the server sends it.
absl::Status FromServer(grpc::StatusCode code, const std::string& message, v1::ErrorReason reason,
                        const std::map<std::string, std::string>& metadata = {}) {
  v1::ErrorDetail detail;
  detail.set_reason(reason);
  detail.mutable_metadata()->insert(metadata.begin(), metadata.end());
  v1::ErrorStatus status;
  status.set_code(code);
  status.set_message(message);
  status.add_details()->PackFrom(detail);
  return client::FromGrpc(grpc::Status(code, message, status.SerializeAsString()));
}

constexpr FailureContext kContext = {.command = "get presence", .server = "pbx1:50051"};

TEST(ExitCodeTest, EveryCodeHasItsOwnMeaning) {
  EXPECT_EQ(ExitCodeOf(absl::OkStatus()), ExitCode::kOk);
  EXPECT_EQ(ExitCodeOf(absl::UnauthenticatedError("")), ExitCode::kNotLoggedIn);
  EXPECT_EQ(ExitCodeOf(absl::PermissionDeniedError("")), ExitCode::kPermissionDenied);
  EXPECT_EQ(ExitCodeOf(absl::NotFoundError("")), ExitCode::kNotFound);
  EXPECT_EQ(ExitCodeOf(absl::InvalidArgumentError("")), ExitCode::kInvalid);
  EXPECT_EQ(ExitCodeOf(absl::FailedPreconditionError("")), ExitCode::kInvalid);
  EXPECT_EQ(ExitCodeOf(absl::UnavailableError("")), ExitCode::kUnavailable);
  EXPECT_EQ(ExitCodeOf(absl::DeadlineExceededError("")), ExitCode::kDeadlineExceeded);
  EXPECT_EQ(ExitCodeOf(absl::AlreadyExistsError("")), ExitCode::kConflict);
  EXPECT_EQ(ExitCodeOf(absl::AbortedError("")), ExitCode::kConflict);
  EXPECT_EQ(ExitCodeOf(absl::ResourceExhaustedError("")), ExitCode::kResourceExhausted);
  EXPECT_EQ(ExitCodeOf(NotReachedError("")), ExitCode::kNotReached);
  EXPECT_EQ(ExitCodeOf(absl::InternalError("")), ExitCode::kFailure);
  EXPECT_EQ(ExitCodeOf(absl::UnimplementedError("")), ExitCode::kFailure);
}

TEST(ExitCodeTest, HelpNamesEachOfThem) {
  const std::string help = ExitCodeHelp();
  for (int code = 0; code <= static_cast<int>(ExitCode::kNotReached); ++code) {
    EXPECT_THAT(help, HasSubstr("  " + std::to_string(code) + "  "));
  }
}

TEST(FormatFailureTest, TellsTheServersSentenceAndARemedy) {
  const absl::Status status = FromServer(grpc::StatusCode::NOT_FOUND, "there is no user 'bob'",
                                         v1::ERROR_REASON_USER_NOT_FOUND, {{"user", "bob"}});
  EXPECT_EQ(FormatFailure(kContext, status),
            "unipresence get presence: there is no user 'bob'\n"
            "  list users: unipresence users list");
}

TEST(FormatFailureTest, SaysWhichServerCannotBeReached) {
  const absl::Status status = absl::UnavailableError(
      "failed to connect to all addresses; last error: UNKNOWN: ipv4:127.0.0.1:1: Failed to "
      "connect "
      "to remote host: Connection refused");
  EXPECT_THAT(FormatFailure(kContext, status),
              HasSubstr("cannot reach the server at pbx1:50051: Connection refused\n"));
}

TEST(FormatFailureTest, AnUnavailableStoreIsNotAnUnreachableServer) {
  const absl::Status status = FromServer(grpc::StatusCode::UNAVAILABLE, "the disk is full",
                                         v1::ERROR_REASON_STORE_UNAVAILABLE);
  EXPECT_THAT(FormatFailure(kContext, status), Not(HasSubstr("cannot reach")));
  EXPECT_THAT(FormatFailure(kContext, status), HasSubstr("the disk is full"));
}

TEST(FormatFailureTest, AnExpiredSessionAsksToLogIn) {
  const absl::Status status = FromServer(grpc::StatusCode::UNAUTHENTICATED, "the session has ended",
                                         v1::ERROR_REASON_SESSION_EXPIRED);
  EXPECT_THAT(FormatFailure(kContext, status), HasSubstr("unipresence login USERNAME"));
  EXPECT_THAT(FormatFailure(kContext, absl::UnauthenticatedError("not logged in")),
              HasSubstr("unipresence login USERNAME"));
}

TEST(FormatFailureTest, WrongCredentialsDoNot) {
  const absl::Status status =
      FromServer(grpc::StatusCode::UNAUTHENTICATED, "unknown username or wrong password",
                 v1::ERROR_REASON_BAD_CREDENTIALS);
  EXPECT_THAT(FormatFailure(kContext, status), Not(HasSubstr("log in")));
}

TEST(FormatFailureTest, AReasonOfALaterServerIsNoProblem) {
  const absl::Status status =
      FromServer(grpc::StatusCode::NOT_FOUND, "no such thing", static_cast<v1::ErrorReason>(9'999));
  EXPECT_THAT(FormatFailure(kContext, status), HasSubstr("no such thing"));
  EXPECT_EQ(nlohmann::json::parse(FormatFailureJson(kContext, status))["error"]["reason"], nullptr);
}

TEST(FormatFailureTest, AnEmptyMessageShowsTheCode) {
  EXPECT_THAT(FormatFailure(kContext, absl::InternalError("")), HasSubstr("INTERNAL"));
}

TEST(FormatFailureJsonTest, IsOneLineWithAllThereIs) {
  const absl::Status status =
      FromServer(grpc::StatusCode::INVALID_ARGUMENT, "exten 'x y': allowed is ...",
                 v1::ERROR_REASON_FIELD_INVALID, {{"value", "x y"}, {"field", "user.exten"}});
  const std::string line = FormatFailureJson({.command = "users add", .server = "a:1"}, status);
  EXPECT_EQ(line,
            R"({"error":{"command":"users add","code":"INVALID_ARGUMENT","reason":"FIELD_INVALID",)"
            R"("message":"exten 'x y': allowed is ...","remedy":null,)"
            R"("metadata":{"field":"user.exten","value":"x y"},"exit_code":6}})");
}

TEST(FormatFailureJsonTest, MendsTextThatIsNotUtf8) {
  const std::string line = FormatFailureJson(kContext, absl::NotFoundError("no file \xff"));
  EXPECT_NO_THROW(nlohmann::json::parse(line).dump());
}

}  // namespace
}  // namespace unipresence::cli
