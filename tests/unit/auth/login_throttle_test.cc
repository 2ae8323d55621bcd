#include "server/auth/login_throttle.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/testing/fake_clock.h"

namespace unipresence::auth {
namespace {

using std::chrono::minutes;
using std::chrono::seconds;
using testing::FakeClock;
using ::testing::HasSubstr;

class LoginThrottleTest : public ::testing::Test {
 protected:
  std::optional<Duration> Admit(std::string_view username) {
    return throttle_.Admit(username, clock_.Now());
  }
  void Fail(std::string_view username, int times) {
    for (int i = 0; i < times; ++i) ASSERT_EQ(Admit(username), std::nullopt) << "attempt " << i;
  }

  FakeClock clock_;
  LoginThrottle throttle_{{.capacity = 100}};
};

TEST_F(LoginThrottleTest, TheWaitDoublesUpToAMinute) {
  Fail("alice", 5);
  for (const int wait : {1, 2, 4, 8, 16, 32, 60, 60, 60}) {
    EXPECT_EQ(Admit("alice"), Duration(seconds(wait)));
    clock_.Advance(seconds(wait) - Duration(1));
    EXPECT_EQ(Admit("alice"), Duration(1));
    clock_.Advance(Duration(1));
    EXPECT_EQ(Admit("alice"), std::nullopt);
  }
}

TEST_F(LoginThrottleTest, ARefusedAttemptDoesNotLengthenTheWait) {
  Fail("alice", 5);
  for (int i = 0; i < 100; ++i) EXPECT_EQ(Admit("alice"), Duration(seconds(1)));
  EXPECT_EQ(throttle_.refused().value(), 100u);
}

TEST_F(LoginThrottleTest, AThousandAttemptsAtOnceAreNoWayAround) {
  int admitted = 0;
  for (int i = 0; i < 1000; ++i) admitted += Admit("alice") == std::nullopt ? 1 : 0;
  EXPECT_EQ(admitted, 5);
}

TEST_F(LoginThrottleTest, SuccessForgetsTheFailures) {
  Fail("alice", 4);
  Fail("alice", 1);
  throttle_.Succeeded("alice");
  EXPECT_EQ(throttle_.size(), 0u);
  Fail("alice", 5);
}

TEST_F(LoginThrottleTest, UsernamesDoNotDisturbEachOther) {
  Fail("alice", 5);
  EXPECT_NE(Admit("alice"), std::nullopt);
  EXPECT_EQ(Admit("bob"), std::nullopt);
}

TEST_F(LoginThrottleTest, CaseIsNoWayAround) {
  Fail("alice", 3);
  Fail("ALICE", 2);
  EXPECT_NE(Admit("Alice"), std::nullopt);
}

TEST_F(LoginThrottleTest, AWithdrawnAttemptDoesNotCount) {
  for (int i = 0; i < 20; ++i) {
    ASSERT_EQ(Admit("alice"), std::nullopt);
    throttle_.Withdraw("alice");
  }
  EXPECT_EQ(throttle_.size(), 0u);
  Fail("alice", 5);
  clock_.Advance(seconds(1));
  EXPECT_EQ(Admit("alice"), std::nullopt);
  throttle_.Withdraw("alice");
  EXPECT_EQ(Admit("alice"), std::nullopt)
      << "the attempt that came to nothing cost its owner a wait";
  EXPECT_EQ(Admit("alice"), Duration(seconds(2)));
  throttle_.Withdraw("stranger");
  throttle_.Succeeded("stranger");
}

TEST_F(LoginThrottleTest, FailuresAreForgottenAfterAWhile) {
  Fail("alice", 5);
  clock_.Advance(minutes(15));
  Fail("alice", 5);
}

TEST_F(LoginThrottleTest, TheTableIsBoundedAndForgetsTheQuietest) {
  Fail("alice", 5);
  clock_.Advance(Duration(1));
  Fail("bob", 5);
  for (int i = 0; i < 98; ++i) Admit(fmt::format("name{}", i));
  EXPECT_EQ(throttle_.size(), 100u);
  Admit("one more");
  EXPECT_EQ(throttle_.size(), 100u);
  EXPECT_NE(Admit("bob"), std::nullopt);
  EXPECT_EQ(Admit("alice"), std::nullopt);
}

TEST_F(LoginThrottleTest, LongNamesAreKeptShort) {
  const std::string name(1'000'000, 'x');
  Fail(name, 5);
  EXPECT_NE(Admit(name + "y"), std::nullopt);
}

TEST(TooManyAttemptsTest, RoundsUpToWholeSeconds) {
  const absl::Status status = TooManyAttempts(std::chrono::milliseconds(1001));
  EXPECT_TRUE(absl::IsResourceExhausted(status));
  EXPECT_THAT(status.ToString(), HasSubstr("in 2 s"));
}

}  // namespace
}  // namespace unipresence::auth
