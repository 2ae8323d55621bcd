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

// ---- Limits: what is handed out at the limit and one beyond it ----

std::string Line(std::size_t size) { return "X: " + std::string(size - 5, 'x') + "\r\n"; }

constexpr char kGood[] = "Event: A\r\n\r\n";

struct LimitCase {
  const char* name;
  std::string between;          // between two good messages
  std::vector<std::string> is;  // what it is handed out as
};

std::vector<LimitCase> LimitCases() {
  const std::string full = Repeat(Line(2048), 32);  // 65,536 bytes
  const std::string head = "Event: UserEvent\r\nPrivilege: user,all\r\n";
  const std::string user = head + "UserEvent: Big\r\n";
  const auto cut = [](std::size_t size, const std::string& kept) {
    return "cut " + std::to_string(size) + ": " + kept;
  };
  const std::string row = "Event: Row\r\nActionID: 7\r\n";
  return {
      {"LineAtLimit", Line(8192) + "\r\n", {Line(8192)}},
      {"LineBeyond", Line(8193) + "\r\n", {cut(8193, "")}},
      {"HeadersAtLimit", Repeat("X: 1\r\n", 256) + "\r\n", {Repeat("X: 1\r\n", 256)}},
      {"HeadersBeyond", Repeat("X: 1\r\n", 257) + "\r\n", {cut(1542, "X: 1\r\n")}},
      {"MessageAtLimit", full + "\r\n", {full}},
      {"MessageBeyond", full + "X\r\n\r\n", {cut(65'539, "")}},
      {"LongValue", user + Line(71'000) + "\r\n", {cut(user.size() + 71'000, user)}},
      {"LongName", row + std::string(20'000, 'N') + ": 1\r\n\r\n", {cut(row.size() + 20'005, row)}},
      {"ManyHeaders",
       head + Repeat("V: 123\r\n", 9'000) + "UserEvent: Big\r\n\r\n",
       {cut(user.size() + 72'000, user)}},
      // What says whose it is may come last, and what only looks so is no header.
      {"NamedBehindTheLimit",
       "Event: Row\r\n" + Line(9'000) + "ActionID: 7\r\nActionID: 8\r\n\r\n",
       {cut(row.size() + 9'013, row)}},
      {"LooksLikeAName",
       "Event: Row\r\n" + Line(9'000) + std::string(700, 'x') + "ActionID: 7\r\n\r\n",
       {cut(9'725, "Event: Row\r\n")}},
      {"LongActionId",
       "Event: Row\r\n" + Line(9'000) + "ActionID: " + std::string(503, '7') + "\r\n\r\n",
       {cut(9'527, "Event: Row\r\n")}},
      {"KeptAtItsLimit",
       "Event: Row\r\n" + Line(9'000) + "ActionID: " + std::string(502, '7') + "\r\n\r\n",
       {cut(9'526, "Event: Row\r\nActionID: " + std::string(502, '7') + "\r\n")}},
      // None of these is CR LF CR LF.
      {"LooksLikeTheEnd",
       "Event: B\r\n" + Line(9'000) + "\n\n" + "\r\r\n" + "\n\r\r\n" + " \r\n" + "\r\r\r\n\r\n",
       {cut(9'026, "Event: B\r\n")}},
      {"EndsInCarriageReturns", std::string(9'000, '\r') + "\n\r\n", {cut(9'001, "")}},
      {"TwoInARow", Line(9'000) + "\r\n" + Line(9'000) + "\r\n", {cut(9'000, ""), cut(9'000, "")}},
      {"EmptyMessagesBehind", Line(9'000) + "\r\n\r\n\r\n", {cut(9'000, "")}},
      {"Nuls", std::string(20'000, '\0') + "\r\n\r\n", {cut(20'002, "")}},
      {"BareLineFeedsOnly", Repeat("Event: A\nX: 1\n\n", 10'000) + "\r\n\r\n", {cut(150'002, "")}},
      {"EndsAtTheLastByte", Repeat(Line(1'024), 1'024) + "\r\n", {cut(1'048'576, "")}},
      {"EmptyMessagesOnly", Repeat("\r\n", 100'000), {}},
  };
}

class FramerLimitTest : public ::testing::TestWithParam<LimitCase> {};

TEST_P(FramerLimitTest, WholeAndInPieces) {
  const LimitCase& c = GetParam();
  const std::string stream = kGood + c.between + kGood;
  std::vector<std::string> expected = {"Event: A\r\n"};
  expected.insert(expected.end(), c.is.begin(), c.is.end());
  expected.push_back("Event: A\r\n");
  EXPECT_EQ(NaiveMessages(stream), expected);
  for (const std::size_t piece : {std::size_t{1}, std::size_t{2}, std::size_t{7}, std::size_t{4096},
                                  std::size_t{4097}, stream.size()}) {
    Gatherer gatherer;
    for (std::size_t from = 0; from < stream.size(); from += piece) {
      gatherer.Feed(std::string_view(stream).substr(from, piece));
      ASSERT_LE(gatherer.framer().pending_bytes(), kMaxMessageBytes + 1);
    }
    EXPECT_EQ(gatherer.parsed().messages, expected) << "pieces of " << piece;
    EXPECT_FALSE(gatherer.parsed().failed) << "pieces of " << piece;
  }
}

INSTANTIATE_TEST_SUITE_P(Limits, FramerLimitTest, ::testing::ValuesIn(LimitCases()),
                         [](const auto& test) { return std::string(test.param.name); });

TEST(FramerTest, AMessageBeyondTheLimitsAtEverySplit) {
  const std::string stream =
      "Event: Row\r\n" + std::string(8'191, 'x') + "\r\nActionID: 7\r\n\r\nEvent: B\r\n\r\n";
  const Parsed whole = ParseWhole(stream);
  ASSERT_THAT(whole.messages,
              ElementsAre("cut 8218: Event: Row\r\nActionID: 7\r\n", "Event: B\r\n"));
  for (std::size_t cut = 0; cut <= stream.size(); ++cut) {
    ASSERT_EQ(ParseAt(stream, {cut}, false), whole) << "split at " << cut;
  }
  const std::size_t tail = stream.size() - 50;
  for (std::size_t a = tail; a <= stream.size(); ++a) {
    for (std::size_t b = a; b <= stream.size(); ++b) {
      ASSERT_EQ(ParseAt(stream, {a, b}, false), whole) << "split at " << a << " and " << b;
    }
  }
}

TEST(FramerTest, AMessageBeyondTheLimitsNeedsNoMemory) {
  Framer framer;
  constexpr std::size_t kRead = 1000;
  const char* const first = framer.Prepare(kRead).data();
  for (int i = 0; i < 1000; ++i) {
    const std::span<char> room = framer.Prepare(kRead);
    ASSERT_LE(static_cast<std::size_t>(room.data() - first), kMaxMessageBytes + kRead);
    std::fill_n(room.begin(), kRead, 'x');
    framer.Commit(kRead);
    EXPECT_EQ(framer.Next(), nullptr);
    if (i > 70) {
      EXPECT_LE(framer.pending_bytes(), 2u);
    }
  }
  EXPECT_TRUE(framer.status().ok());
}

// ---- Damage ----

struct DamageCase {
  const char* name;
  std::string stream;
};

class FramerDamageTest : public ::testing::TestWithParam<DamageCase> {};

TEST_P(FramerDamageTest, StopsForGoodUntilReset) {
  const std::string stream = kGood + GetParam().stream;
  for (const std::size_t piece :
       {std::size_t{1}, std::size_t{4096}, std::size_t{4097}, stream.size()}) {
    Gatherer gatherer;
    for (std::size_t from = 0; from < stream.size(); from += piece) {
      gatherer.Feed(std::string_view(stream).substr(from, piece));
    }
    EXPECT_THAT(gatherer.parsed().messages, ElementsAre("Event: A\r\n")) << piece;
    EXPECT_EQ(gatherer.framer().status().code(), absl::StatusCode::kResourceExhausted) << piece;
    EXPECT_THAT(std::string(gatherer.framer().status().message()),
                HasSubstr("AMI message without an end of at least 1048"));
    gatherer.Feed("\r\n\r\nEvent: C\r\n\r\n");
    EXPECT_EQ(gatherer.parsed().messages.size(), 1u);
    gatherer.framer().Reset();
    gatherer.Feed("Event: B\r\n\r\n");
    EXPECT_THAT(gatherer.parsed().messages, ElementsAre("Event: A\r\n", "Event: B\r\n"));
  }
}

INSTANTIATE_TEST_SUITE_P(
    Damage, FramerDamageTest,
    ::testing::Values(DamageCase{"OneLine", std::string(1'048'578, 'x')},
                      DamageCase{"Lines", Repeat(Line(1'024), 1'024) + "X\r\n"},
                      DamageCase{"LooksLikeTheEnd", Repeat("\n\r\r\n", 262'144) + "\n\r"}),
    [](const auto& test) { return std::string(test.param.name); });

TEST(FramerTest, ABannerBeyondTheLimitIsNone) {
  for (const bool ended : {false, true}) {
    const std::string stream = std::string(8'200, 'x') + (ended ? "\r\n" : "");
    EXPECT_TRUE([&] {
      Framer framer;
      std::ranges::copy(stream, framer.Prepare(stream.size()).begin());
      framer.Commit(stream.size());
      return !framer.NextLine().has_value() && !framer.status().ok();
    }());
  }
}

TEST(FramerTest, GarbageNeverDependsOnTheSplits) {
  std::mt19937 random(7);
  for (int round = 0; round < 300; ++round) {
    // Few different bytes, so that line ends are common.
    static constexpr std::string_view kBytes("\r\n\r\n: aE\0\xff", 10);
    std::string stream(random() % 20'000, ' ');
    for (char& c : stream) c = kBytes[random() % kBytes.size()];
    // Now and then a run that makes a message too long.
    if (round % 3 == 0) stream.insert(stream.size() / 2, random() % 70'000, 'x');
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
