#include "clients/cli/table.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/cli/captured_output.h"

namespace unipresence::cli {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

TEST(PaintedTest, OnlyWhereColoursAreWanted) {
  EXPECT_EQ(Painted("x", Colour::kGreen, false), "x");
  EXPECT_EQ(Painted("x", Colour::kNone, true), "x");
  EXPECT_EQ(Painted("x", Colour::kGreen, true), "\x1b[32mx\x1b[0m");
}

TEST(TableTest, AlignsColumnsBelowTheHeader) {
  CapturedOutput captured;
  {
    Table table(captured.output(), {"USER", "STATE", "X"});
    table.Row({"alice", "IN_USE", "1"});
    table.Row({"李", "", "2"});
  }
  EXPECT_THAT(captured.Lines(), ElementsAre("USER   STATE   X",  //
                                            "alice  IN_USE  1",  //
                                            "李     -       2"));
}

TEST(TableTest, PadsBeforeItPaints) {
  CapturedOutput captured(true);
  {
    Table table(captured.output(), {"A", "B"});
    table.Row({Cell("x", Colour::kRed), "1"});
  }
  EXPECT_THAT(captured.Lines(),
              ElementsAre("\x1b[1mA\x1b[0m  \x1b[1mB\x1b[0m", "\x1b[31mx\x1b[0m  1"));
}

TEST(TableTest, WritesNothingWithoutRowsUnlessFlushed) {
  CapturedOutput captured;
  { Table table(captured.output(), {"USER"}); }
  EXPECT_THAT(captured.Lines(), IsEmpty());
  Table table(captured.output(), {"USER"});
  table.Flush();
  table.Flush();
  EXPECT_THAT(captured.Lines(), ElementsAre("USER"));
}

TEST(TableTest, RowsAfterTheFirstOnesGoOutAtOnce) {
  CapturedOutput captured;
  Table table(captured.output(), {"USER", "X"}, 2);
  table.Row({"al", "1"});
  EXPECT_THAT(captured.Lines(), IsEmpty());
  table.Row({"bo", "2"});
  EXPECT_EQ(captured.Lines().size(), 3U);
  table.Row({"a longer one", "3"});
  EXPECT_EQ(captured.Lines().back(), "a longer one  3");
}

TEST(TableTest, MinimumWidthsHold) {
  CapturedOutput captured;
  Table table(captured.output(), {{"A", 0, kWhole, 6}, {"B"}});
  table.Flush();
  table.Row({"x", "y"});
  EXPECT_THAT(captured.Lines(), ElementsAre("A       B", "x       y"));
}

TEST(TableTest, MissingCellsAreEmpty) {
  CapturedOutput captured;
  {
    Table table(captured.output(), {"A", "B"});
    table.Row({"x"});
  }
  EXPECT_EQ(captured.Lines().back(), "x") << "no blanks at the end";
}

// --- what does not fit ---

const std::vector<Column> kPeople = {
    {"USER", 0, 5}, {"NAME", 1, 4}, {"STATE"}, {"RULE", 3}, {"ID", 2}};

TEST(FitColumnsTest, AllStayWhereThereIsRoom) {
  EXPECT_THAT(FitColumns(kPeople, {8, 10, 6, 20, 4}, 0), ElementsAre(8, 10, 6, 20, 4));
  EXPECT_THAT(FitColumns(kPeople, {8, 10, 6, 20, 4}, 56), ElementsAre(8, 10, 6, 20, 4));
}

TEST(FitColumnsTest, TextsAreCutBeforeColumnsGo) {
  EXPECT_THAT(FitColumns(kPeople, {8, 10, 6, 20, 4}, 55), ElementsAre(8, 9, 6, 20, 4));
  EXPECT_THAT(FitColumns(kPeople, {8, 10, 6, 20, 4}, 48), ElementsAre(6, 4, 6, 20, 4))
      << "the less important one first";
}

TEST(FitColumnsTest, ColumnsWithoutATextGoFirst) {
  const std::vector<bool> name = {false, true, false, false, false};
  EXPECT_THAT(FitColumns(kPeople, {8, 10, 6, 20, 4}, 56, name), ElementsAre(8, 10, 6, 20, 4));
  EXPECT_THAT(FitColumns(kPeople, {8, 10, 6, 20, 4}, 55, name), ElementsAre(8, 0, 6, 20, 4));
  const std::vector<bool> all(5, true);
  EXPECT_THAT(FitColumns(kPeople, {8, 10, 6, 20, 4}, 55, all), ElementsAre(8, 10, 6, 0, 4))
      << "no more than must";
  EXPECT_THAT(FitColumns(kPeople, {8, 10, 6, 20, 4}, 10, all), ElementsAre(5, 0, 3, 0, 0))
      << "rank 0 stays";
}

TEST(FitColumnsTest, TheLeastImportantColumnGoesFirst) {
  EXPECT_THAT(FitColumns(kPeople, {8, 10, 6, 20, 4}, 34), ElementsAre(8, 10, 6, 0, 4));
  EXPECT_THAT(FitColumns(kPeople, {8, 10, 6, 20, 4}, 24), ElementsAre(8, 6, 6, 0, 0));
  EXPECT_THAT(FitColumns(kPeople, {8, 10, 6, 20, 4}, 14), ElementsAre(6, 0, 6, 0, 0));
}

TEST(FitColumnsTest, InNeedEvenWhatShouldBeWholeIsCut) {
  EXPECT_THAT(FitColumns(kPeople, {8, 10, 6, 20, 4}, 9), ElementsAre(5, 0, 2, 0, 0));
  EXPECT_THAT(FitColumns(kPeople, {8, 10, 6, 20, 4}, 1), ElementsAre(1, 0, 1, 0, 0));
}

// Rows of texts as they come, at every width: none is broken, and none says nothing.
TEST(TableTest, NoLineIsWiderThanTheTerminal) {
  for (std::size_t width = 4; width <= 200; ++width) {
    CapturedOutput captured(false, width);
    {
      Table table(captured.output(),
                  {{"USER", 0, 4}, {"NAME", 1, 6}, {"STATE", 2}, {"CAUSE", 3, 8}, {"NOTES", 4, 6}},
                  2);
      table.Row({"alice", "Alice Martin", "RINGING_IN_USE", "LOGIN", ""});
      table.Row({"bob", "李小龙李小龙李小龙李小龙", "IN_USE", "HANGUP PJSIP/bob on main", "stale"});
      table.Row(
          {"a.very.long.user@example.org", "Zoe\xcc\x88 Ve\xcc\x81rane", "", "", "x\x1b[2Jy"});
      table.Row({"\xff\xfe\x9b",
                 "\xe2\x80\xae"
                 "elcric",
                 "", std::string(300, 'c'), "a\nb"});
    }
    ASSERT_EQ(captured.Lines().size(), 5U);
    for (const std::string& line : captured.Lines()) {
      EXPECT_LE(DisplayWidth(line), width) << line;
      EXPECT_EQ(line.find('\x1b'), std::string::npos);
      EXPECT_FALSE(line.empty());
    }
  }
}

TEST(TableTest, WhatIsCutSaysSo) {
  CapturedOutput captured(false, 12);
  {
    Table table(captured.output(), {{"USER", 0, 4}, {"NAME", 0, 4}});
    table.Row({"al", "Alice Martin"});
    table.Row({"bo", "李小龙李小龙"});
  }
  EXPECT_THAT(captured.Lines(), ElementsAre("USER  NAME", "al    Alice…", "bo    李小…"));
}

TEST(TableTest, AnEmptyColumnMakesRoom) {
  CapturedOutput captured(false, 16);
  Table table(captured.output(), {{"USER"}, {"NAME", 1, 4}, {"CAUSE", 3, 3}});
  table.Row({"al", "", "DIAL_BEGIN"});
  table.Row({"bo", "-", "HANGUP"});
  table.Flush();
  EXPECT_THAT(captured.Lines(), ElementsAre("USER  CAUSE", "al    DIAL_BEGIN", "bo    HANGUP"));
}

TEST(TableTest, ALiveTableKeepsColumnsWhoseTextsComeLater) {
  CapturedOutput captured(false, 20);
  Table table(captured.output(), {{"USER"}, {"NAME", 1, 4}, {"CAUSE", 3, 6, 8}});
  table.Row({"al", "Alice Martin"});
  table.Flush();
  table.Row({"al", "Alice Martin", "HANGUP"});
  EXPECT_EQ(captured.Lines().back(), "al    Alice…  HANGUP");
}

const std::vector<Column> kNoted = {{"USER"}, {"STATE"}, {"CAUSE", 2, 8}, {"NOTES", 1, 5, 0, 1}};

TEST(TableTest, AColumnWithoutRoomJoinsAnother) {
  CapturedOutput captured(false, 20);
  Table table(captured.output(), kNoted);
  table.Row({"alice", "IN_USE", "LOGIN", ""});
  table.Row({"bob", "BUSY", "LOGOUT", "stale"});
  table.Flush();
  EXPECT_THAT(captured.Lines(),
              ElementsAre("USER   STATE   NOTES", "alice  IN_USE", "bob    BUSY    stale"));
  CapturedOutput narrow(false, 19);
  Table joined(narrow.output(), kNoted);
  joined.Row({"alice", "IN_USE", "LOGIN", ""});
  joined.Row({"bob", "BUSY", "LOGOUT", "stale"});
  joined.Flush();
  EXPECT_TRUE(joined.Shows(3));
  EXPECT_FALSE(joined.Shows(2));
  EXPECT_THAT(narrow.Lines(), ElementsAre("USER   STATE", "alice  IN_USE", "bob    BUSY (stale)"));
}

TEST(TableTest, FollowsTheWidthOfItsWindow) {
  std::size_t width = 30;
  CapturedOutput captured(false, [&width] { return width; });
  Table table(captured.output(), {{"USER"}, {"NAME", 1, 8, 12}, {"CAUSE", 2, 8, 20}});
  table.Flush();
  table.Row({"al", "Alice Martin", "LOGIN"});
  EXPECT_TRUE(table.Shows(2));
  width = 20;
  table.Row({"al", "Alice Martin", "LOGOUT"});
  EXPECT_FALSE(table.Shows(2));
  EXPECT_THAT(captured.Lines(),
              ElementsAre("USER  NAME          CAUSE", "al    Alice Martin  LOGIN", "USER  NAME",
                          "al    Alice Martin"));
}

}  // namespace
}  // namespace unipresence::cli
