#include "server/account/failure.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "server/storage/conflict.h"

namespace unipresence {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::Pair;

TEST(FailureTest, SaysTheProblemTheCodeAndTheValues) {
  const absl::Status status =
      Failure(AccountProblem::kConfigurationConflict, "why", {{"pbx", "main"}, {"names", "a,b"}});
  EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(status.message(), "why");
  EXPECT_EQ(ProblemAs<AccountProblem>(status), AccountProblem::kConfigurationConflict);
  EXPECT_THAT(ProblemOf(status)->values, ElementsAre(Pair("pbx", "main"), Pair("names", "a,b")));
}

TEST(FailureTest, ErrorsOfTheStoreGetAProblemOnce) {
  const auto problem = [](const absl::Status& status) {
    return ProblemAs<AccountProblem>(FromStore(status, "bob"));
  };
  EXPECT_TRUE(FromStore(absl::OkStatus(), "bob").ok());
  EXPECT_EQ(problem(absl::NotFoundError("x")), AccountProblem::kUserNotFound);
  EXPECT_EQ(problem(absl::FailedPreconditionError("x")), AccountProblem::kLineNotAssigned);
  EXPECT_EQ(problem(absl::InvalidArgumentError("x")), AccountProblem::kFieldInvalid);
  for (const absl::Status& status :
       {absl::UnavailableError("/secret"), absl::DataLossError("/secret"),
        absl::ResourceExhaustedError("/secret")}) {
    EXPECT_EQ(problem(status), AccountProblem::kStoreUnavailable);
    EXPECT_THAT(std::string(FromStore(status, "bob").message()), Not(HasSubstr("secret")));
  }
  EXPECT_EQ(problem(absl::InternalError("x")), std::nullopt) << "a defect stays one";
  const absl::Status given = Failure(AccountProblem::kLastAdministrator, "x");
  EXPECT_EQ(FromStore(given, "bob"), given);
}

TEST(FailureTest, AConflictTellsWhoHasIt) {
  const struct {
    Conflict::Field field;
    AccountProblem problem;
    std::vector<std::pair<std::string, std::string>> values;
  } kRows[] = {
      {Conflict::Field::kId, AccountProblem::kUserExists, {{"user", "v"}}},
      {Conflict::Field::kUsername,
       AccountProblem::kUsernameTaken,
       {{"username", "v"}, {"user", "alice"}}},
      {Conflict::Field::kExten,
       AccountProblem::kExtensionTaken,
       {{"exten", "v"}, {"context", "s"}, {"user", "alice"}}},
      {Conflict::Field::kDevice,
       AccountProblem::kDeviceTaken,
       {{"pbx", "s"}, {"device", "v"}, {"user", "alice"}}},
      {Conflict::Field::kMailbox,
       AccountProblem::kMailboxTaken,
       {{"number", "v"}, {"context", "s"}, {"user", "alice"}}},
  };
  for (const auto& row : kRows) {
    const absl::Status status = FromStore(
        ConflictError({.field = row.field, .value = "v", .scope = "s", .owner = "alice"}), "bob");
    EXPECT_EQ(status.code(), absl::StatusCode::kAlreadyExists);
    EXPECT_EQ(ProblemAs<AccountProblem>(status), row.problem);
    EXPECT_EQ(ProblemOf(status)->values, row.values);
  }
}

}  // namespace
}  // namespace unipresence
