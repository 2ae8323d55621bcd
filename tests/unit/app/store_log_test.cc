#include "server/app/store_log.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <string>

#include "tests/testing/fake_clock.h"
#include "tests/testing/log_capture.h"

namespace unipresence {
namespace {

using std::chrono::seconds;
using ::testing::HasSubstr;

const absl::Status kFull = absl::ResourceExhaustedError("store: the disk is full");
const absl::Status kDamaged = absl::DataLossError("store: user 'alice': role 'bogus'");

std::ptrdiff_t Lines(const std::string& log) { return std::count(log.begin(), log.end(), '\n'); }

class StoreLogTest : public ::testing::Test {
 protected:
  testing::LogCapture log_;
  testing::FakeClock clock_;
  StoreLog store_{clock_};
};

TEST_F(StoreLogTest, AStoreThatWorksSaysNothing) {
  EXPECT_TRUE(store_.Checked(absl::OkStatus()).ok());
  EXPECT_FALSE(store_.TakeTrouble());
  EXPECT_EQ(log_.Take(), "");
}

// The few bytes of a check fit onto the disk and the changes do not.
TEST_F(StoreLogTest, ChecksThatFitBetweenRefusalsAreNoEndOfThem) {
  for (const int period : {1, 5, 29}) {
    for (int second = 0; second < 300; ++second) {
      if (second % period == 0) store_.Trouble(kFull);
      EXPECT_EQ(store_.Checked(absl::OkStatus()), kFull) << "ready in second " << second;
      clock_.Advance(seconds(1));
    }
    const std::string log = log_.Take();
    EXPECT_LE(Lines(log), 5) << "every " << period << " s:\n" << log;
    EXPECT_EQ(log.find("again"), std::string::npos) << log;
    EXPECT_THAT(log, HasSubstr("error: store: the disk is full ("));
  }
}

TEST_F(StoreLogTest, ItIsOverAfterAWhileWithoutRefusals) {
  store_.Trouble(kFull);
  EXPECT_TRUE(store_.TakeTrouble());
  EXPECT_FALSE(store_.TakeTrouble());
  clock_.Advance(StoreLog::kQuiet - seconds(1));
  EXPECT_EQ(store_.Checked(absl::OkStatus()), kFull);
  clock_.Advance(seconds(1));
  EXPECT_TRUE(store_.Checked(absl::OkStatus()).ok());
  EXPECT_EQ(log_.Take(), "error: store: the disk is full\ninfo: store: takes writes again\n");
  EXPECT_TRUE(store_.Checked(absl::OkStatus()).ok());
  EXPECT_EQ(log_.Take(), "");
}

TEST_F(StoreLogTest, AReadThatFailsIsALineAndNothingElse) {
  for (int second = 0; second < 59; ++second) {
    store_.ReadTrouble(kFull);
    EXPECT_FALSE(store_.TakeTrouble());
    EXPECT_TRUE(store_.Checked(absl::OkStatus()).ok());
    clock_.Advance(seconds(1));
  }
  EXPECT_EQ(log_.Take(), "error: store: the disk is full\n");
  // The line does not stand for that of a change.
  store_.Trouble(kFull);
  EXPECT_EQ(log_.Take(), "error: store: the disk is full\n");
}

// However the refusals are spread there is a pair of lines a minute at most.
TEST_F(StoreLogTest, WhatComesAndGoesIsSaidOnceAMinute) {
  for (const int period : {31, 45, 59}) {
    log_.Take();
    for (int second = 0; second < 600; ++second) {
      if (second % period == 0) store_.Trouble(kFull);
      store_.Checked(absl::OkStatus()).IgnoreError();
      clock_.Advance(seconds(1));
    }
    const std::string log = log_.Take();
    EXPECT_LE(Lines(log), 20) << "every " << period << " s:\n" << log;
    EXPECT_GE(Lines(log), 10) << log;
  }
}

TEST_F(StoreLogTest, AFailedCheckIsARefusalAsWell) {
  const absl::Status gone = absl::UnavailableError("store: was deleted");
  store_.Trouble(gone);  // of the check itself
  EXPECT_EQ(store_.Checked(gone), gone);
  clock_.Advance(StoreLog::kQuiet * 2);
  EXPECT_EQ(store_.Checked(gone), gone);
  EXPECT_EQ(store_.Checked(absl::OkStatus()), gone);
  clock_.Advance(StoreLog::kQuiet);
  EXPECT_TRUE(store_.Checked(absl::OkStatus()).ok());
}

TEST_F(StoreLogTest, ADamagedRowIsSaidOnceAMinuteAndHindersNobodyElse) {
  for (int second = 0; second < 300; ++second) {
    store_.Trouble(kDamaged);
    EXPECT_FALSE(store_.TakeTrouble());
    EXPECT_TRUE(store_.Checked(absl::OkStatus()).ok());
    clock_.Advance(seconds(1));
  }
  const std::string log = log_.Take();
  EXPECT_EQ(Lines(log), 5) << log;
  EXPECT_EQ(log.find("again"), std::string::npos) << log;
}

TEST_F(StoreLogTest, EachCauseHasItsOwnMinute) {
  store_.Trouble(kFull);
  store_.Trouble(absl::UnavailableError("store: was deleted"));
  store_.Trouble(kDamaged);
  EXPECT_EQ(Lines(log_.Take()), 3);
}

}  // namespace
}  // namespace unipresence
