#include "aggregator/pipeline/answer_watch.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <string>

#include "tests/testing/log_capture.h"

namespace unipresence {
namespace {

using std::chrono::seconds;
using ::testing::HasSubstr;

class AnswerWatchTest : public ::testing::Test {
 protected:
  void Passes(int time) {
    for (int i = 0; i < time; ++i) {
      now_ += seconds(1);
      watch_.OnTick(now_);
    }
  }

  AnswerWatchTest() { watch_.OnTick(now_); }

  MonotonicTime now_ = MonotonicTime(seconds(100));
  AnswerWatch watch_{"main"};
  testing::LogCapture log_;
};

TEST_F(AnswerWatchTest, SaysOnceThatNothingIsAnsweredAndOnceThatItIs) {
  watch_.Sent("DBPut");
  Passes(4);
  EXPECT_EQ(watch_.silent_since(), std::nullopt);
  EXPECT_EQ(log_.Take(), "");
  Passes(1);
  EXPECT_EQ(watch_.silent_since(), MonotonicTime(seconds(100)));
  EXPECT_THAT(log_.Take(), HasSubstr("warning: pbx main: Asterisk does not answer DBPut: "));
  // It times out and is sent again, and given up in the end.
  for (int i = 0; i < 3; ++i) {
    Passes(5);
    watch_.Ended("DBPut", false);
    if (i < 2) watch_.Sent("DBPut");
  }
  Passes(100);
  EXPECT_EQ(watch_.silent_since(), MonotonicTime(seconds(100)));
  EXPECT_EQ(log_.Take(), "");
  watch_.Sent("DBPut");
  watch_.Ended("DBPut", true);
  Passes(1);
  EXPECT_EQ(watch_.silent_since(), std::nullopt);
  Passes(20);
  EXPECT_EQ(log_.Take(), "info: pbx main: Asterisk answers what it is told again\n");
}

TEST_F(AnswerWatchTest, OneKindOfActionMayBeSilent) {
  watch_.Sent("DBPut");
  for (int i = 0; i < 10; ++i) {
    watch_.Sent("DBGet");
    Passes(1);
    watch_.Ended("DBGet", true);
  }
  EXPECT_EQ(watch_.silent_since(), MonotonicTime(seconds(100)));
  EXPECT_THAT(log_.Take(), HasSubstr("does not answer DBPut"));
}

TEST_F(AnswerWatchTest, ASlowOneThatAnswersIsNotSilent) {
  for (int i = 0; i < 100; ++i) {
    watch_.Sent("DBPut");
    watch_.Sent("DBPut");
    Passes(4);
    watch_.Ended("DBPut", true);
    watch_.Ended("DBPut", true);
    EXPECT_EQ(watch_.silent_since(), std::nullopt);
  }
  EXPECT_EQ(log_.Take(), "");
}

TEST_F(AnswerWatchTest, ALostLinkIsNoAnswer) {
  for (int link = 0; link < 3; ++link) {
    watch_.Sent("DBGet");
    watch_.Ended("DBGet", true);
    watch_.Sent("DBPut");
    Passes(7);
    watch_.LinkLost();
    EXPECT_EQ(watch_.silent_since(), std::nullopt);
    watch_.Ended("DBPut", false);
    Passes(30);
  }
  const std::string told = log_.Take();
  EXPECT_THAT(told, HasSubstr("does not answer DBPut"));
  EXPECT_EQ(std::count(told.begin(), told.end(), '\n'), 1);
  watch_.Sent("DBPut");
  watch_.Ended("DBPut", true);
  Passes(30);
  EXPECT_THAT(log_.Take(), HasSubstr("answers what it is told again"));
}

}  // namespace
}  // namespace unipresence
