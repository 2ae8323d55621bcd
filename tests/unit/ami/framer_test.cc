#include "aggregator/ami/framer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <random>
#include <string>
#include <vector>

#include "tests/unit/ami/ami_streams.h"

namespace unipresence::ami {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

std::string Repeat(std::string_view text, std::size_t times) {
  std::string out;
  for (std::size_t i = 0; i < times; ++i) out += text;
  return out;
}

// The stream in pieces that end at `cuts` (ascending).
Parsed ParseAt(std::string_view stream, const std::vector<std::size_t>& cuts, bool banner) {
  Gatherer gatherer(banner);
  std::size_t from = 0;
  for (const std::size_t cut : cuts) {
    gatherer.Feed(stream.substr(from, cut - from));
    from = cut;
  }
  gatherer.Feed(stream.substr(from));
  return gatherer.parsed();
}

TEST(FramerTest, CutsMessages) {
  const Parsed parsed = ParseWhole("Event: A\r\nX: 1\r\n\r\nResponse: Success\r\n\r\nEvent: cut");
  EXPECT_THAT(parsed.messages, ElementsAre("Event: A\r\nX: 1\r\n", "Response: Success\r\n"));
  EXPECT_FALSE(parsed.failed);
}

TEST(FramerTest, PassesOverEmptyMessages) {
  const Parsed parsed = ParseWhole("\r\n\r\nEvent: A\r\n\r\n\r\n\r\nEvent: B\r\n\r\n\r\n");
  EXPECT_THAT(parsed.messages, ElementsAre("Event: A\r\n", "Event: B\r\n"));
}

TEST(FramerTest, LoneLineFeedsAndNulsAreData) {
  using namespace std::string_view_literals;
  const std::string_view lines = "Event: A\nForged: 1\r\nX: \0\r\r\n\n\r\n"sv;
  const std::string stream = std::string(lines) + "\r\n";
  const Parsed parsed = ParseWhole(stream);
  EXPECT_THAT(parsed.messages, ElementsAre(lines));
}

TEST(FramerTest, BannerIsALine) {
  const Parsed parsed = ParseWhole("Asterisk Call Manager/11.0.0\r\nEvent: A\r\n\r\n", true);
  EXPECT_THAT(parsed.messages, ElementsAre("Asterisk Call Manager/11.0.0", "Event: A\r\n"));
}

TEST(FramerTest, EverySplitOfASmallStreamGivesTheSame) {
  const std::string stream =
      "Asterisk Call Manager/11.0.0\r\nResponse: Success\r\nActionID: 1\r\n\r\n\r\n"
      "Event: DeviceStateChange\r\nPrivilege: call,all\r\nDevice: PJSIP/alice\r\nState: "
      "INUSE\r\n\r\n"
      "Event: B\r\nX: a\nb\rc\r\n\r\n";
  const Parsed whole = ParseWhole(stream, true);
  ASSERT_EQ(whole.messages.size(), 4u);
  for (std::size_t a = 0; a <= stream.size(); ++a) {
    for (std::size_t b = a; b <= stream.size(); ++b) {
      ASSERT_EQ(ParseAt(stream, {a, b}, true), whole) << "split at " << a << " and " << b;
    }
  }
}

TEST(FramerTest, TracesWholeAreWhatAPlainSearchFinds) {
  const auto traces = Traces();
  ASSERT_GE(traces.size(), 24u);
  for (const auto& [name, stream] : traces) {
    Parsed parsed = ParseWhole(stream, true);
    EXPECT_FALSE(parsed.failed) << name;
    parsed.messages.erase(parsed.messages.begin());
    EXPECT_EQ(parsed.messages, NaiveMessages(stream.substr(stream.find("\r\n") + 2))) << name;
  }
}

TEST(FramerTest, TracesByteByByte) {
  for (const auto& [name, stream] : Traces()) {
    Gatherer gatherer(true);
    for (const char byte : stream) gatherer.Feed({&byte, 1});
    EXPECT_EQ(gatherer.parsed(), ParseWhole(stream, true)) << name;
    EXPECT_EQ(gatherer.framer().pending_bytes(), 0u) << name;
  }
}

// Feeds `stream` in pieces that end at `cuts` and compares the messages as they come; false at the
// first that differs.
bool SameMessages(Framer& framer, std::string_view stream, const std::vector<std::size_t>& cuts,
                  const std::vector<std::string>& expected) {
  framer.Reset();
  std::size_t from = 0;
  std::size_t found = 0;
  bool banner = true;
  for (const std::size_t cut : cuts) {
    const std::string_view piece = stream.substr(from, cut - from);
    from = cut;
    std::ranges::copy(piece, framer.Prepare(piece.size()).begin());
    framer.Commit(piece.size());
    if (banner) {
      const auto line = framer.NextLine();
      if (!line.has_value()) continue;
      if (*line != expected[found++]) return false;
      banner = false;
    }
    while (const Message* message = framer.Next()) {
      if (found == expected.size() || message->text() != expected[found++]) return false;
    }
  }
  return framer.status().ok() && found == expected.size();
}

TEST(FramerTest, TracesAtTenThousandRandomSplits) {
  std::mt19937 random(20260101);
  Framer framer;
  for (const auto& [name, stream] : Traces()) {
    const Parsed whole = ParseWhole(stream, true);
    for (int round = 0; round < 10'000; ++round) {
      // One cut mostly, sometimes a thousand.
      std::vector<std::size_t> cuts(random() % 16 == 0 ? random() % 1000 : 1);
      for (std::size_t& cut : cuts) cut = random() % (stream.size() + 1);
      cuts.push_back(stream.size());
      std::sort(cuts.begin(), cuts.end());
      ASSERT_TRUE(SameMessages(framer, stream, cuts, whole.messages))
          << name << " in round " << round;
    }
  }
}

TEST(FramerTest, StringViewsOutliveTheirMessageUntilPrepare) {
  std::string stream;
  for (int i = 0; i < 2'000; ++i) {
    stream += "Event: DeviceStateChange\r\nDevice: PJSIP/" + std::to_string(i) + "\r\n\r\n";
  }
  Framer framer;
  std::ranges::copy(stream, framer.Prepare(stream.size()).begin());
  framer.Commit(stream.size());
  std::vector<std::string_view> devices;
  while (const Message* message = framer.Next()) devices.push_back(message->Get("Device"));
  ASSERT_EQ(devices.size(), 2'000u);
  for (std::size_t i = 0; i < devices.size(); ++i) {
    EXPECT_EQ(devices[i], "PJSIP/" + std::to_string(i));
  }
}

// Reads that always end within a message: what is unfinished moves to the front now and then, with
// the lines found in it, and the memory does not grow.
TEST(FramerTest, UnfinishedMessagesMoveToTheFront) {
  const std::string event = "Event: A\r\nX: " + std::string(300, 'x') + "\r\nY: 1\r\nZ: 22\r\n";
  std::string stream;
  for (int i = 0; i < 5'000; ++i) stream += event + "\r\n";
  constexpr std::size_t kRead = 997;  // no divisor of the stream
  Framer framer;
  std::size_t messages = 0;
  std::size_t moves = 0;
  const char* const first = framer.Prepare(kRead).data();
  const char* previous = first;
  for (std::size_t from = 0; from < stream.size(); from += kRead) {
    const std::string_view piece = std::string_view(stream).substr(from, kRead);
    const char* const room = framer.Prepare(kRead).data();
    if (room < previous) ++moves;
    previous = room;
    ASSERT_GE(room, first);
    ASSERT_LE(static_cast<std::size_t>(room - first), kMaxMessageBytes + kRead);
    std::ranges::copy(piece, framer.Prepare(kRead).begin());
    framer.Commit(piece.size());
    while (const Message* message = framer.Next()) {
      ASSERT_EQ(message->text(), event) << messages;
      std::string names;
      message->ForEach([&](const Header& header) { names += header.name; });
      ASSERT_EQ(names, "EventXYZ") << messages;
      ++messages;
    }
  }
  EXPECT_EQ(messages, 5'000u);
  EXPECT_GT(moves, 10u);
}

// ---- Limits: what is allowed at the limit and what is refused one beyond it ----

struct LimitCase {
  const char* name;
  std::string stream;
  std::size_t messages;
  const char* error;  // part of the text; null if the stream is fine
};

std::string Line(std::size_t size) { return "X: " + std::string(size - 5, 'x') + "\r\n"; }

std::vector<LimitCase> LimitCases() {
  const std::string good = "Event: A\r\n\r\n";
  // 65,536 bytes in 32 lines.
  const std::string full = Repeat(Line(2048), 32);
  return {
      {"LineAtLimit", good + Line(8192) + "\r\n" + good, 3, nullptr},
      {"LineBeyond", good + Line(8193) + "\r\n" + good, 1,
       "line of at least 8193 bytes, limit 8192"},
      {"LineWithoutEnd", good + std::string(100'000, 'x'), 1, "line of at least"},
      {"HeadersAtLimit", good + Repeat("X: 1\r\n", 256) + "\r\n" + good, 3, nullptr},
      {"HeadersBeyond", good + Repeat("X: 1\r\n", 257) + "\r\n" + good, 1,
       "message of at least 257 headers, limit 256"},
      {"MessageAtLimit", good + full + "\r\n" + good, 3, nullptr},
      {"MessageBeyond", good + full + "X\r\n\r\n" + good, 1,
       "message of at least 65539 bytes, limit 65536"},
      {"LinesWithoutEnd", good + Repeat(Line(2000), 1000), 1, "message of at least"},
      {"BareLineFeedsOnly", Repeat("Event: A\nX: 1\n\n", 10'000), 0, "line of at least"},
      {"Nuls", good + std::string(20'000, '\0'), 1, "line of at least"},
      {"EmptyMessagesOnly", Repeat("\r\n", 100'000), 0, nullptr},
  };
}

class FramerLimitTest : public ::testing::TestWithParam<LimitCase> {};

TEST_P(FramerLimitTest, WholeAndInPieces) {
  const LimitCase& c = GetParam();
  for (const std::size_t piece :
       {std::size_t{1}, std::size_t{7}, std::size_t{4096}, std::size_t{4097}, c.stream.size()}) {
    Gatherer gatherer;
    for (std::size_t from = 0; from < c.stream.size(); from += piece) {
      gatherer.Feed(std::string_view(c.stream).substr(from, piece));
    }
    EXPECT_EQ(gatherer.parsed().messages.size(), c.messages) << "pieces of " << piece;
    EXPECT_EQ(gatherer.parsed().failed, c.error != nullptr) << "pieces of " << piece;
    if (c.error == nullptr) continue;
    const absl::Status& status = gatherer.framer().status();
    EXPECT_EQ(status.code(), absl::StatusCode::kResourceExhausted);
    // The size depends on how much had come when it was noticed.
    const std::string text(status.message());
    if (piece == c.stream.size()) {
      EXPECT_THAT(text, HasSubstr(c.error));
    } else {
      EXPECT_THAT(text, HasSubstr("of at least"));
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Limits, FramerLimitTest, ::testing::ValuesIn(LimitCases()),
                         [](const auto& test) { return std::string(test.param.name); });

TEST(FramerTest, StopsForGoodAfterAViolationUntilReset) {
  Gatherer gatherer;
  gatherer.Feed(std::string(9000, 'x'));
  EXPECT_FALSE(gatherer.framer().status().ok());
  gatherer.Feed("\r\n\r\nEvent: A\r\n\r\n");
  EXPECT_TRUE(gatherer.parsed().messages.empty());
  gatherer.framer().Reset();
  gatherer.Feed("Event: B\r\n\r\n");
  EXPECT_THAT(gatherer.parsed().messages, ElementsAre("Event: B\r\n"));
}

TEST(FramerTest, GarbageNeverDependsOnTheSplits) {
  std::mt19937 random(7);
  for (int round = 0; round < 300; ++round) {
    // Few different bytes, so that line ends are common.
    static constexpr std::string_view kBytes("\r\n\r\n: aE\0\xff", 10);
    std::string stream(random() % 20'000, ' ');
    for (char& c : stream) c = kBytes[random() % kBytes.size()];
    const Parsed whole = ParseWhole(stream);
    std::vector<std::size_t> cuts(random() % 50);
    for (std::size_t& cut : cuts) cut = random() % (stream.size() + 1);
    std::sort(cuts.begin(), cuts.end());
    ASSERT_EQ(ParseAt(stream, cuts, false), whole) << "round " << round;
    if (!whole.failed) {
      ASSERT_EQ(whole.messages, NaiveMessages(stream)) << "round " << round;
    }
  }
}

RC_GTEST_PROP(FramerProperty, MessagesComeBackAsTheyWereWritten, ()) {
  const auto lines = *rc::gen::container<std::vector<std::vector<std::string>>>(
      rc::gen::nonEmpty(rc::gen::container<std::vector<std::string>>(
          rc::gen::nonEmpty(rc::gen::string<std::string>()))));
  std::string stream;
  std::vector<std::string> expected;
  for (const auto& message : lines) {
    std::string text;
    for (std::string line : message) {
      std::replace(line.begin(), line.end(), '\r', '.');
      text += line + "\r\n";
    }
    expected.push_back(text);
    stream += text + "\r\n";
  }
  const auto cut = *rc::gen::inRange<std::size_t>(0, stream.size() + 1);
  RC_ASSERT(ParseAt(stream, {cut}, false).messages == expected);
}

}  // namespace
}  // namespace unipresence::ami
