#include "clients/cli/words.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace unipresence::cli {
namespace {

TEST(WordTest, HasNoPrefix) {
  EXPECT_EQ(Word(v1::PRESENCE_STATE_AVAILABLE), "AVAILABLE");
  EXPECT_EQ(Word(v1::DEVICE_STATE_NOT_INUSE), "NOT_INUSE");
  EXPECT_EQ(Word(v1::LINE_KIND_DESKPHONE), "DESKPHONE");
  EXPECT_EQ(Word(v1::LINE_TYPE_UNIQUE_ACCOUNT), "UNIQUE_ACCOUNT");
  EXPECT_EQ(Word(v1::RULE_LOGGED_OUT), "LOGGED_OUT");
  EXPECT_EQ(Word(v1::CAUSE_KIND_DEVICE_STATE_CHANGE), "DEVICE_STATE_CHANGE");
  EXPECT_EQ(Word(v1::FORWARDING_CONDITION_BUSY), "BUSY");
  EXPECT_EQ(Word(v1::PBX_LINK_STATE_READY), "READY");
  EXPECT_EQ(Word(v1::SESSION_KIND_CLIENT), "CLIENT");
  EXPECT_EQ(Word(v1::ROLE_ADMINISTRATOR), "ADMINISTRATOR");
}

TEST(WordTest, SaysNothingOfWhatIsNotKnown) {
  EXPECT_EQ(Word(v1::PRESENCE_STATE_UNSPECIFIED), "");
  EXPECT_EQ(Word(static_cast<v1::PresenceState>(99)), "");
  EXPECT_EQ(Word(static_cast<v1::Rule>(-1)), "");
}

TEST(PresenceStateWordsTest, AreAllStates) {
  EXPECT_THAT(PresenceStateWords(),
              ::testing::ElementsAre("AVAILABLE", "IN_USE", "BUSY", "UNAVAILABLE", "RINGING",
                                     "RINGING_IN_USE", "ON_HOLD", "UNKNOWN"));
}

TEST(ParseTest, EveryWordComesBack) {
  for (const std::string& word : PresenceStateWords()) {
    ASSERT_TRUE(ParsePresenceState(word)) << word;
    EXPECT_EQ(Word(*ParsePresenceState(word)), word);
  }
}

TEST(ParseTest, CaseAndHyphensDoNotMatter) {
  EXPECT_EQ(ParsePresenceState("in-use"), v1::PRESENCE_STATE_IN_USE);
  EXPECT_EQ(ParseLineKind("WebRTC"), v1::LINE_KIND_WEBRTC);
  EXPECT_EQ(ParseLineType("ua"), v1::LINE_TYPE_UNIQUE_ACCOUNT);
  EXPECT_EQ(ParseRole("admin"), v1::ROLE_ADMINISTRATOR);
}

TEST(ParseTest, RefusesOtherWords) {
  for (const char* word : {"", "UNSPECIFIED", "inuse", "PRESENCE_STATE_BUSY", " BUSY"}) {
    EXPECT_EQ(ParsePresenceState(word), std::nullopt) << word;
  }
  EXPECT_EQ(ParseLineKind("fax"), std::nullopt);
  EXPECT_EQ(ParseLineType("unspecified"), std::nullopt);
  EXPECT_EQ(ParseRole("root"), std::nullopt);
}

google::protobuf::Timestamp Time(std::int64_t seconds, std::int32_t nanos) {
  google::protobuf::Timestamp time;
  time.set_seconds(seconds);
  time.set_nanos(nanos);
  return time;
}

TEST(FormatTimeTest, HasSixDigitsAlways) {
  EXPECT_EQ(FormatTime(Time(0, 0)), "1970-01-01T00:00:00.000000Z");
  EXPECT_EQ(FormatTime(Time(1'777'644'202, 123'456'789)), "2026-05-01T14:03:22.123456Z");
  EXPECT_EQ(FormatTime(Time(-1, 500'000'000)), "1969-12-31T23:59:59.500000Z");
}

google::protobuf::Duration Lasting(std::int64_t seconds, std::int32_t nanos = 0) {
  google::protobuf::Duration duration;
  duration.set_seconds(seconds);
  duration.set_nanos(nanos);
  return duration;
}

TEST(FormatDurationTest, TwoUnitsAtMost) {
  EXPECT_EQ(FormatDuration(Lasting(0, 250'000'000)), "0.25 s");
  EXPECT_EQ(FormatDuration(Lasting(20)), "20 s");
  EXPECT_EQ(FormatDuration(Lasting(119)), "1 min 59 s");
  EXPECT_EQ(FormatDuration(Lasting(3'900)), "1 h 5 min");
  EXPECT_EQ(FormatDuration(Lasting(86'400 * 3 + 3'600 * 4)), "3 d 4 h");
}

TEST(WordsTest, TimesAsPeopleTypeThem) {
  EXPECT_EQ(ParseTime("30s"), std::chrono::seconds(30));
  EXPECT_EQ(ParseTime("30"), std::chrono::seconds(30));
  EXPECT_EQ(ParseTime("0.5"), std::chrono::milliseconds(500));
  EXPECT_EQ(ParseTime("5m"), std::chrono::minutes(5));
  EXPECT_EQ(ParseTime("5min"), std::chrono::minutes(5));
  EXPECT_EQ(ParseTime("1h"), std::chrono::hours(1));
  EXPECT_EQ(ParseTime("500ms"), std::chrono::milliseconds(500));
  for (const char* wrong : {"", "s", "-1", "0", "0s", "nan", "inf", "1d", "1 s", "25h", "1e99"}) {
    EXPECT_EQ(ParseTime(wrong), std::nullopt) << wrong;
  }
}

}  // namespace
}  // namespace unipresence::cli
