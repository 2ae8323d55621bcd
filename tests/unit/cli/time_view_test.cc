#include "clients/cli/time_view.h"

#include <gtest/gtest.h>

namespace unipresence::cli {
namespace {

google::protobuf::Timestamp At(const std::string& rfc3339) {
  absl::Time time;
  std::string error;
  EXPECT_TRUE(absl::ParseTime("%Y-%m-%dT%H:%M:%E*SZ", rfc3339, &time, &error)) << error;
  google::protobuf::Timestamp stamp;
  stamp.set_seconds(absl::ToUnixSeconds(time));
  stamp.set_nanos(static_cast<std::int32_t>(
      absl::ToInt64Nanoseconds(time - absl::FromUnixSeconds(stamp.seconds()))));
  return stamp;
}

TimeView View(const std::string& now, int seconds_east) {
  return {.zone = absl::FixedTimeZone(seconds_east),
          .now = absl::FromUnixSeconds(At(now).seconds())};
}

TEST(TimeViewTest, TodayNeedsNoDate) {
  const TimeView view = View("2026-11-30T12:00:00Z", 3'600);
  EXPECT_EQ(ShortTime(At("2026-11-30T09:42:05Z"), view), "10:42");
  EXPECT_EQ(TimeWithSeconds(At("2026-11-30T09:42:05Z"), view), "10:42:05");
  EXPECT_EQ(TimeWithMillis(At("2026-11-30T09:42:05.123456Z"), view), "10:42:05.123");
  EXPECT_EQ(ShortTime(At("2026-11-29T09:42:05Z"), view), "29 Nov 10:42");
  EXPECT_EQ(ShortTime(At("2025-11-30T09:42:05Z"), view), "30 Nov 2025 10:42");
}

TEST(TimeViewTest, TodayIsThatOfTheZone) {
  EXPECT_EQ(ShortTime(At("2026-11-29T23:30:00Z"), View("2026-11-30T12:00:00Z", 3'600)), "00:30");
  EXPECT_EQ(ShortTime(At("2026-11-30T00:30:00Z"), View("2026-11-30T12:00:00Z", -3'600)),
            "29 Nov 23:30");
  EXPECT_EQ(ShortTime(At("2026-12-31T23:30:00Z"), View("2026-12-31T23:00:00Z", 3'600)), "00:30")
      << "the clocks differ a little";
}

TEST(TimeViewTest, TheZoneIsSaid) {
  EXPECT_EQ(TimeColumn("SINCE", TimeView{}), "SINCE (UTC)");
  EXPECT_EQ(TimeAlone(true, At("1970-01-01T00:01:00Z"), TimeView{}), "00:01 UTC");
  EXPECT_EQ(TimeAlone(false, {}, TimeView{}), "");
  absl::TimeZone paris;
  ASSERT_TRUE(absl::LoadTimeZone("Europe/Paris", &paris));
  EXPECT_EQ(
      ZoneName({.zone = paris, .now = absl::FromUnixSeconds(At("2026-01-01T00:00:00Z").seconds())}),
      "CET");
}

TEST(TimeViewTest, TheZoneIsThatOfTheTime) {
  absl::TimeZone paris;
  ASSERT_TRUE(absl::LoadTimeZone("Europe/Paris", &paris));
  const TimeView winter{.zone = paris,
                        .now = absl::FromUnixSeconds(At("2026-11-30T12:00:00Z").seconds())};
  const auto summer = At("2026-09-29T08:42:05Z");
  EXPECT_EQ(TimeAlone(true, summer, winter), "29 Sep 10:42 CEST");
  EXPECT_EQ(ShortTime(summer, winter), "29 Sep 10:42 CEST");
  EXPECT_EQ(TimeWithSeconds(summer, winter), "29 Sep 10:42:05 CEST");
  EXPECT_EQ(TimeWithMillis(summer, winter), "29 Sep 10:42:05.000 CEST");
  EXPECT_EQ(TimeOrDay(summer, winter), "29 Sep");
  EXPECT_EQ(TimeAlone(true, At("2026-11-30T09:42:05Z"), winter), "10:42 CET");
  // The day on which the clocks change has both.
  const TimeView change{.zone = paris,
                        .now = absl::FromUnixSeconds(At("2026-10-25T12:00:00Z").seconds())};
  EXPECT_EQ(TimeColumn("TIME", change), "TIME (CET)");
  EXPECT_EQ(TimeOrDay(At("2026-10-25T00:30:00Z"), change), "02:30:00 CEST");
  EXPECT_EQ(TimeOrDay(At("2026-10-25T01:30:00Z"), change), "02:30:00");
}

TEST(TimeViewTest, ATableThatRunsOnKeepsTheZoneOfItsHeader) {
  absl::TimeZone paris;
  ASSERT_TRUE(absl::LoadTimeZone("Europe/Paris", &paris));
  const TimeView now{.zone = paris,
                     .now = absl::FromUnixSeconds(At("2026-10-25T12:00:00Z").seconds()),
                     .told_zone = "CEST"};
  EXPECT_EQ(TimeOrDay(At("2026-10-25T00:30:00Z"), now), "02:30:00");
  EXPECT_EQ(TimeOrDay(At("2026-10-25T12:00:00Z"), now), "13:00:00 CET");
}

TEST(TimeViewTest, TheDayOfAnOlderTime) {
  const TimeView view = View("2026-11-30T12:00:00Z", 3'600);
  EXPECT_EQ(TimeOrDay(At("2026-11-30T09:42:05Z"), view), "10:42:05");
  EXPECT_EQ(TimeOrDay(At("2026-11-29T09:42:05Z"), view), "29 Nov");
  EXPECT_EQ(TimeOrDay(At("2025-11-30T09:42:05Z"), view), "30 Nov 2025");
}

TEST(TimeViewTest, HowLongAgo) {
  const TimeView view = View("2026-11-30T12:00:00Z", 0);
  EXPECT_EQ(Ago(At("2026-11-30T11:59:55Z"), view), "5 s");
  EXPECT_EQ(Ago(At("2026-11-30T11:54:00Z"), view), "6 min");
  EXPECT_EQ(Ago(At("2026-11-30T09:00:00Z"), view), "3 h");
  EXPECT_EQ(Ago(At("2026-11-28T09:00:00Z"), view), "2 d");
  EXPECT_EQ(Ago(At("2026-11-30T12:00:01Z"), view), "0 s") << "another clock";
}

}  // namespace
}  // namespace unipresence::cli
