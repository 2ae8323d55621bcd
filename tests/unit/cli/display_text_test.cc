#include "clients/cli/display_text.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace unipresence::cli {
namespace {

using ::testing::ElementsAre;

TEST(ShownTest, KeepsTextAndShowsWhatIsMissing) {
  EXPECT_EQ(Shown("Zoë 李"), "Zoë 李");
  EXPECT_EQ(Shown(""), "-");
}

TEST(ShownTest, ControlsCannotReachTheTerminal) {
  EXPECT_EQ(Shown("a\x1b[31mb"), "a?[31mb");
  EXPECT_EQ(Shown("a\tb\r\n"), "a?b??");
  EXPECT_EQ(Shown("a\x7f\xc2\x9b"
                  "b"),
            "a??b");
}

TEST(ShownTest, NeitherBrokenBytesNorTurnedLines) {
  EXPECT_EQ(Shown("Soci\xe9t\xe9"), "Soci\xef\xbf\xbdt\xef\xbf\xbd");
  EXPECT_EQ(Shown("\x9b"
                  "31m"),
            "\xef\xbf\xbd"
            "31m")
      << "C1 as one byte";
  EXPECT_EQ(Shown("\xc0\x9b"), "\xef\xbf\xbd\xef\xbf\xbd") << "overlong";
  EXPECT_EQ(Shown("\xe2\x80\xae"
                  "evil"),
            "?evil")
      << "right to left from here";
  EXPECT_EQ(Shown("a\xe2\x80\xa8"
                  "b"),
            "a?b")
      << "a line separator";
}

TEST(DisplayWidthTest, CountsWhatIsSeen) {
  EXPECT_EQ(DisplayWidth(""), 0U);
  EXPECT_EQ(DisplayWidth("alice"), 5U);
  EXPECT_EQ(DisplayWidth("Zoë"), 3U);
  EXPECT_EQ(DisplayWidth("e\xcc\x81"), 1U) << "a combining accent";
  EXPECT_EQ(DisplayWidth("李四"), 4U);
  EXPECT_EQ(DisplayWidth("\xff\xfe"), 2U) << "broken text is still shown";
}

TEST(DisplayWidthTest, KnowsWhatUnicodeKnows) {
  EXPECT_EQ(DisplayWidth("สวัสดี"), 4U) << "Thai with marks above";
  EXPECT_EQ(DisplayWidth("한국"), 4U);
  EXPECT_EQ(DisplayWidth("👩"), 2U);
  EXPECT_EQ(DisplayWidth("שלום"), 4U);
}

TEST(CutTest, BetweenCharactersByWhatIsSeen) {
  EXPECT_EQ(Cut("alice", 5), "alice");
  EXPECT_EQ(Cut("alice", 4), "ali…");
  EXPECT_EQ(Cut("alice", 1), "…");
  EXPECT_EQ(Cut("alice", 0), "");
  EXPECT_EQ(Cut("李四王五", 5), "李四…");
  EXPECT_EQ(Cut("李四王五", 4), "李…") << "no half character";
  EXPECT_EQ(Cut("e\xcc\x81"
                "e\xcc\x81"
                "e\xcc\x81",
                2),
            "e\xcc\x81…")
      << "with its accent";
}

TEST(WrappedTest, AtBlanks) {
  EXPECT_THAT(Wrapped("one two three", 7), ElementsAre("one two", "three"));
  EXPECT_THAT(Wrapped("one two three", 0), ElementsAre("one two three"));
  EXPECT_THAT(Wrapped("abcdefgh ij", 4), ElementsAre("abcd", "efgh", "ij"));
  EXPECT_THAT(Wrapped("李四 王五", 5), ElementsAre("李四", "王五"));
  EXPECT_THAT(Wrapped("", 5), ElementsAre(""));
}

}  // namespace
}  // namespace unipresence::cli
