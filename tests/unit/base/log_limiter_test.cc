#include "aggregator/base/log_limiter.h"

#include <gtest/gtest.h>

namespace unipresence {
namespace {

using std::chrono::seconds;

TEST(LogLimiterTest, OneLineAMinuteWhichCountsWhatWasKeptQuiet) {
  LogLimiter limiter;
  MonotonicTime now{seconds(5)};
  EXPECT_EQ(limiter.Admit(now), 0U);
  for (int i = 0; i < 200; ++i) EXPECT_EQ(limiter.Admit(now + seconds(59)), std::nullopt);
  EXPECT_EQ(limiter.Admit(now + seconds(60)), 200U);
  EXPECT_EQ(limiter.Admit(now + seconds(61)), std::nullopt);
  EXPECT_EQ(limiter.Admit(now + seconds(600)), 1U);
}

TEST(LogLimiterTest, AfterItsEndATroubleIsToldAtOnce) {
  LogLimiter limiter;
  const MonotonicTime now{};
  EXPECT_EQ(limiter.Admit(now), 0U);
  EXPECT_EQ(limiter.Admit(now), std::nullopt);
  limiter.Reset();
  EXPECT_EQ(limiter.Admit(now), 0U);
}

TEST(LogLimiterTest, TheNoteIsEmptyWhereNothingWasKeptQuiet) {
  EXPECT_EQ(QuietNote(0), "");
  EXPECT_EQ(QuietNote(12), " (12 more since the last such line)");
}

}  // namespace
}  // namespace unipresence
