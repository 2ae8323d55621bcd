#include "aggregator/base/valid_text.h"

#include <google/protobuf/stubs/common.h>
#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <string>
#include <string_view>
#include <vector>

namespace unipresence {
namespace {

#define R "\xEF\xBF\xBD"

struct Mended {
  std::string_view name;
  std::string_view text;
  std::string_view expected;
};

// Where Unicode gives an example of its own (table 3-8, conformance clause D93b) it is among these.
TEST(ValidTextTest, ReplacesWhatIsNotValid) {
  using namespace std::string_view_literals;
  const Mended kRows[] = {
      {"empty", "", ""},
      {"ASCII", "Alice Martin <1001>", "Alice Martin <1001>"},
      {"UTF-8", "Soci\xC3\xA9t\xC3\xA9 \xE2\x82\xAC \xF0\x9F\x98\x80 \xD7\x90",
       "Soci\xC3\xA9t\xC3\xA9 \xE2\x82\xAC \xF0\x9F\x98\x80 \xD7\x90"},
      {"Latin-1", "Soci\xE9t\xE9", "Soci" R "t" R},
      {"CP1251", "\xCF\xE5\xF2\xF0", R R R R},
      {"cut in a character of 2", "abc\xC3", "abc" R},
      {"cut in a character of 3", "abc\xE2\x82", "abc" R},
      {"cut in a character of 4", "abc\xF0\x9F\x98", "abc" R},
      {"a lone continuation", "a\x80z", "a" R "z"},
      {"overlong of 2", "\xC0\x80", R R},
      {"overlong of 3", "\xE0\x80\x80", R R R},
      {"overlong of 4", "\xF0\x80\x80\x80", R R R R},
      {"a surrogate", "\xED\xA0\x80", R R R},
      {"above U+10FFFF", "\xF4\x90\x80\x80", R R R R},
      {"F5 and more", "\xF5\xFF", R R},
      {"maximal subparts",
       "a\xF1\x80\x80\xE1\x80\xC2"
       "b\x80"
       "c\x80\xBF"
       "d",
       "a" R R R "b" R "c" R R "d"},
      {"NUL", "a\0b"sv, "a" R "b"},
      {"ESC", "\x1b[31mred", R "[31mred"},
      {"a line break", "a\r\nb\tc", "a" R R "b" R "c"},
      {"DEL", "a\x7f", "a" R},
      {"C1", "a\xC2\x85\xC2\x9B", "a" R R},
      {"separators", "\xE2\x80\xA8\xE2\x80\xA9", R R},
      {"overrides of direction", "\xE2\x80\xAA\xE2\x80\xAE\xE2\x81\xA6\xE2\x81\xA9", R R R R},
      {"marks of direction stay", "\xE2\x80\x8E\xE2\x80\x8F", "\xE2\x80\x8E\xE2\x80\x8F"},
      {"no characters", "\xEF\xBF\xBE\xEF\xBF\xBF\xF0\x9F\xBF\xBE", R R R},
      {"a no-break space stays", "a\xC2\xA0z", "a\xC2\xA0z"},
  };
  for (const Mended& row : kRows) {
    EXPECT_EQ(ValidText(row.text), row.expected) << row.name;
    EXPECT_EQ(IsValidText(row.text), row.text == row.expected) << row.name;
  }
  EXPECT_EQ(ValidText("a\nb\tc\r", std::string_view::npos, TextLines::kMany), "a\nb\tc" R);
}

TEST(ValidTextTest, CutsBetweenCharacters) {
  EXPECT_EQ(ValidText("abcdef", 3), "abc");
  EXPECT_EQ(ValidText("ab\xC3\xA9", 3), "ab");
  EXPECT_EQ(ValidText("ab\xC3\xA9", 4), "ab\xC3\xA9");
  EXPECT_EQ(ValidText("\xE9\xE9", 5), R);
  EXPECT_EQ(ValidText("\xE9\xE9", 2), "");
  EXPECT_EQ(ValidText("abc", 0), "");
  EXPECT_EQ(ValidText(std::string(10'000, '\xE9'), 80).size(), 78U);
}

TEST(ValidTextTest, AssignTellsAChange) {
  std::string value;
  EXPECT_TRUE(AssignValidText(value, "Soci\xE9t\xE9", 80));
  EXPECT_FALSE(AssignValidText(value, "Soci\xE9t\xE9", 80));
  EXPECT_EQ(value, "Soci" R "t" R);
  EXPECT_TRUE(AssignValidText(value, "long", 2));
  EXPECT_FALSE(AssignValidText(value, "lo", 2));
}

TEST(ValidTextTest, FaultsHaveLineAndColumn) {
  const auto faults = FindTextFaults(
      "\xEF\xBB\xBF- id: \xC3\xA9\r\n  name: \xC3\xA9\xE9\xE9\n\tx\x1b\n\nend\r", 10);
  ASSERT_EQ(faults.size(), 2U);
  EXPECT_EQ(faults[0].line, 2);
  EXPECT_EQ(faults[0].column, 10);
  EXPECT_EQ(faults[0].what, "the byte 0xE9 is not UTF-8; save the file as UTF-8");
  EXPECT_EQ(faults[1].line, 3);
  EXPECT_EQ(faults[1].column, 3);
  EXPECT_EQ(faults[1].what, "the control character U+001B is not allowed; remove it");
  EXPECT_EQ(FindTextFaults("\xE9\n\xE9\n\xE9", 2).size(), 2U);
  for (const std::string& text :
       {std::string("\xFF\xFE-\0", 4), std::string("\xFE\xFF\0-", 4), std::string("-\0 \0", 4)}) {
    const auto of_16 = FindTextFaults(text, 10);
    ASSERT_EQ(of_16.size(), 1U);
    EXPECT_NE(of_16[0].what.find("UTF-16"), std::string::npos);
  }
  EXPECT_TRUE(FindTextFaults("", 10).empty());
}

// Bytes that texts of some encoding are made of, so that sequences happen.
rc::Gen<std::string> AnyBytes() {
  const auto byte =
      rc::gen::weightedOneOf<char>({{3, rc::gen::inRange<char>(0, 127)},
                                    {2, rc::gen::cast<char>(rc::gen::inRange(0x80, 0xC0))},
                                    {2, rc::gen::cast<char>(rc::gen::inRange(0xC0, 0x100))}});
  return rc::gen::container<std::string>(byte);
}

TEST(ValidTextPropertyTest, AnyBytesBecomeValidAndBounded) {
  EXPECT_TRUE(rc::check([] {
    const std::string bytes = *AnyBytes();
    const std::size_t limit = *rc::gen::inRange<std::size_t>(0, 60);
    const TextLines lines = *rc::gen::element(TextLines::kOne, TextLines::kMany);
    const std::string mended = ValidText(bytes, limit, lines);
    RC_ASSERT(mended.size() <= limit);
    RC_ASSERT(IsValidText(mended, lines));
    RC_ASSERT(IsUtf8(mended));
    // Protobuf judges by a scanner of its own.
    RC_ASSERT(google::protobuf::internal::IsStructurallyValidUTF8(mended.data(),
                                                                  static_cast<int>(mended.size())));
    RC_ASSERT(ValidText(mended, limit, lines) == mended);
    RC_ASSERT(IsUtf8(bytes) == google::protobuf::internal::IsStructurallyValidUTF8(
                                   bytes.data(), static_cast<int>(bytes.size())));
    // A cut is a prefix of the whole.
    RC_ASSERT(ValidText(bytes, std::string_view::npos, lines).starts_with(mended));
  }));
}

}  // namespace
}  // namespace unipresence
