#include "clients/cli/table.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/cli/captured_output.h"

namespace unipresence::cli {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

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

TEST(DisplayWidthTest, CountsWhatIsSeen) {
  EXPECT_EQ(DisplayWidth(""), 0U);
  EXPECT_EQ(DisplayWidth("alice"), 5U);
  EXPECT_EQ(DisplayWidth("Zoë"), 3U);
  EXPECT_EQ(DisplayWidth("e\xcc\x81"), 1U) << "a combining accent";
  EXPECT_EQ(DisplayWidth("李四"), 4U);
  EXPECT_EQ(DisplayWidth("\xff\xfe"), 2U) << "broken text is still shown";
}

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
  Table table(captured.output(), {"USER", "X"}, {}, 2);
  table.Row({"al", "1"});
  EXPECT_THAT(captured.Lines(), IsEmpty());
  table.Row({"bo", "2"});
  EXPECT_EQ(captured.Lines().size(), 3U);
  table.Row({"a longer one", "3"});
  EXPECT_EQ(captured.Lines().back(), "a longer one  3");
}

TEST(TableTest, MinimumWidthsHold) {
  CapturedOutput captured;
  Table table(captured.output(), {"A", "B"}, {6, 0});
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

}  // namespace
}  // namespace unipresence::cli
