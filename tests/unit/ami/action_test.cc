#include "aggregator/ami/action.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <string_view>

namespace unipresence::ami {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using namespace std::string_view_literals;

std::string Text(const absl::Status& status) { return std::string(status.message()); }

TEST(ActionTest, Encodes) {
  ActionBuilder action("Setvar");
  action.Header("Variable", "DEVICE_STATE(Custom:x)").Header("Value", "INUSE").Header("Empty", "");
  const auto bytes = action.Encode("id-1");
  ASSERT_TRUE(bytes.ok());
  EXPECT_EQ(*bytes,
            "Action: Setvar\r\nVariable: DEVICE_STATE(Custom:x)\r\nValue: INUSE\r\nEmpty: \r\n"
            "ActionID: id-1\r\n\r\n");
}

TEST(ActionTest, RepeatedHeadersAreKept) {
  ActionBuilder action("Originate");
  action.Header("Variable", "a=1").Header("Variable", "b=2");
  EXPECT_EQ(*action.Encode("i"),
            "Action: Originate\r\nVariable: a=1\r\nVariable: b=2\r\nActionID: i\r\n\r\n");
}

struct Refusal {
  const char* name;
  std::string_view header;
  std::string_view value;
  const char* text;
};

class ActionRefusalTest : public ::testing::TestWithParam<Refusal> {};

TEST_P(ActionRefusalTest, NamesTheHeader) {
  const Refusal& c = GetParam();
  ActionBuilder action("DBPut");
  action.Header("Family", "f").Header(c.header, c.value).Header("Later", "ignored");
  EXPECT_EQ(action.status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(Text(action.status()), HasSubstr("DBPut"));
  EXPECT_THAT(Text(action.status()), HasSubstr(c.text));
  EXPECT_EQ(action.Encode("i").status(), action.status());
}

const std::string kLong(1000, 'x');

INSTANTIATE_TEST_SUITE_P(
    Refusals, ActionRefusalTest,
    ::testing::Values(
        Refusal{"CrLfInValue", "Val", "a\r\nAction: Command",
                "CR at byte 1 of the value of header Val"},
        Refusal{"CrInValue", "Val", "\r", "CR at byte 0 of the value of header Val"},
        Refusal{"LfInValue", "Val", "ab\n", "LF at byte 2 of the value of header Val"},
        Refusal{"NulInValue", "Val", "a\0b"sv, "NUL at byte 1 of the value of header Val"},
        Refusal{"LfInName", "Va\nl", "x", "byte 0x0a at 2 in the name"},
        Refusal{"NulInName", "\0"sv, "x", "byte 0x00 at 0 in the name"},
        Refusal{"ColonInName", "a:b", "x", "byte 0x3a at 1 in the name"},
        Refusal{"BlankInName", "a b", "x", "byte 0x20 at 1 in the name"},
        Refusal{"EmptyName", "", "x", "without a name"},
        Refusal{"ActionAgain", "action", "Command", "action is set by the session"},
        Refusal{"ActionId", "ActionID", "1", "ActionID is set by the session"},
        Refusal{"LongLine", "Val", kLong, "line of 1007 bytes, limit 1000"}),
    [](const auto& test) { return std::string(test.param.name); });

TEST(ActionTest, LineAtTheLimitPasses) {
  ActionBuilder action("DBPut");
  action.Header("Val", std::string(1000 - 7, 'x'));
  EXPECT_TRUE(action.status().ok());
  ActionBuilder longer("DBPut");
  longer.Header("Val", std::string(1000 - 6, 'x'));
  EXPECT_FALSE(longer.status().ok());
}

TEST(ActionTest, ErrorsNeverTellTheValue) {
  ActionBuilder action("Login");
  action.Header("Secret", "hunter2\n");
  EXPECT_THAT(Text(action.status()), Not(HasSubstr("hunter2")));
}

TEST(ActionTest, NameItselfIsChecked) {
  EXPECT_FALSE(ActionBuilder("").status().ok());
  EXPECT_FALSE(ActionBuilder("Ping\r\nAction: Command").status().ok());
  EXPECT_FALSE(ActionBuilder("Ping").Encode("a\r\nb").ok());
}

TEST(ActionTest, TooManyHeaders) {
  ActionBuilder action("Originate");
  for (std::size_t i = 0; i < kMaxActionHeaders - 2; ++i) action.Header("Variable", "a=1");
  EXPECT_TRUE(action.status().ok());
  action.Header("Variable", "a=1");
  EXPECT_THAT(Text(action.status()), HasSubstr("limit 128"));
}

}  // namespace
}  // namespace unipresence::ami
