#include "aggregator/ami/message.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "aggregator/ami/framer.h"
#include "tests/unit/ami/ami_streams.h"

namespace unipresence::ami {
namespace {

using ::testing::ElementsAre;
using ::testing::Pair;

std::vector<std::pair<std::string, std::string>> Headers(const Message& message) {
  std::vector<std::pair<std::string, std::string>> headers;
  message.ForEach([&](const Header& header) { headers.emplace_back(header.name, header.value); });
  return headers;
}

// Each case runs on a message made of text and on the same message cut by a framer behind another
// one.
class MessageTest : public ::testing::TestWithParam<bool> {
 protected:
  const Message& Make(const std::string& lines) {
    if (!GetParam()) {
      text_ = lines;
      message_ = Message(text_);
      return message_;
    }
    const std::string stream = "Event: Before\r\nX: y\r\n\r\n" + lines + "\r\n";
    std::ranges::copy(stream, framer_.Prepare(stream.size()).begin());
    framer_.Commit(stream.size());
    framer_.Next();
    const Message* message = framer_.Next();
    EXPECT_NE(message, nullptr);
    message_ = *message;
    return message_;
  }

  std::string text_;
  Framer framer_;
  Message message_{std::string_view()};
};

TEST_P(MessageTest, FindsHeaders) {
  const Message& m = Make(
      "Event: DeviceStateChange\r\nPrivilege: call,all\r\nDevice: PJSIP/alice\r\nState: "
      "NOT_INUSE\r\n");
  EXPECT_EQ(m.Event(), "DeviceStateChange");
  EXPECT_EQ(m.Response(), "");
  EXPECT_EQ(m.Get("Event"), "DeviceStateChange");
  EXPECT_EQ(m.Get("Device"), "PJSIP/alice");
  EXPECT_EQ(m.Get("State"), "NOT_INUSE");
  EXPECT_TRUE(m.Has("Privilege"));
  EXPECT_FALSE(m.Has("Stat"));
  EXPECT_FALSE(m.Has("State2"));
  EXPECT_FALSE(m.Has("device"));
  EXPECT_EQ(m.Get("Missing"), "");
}

TEST_P(MessageTest, KeepsRepeatedHeadersInOrder) {
  const Message& m = Make("Event: X\r\nChanVariable: a=1\r\nChanVariable: b=2\r\n");
  EXPECT_EQ(m.Get("ChanVariable"), "a=1");
  EXPECT_THAT(Headers(m), ElementsAre(Pair("Event", "X"), Pair("ChanVariable", "a=1"),
                                      Pair("ChanVariable", "b=2")));
}

TEST_P(MessageTest, OddLines) {
  const Message& m = Make(
      "Response: Error\r\nEmpty: \r\nEmptier:\r\nNoBlank:x\r\nTwo:  x\r\nno colon\r\n:value\r\n"
      "Url: sip:a@b: c\r\nLf: a\nEvil: 1\r\n");
  EXPECT_EQ(m.Response(), "Error");
  EXPECT_EQ(m.Event(), "");
  EXPECT_TRUE(m.Has("Empty"));
  EXPECT_EQ(m.Get("Empty"), "");
  EXPECT_EQ(m.Get("Emptier"), "");
  EXPECT_EQ(m.Get("NoBlank"), "x");
  EXPECT_EQ(m.Get("Two"), " x");
  EXPECT_EQ(m.Get("Url"), "sip:a@b: c");
  EXPECT_EQ(m.Get("Lf"), "a\nEvil: 1");
  EXPECT_FALSE(m.Has("Evil"));
  EXPECT_FALSE(m.Has("no colon"));
  EXPECT_THAT(Headers(m),
              ElementsAre(Pair("Response", "Error"), Pair("Empty", ""), Pair("Emptier", ""),
                          Pair("NoBlank", "x"), Pair("Two", " x"), Pair("", "no colon"),
                          Pair("", "value"), Pair("Url", "sip:a@b: c"), Pair("Lf", "a\nEvil: 1")));
}

TEST_P(MessageTest, EventCountsOnlyAsTheFirstHeader) {
  EXPECT_EQ(Make("ActionID: 1\r\nEvent: X\r\n").Event(), "");
}

TEST_P(MessageTest, EventWithoutName) {
  const Message& m = Make("Event: \r\nX: 1\r\n");
  EXPECT_EQ(m.Event(), "");
  EXPECT_EQ(m.Get("X"), "1");
}

TEST_P(MessageTest, TextIsTheLines) {
  EXPECT_EQ(Make("Event: X\r\nA: 1\r\n").text(), "Event: X\r\nA: 1\r\n");
}

INSTANTIATE_TEST_SUITE_P(TextAndFramed, MessageTest, ::testing::Bool(),
                         [](const auto& test) { return test.param ? "Framed" : "Text"; });

TEST(MessageOfTextTest, EmptyAndUnterminated) {
  const Message empty{std::string_view()};
  EXPECT_EQ(empty.Event(), "");
  EXPECT_FALSE(empty.Has("X"));
  EXPECT_TRUE(Headers(empty).empty());
  const Message cut("Event: X\r\nA: 1");
  EXPECT_EQ(cut.Get("A"), "1");
  EXPECT_THAT(Headers(cut), ElementsAre(Pair("Event", "X"), Pair("A", "1")));
}

// Framed look-ups, text look-ups and a walk over all headers give the same on real messages.
TEST(MessageTraceTest, BothKindsAgree) {
  for (const auto& [name, stream] : Traces()) {
    Framer framer;
    std::ranges::copy(stream, framer.Prepare(stream.size()).begin());
    framer.Commit(stream.size());
    framer.NextLine();
    while (const Message* framed = framer.Next()) {
      const Message text(framed->text());
      const auto headers = Headers(*framed);
      ASSERT_EQ(Headers(text), headers) << name;
      EXPECT_EQ(framed->Event(), text.Event());
      EXPECT_EQ(framed->Response(), text.Response());
      for (const auto& [header, value] : headers) {
        const auto first =
            std::ranges::find(headers, header, [](const auto& h) { return h.first; });
        ASSERT_EQ(framed->Get(header), first->second) << name << " " << header;
        ASSERT_EQ(text.Get(header), first->second) << name << " " << header;
      }
    }
  }
}

}  // namespace
}  // namespace unipresence::ami
