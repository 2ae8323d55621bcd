#include "aggregator/base/problem.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

namespace unipresence {

enum class FirstProblem { kOne, kTwo };
constexpr std::string_view DomainOf(FirstProblem) { return "first"; }
enum class OtherProblem { kOne };
constexpr std::string_view DomainOf(OtherProblem) { return "other"; }

namespace {

using ::testing::ElementsAre;
using ::testing::Pair;

TEST(ProblemTest, TravelsWithTheStatus) {
  const std::string bytes("\0\xff\n\x01", 4);
  const absl::Status status = ProblemError(absl::StatusCode::kAborted, IdOf(FirstProblem::kTwo),
                                           "why", {{"b", bytes}, {"a", ""}});
  EXPECT_EQ(status.code(), absl::StatusCode::kAborted);
  EXPECT_EQ(status.message(), "why");
  EXPECT_EQ(ProblemAs<FirstProblem>(status), FirstProblem::kTwo);
  EXPECT_EQ(ProblemAs<OtherProblem>(status), std::nullopt);
  const std::optional<Problem> problem = ProblemOf(status);
  ASSERT_TRUE(problem);
  EXPECT_EQ(problem->id(), IdOf(FirstProblem::kTwo));
  EXPECT_THAT(problem->values, ElementsAre(Pair("b", bytes), Pair("a", "")));
}

TEST(ProblemTest, OtherStatusesHaveNone) {
  EXPECT_EQ(ProblemOf(absl::OkStatus()), std::nullopt);
  EXPECT_EQ(ProblemAs<FirstProblem>(absl::AbortedError("x")), std::nullopt);
}

}  // namespace
}  // namespace unipresence
