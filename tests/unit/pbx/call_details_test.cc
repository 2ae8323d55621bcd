// What a call tells beside direction and holds, from events and rows as Asterisk 16 and 22 send
// them.

#include "aggregator/pbx/call_details.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/unit/pbx/call_events.h"

namespace unipresence::pbx {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

const Chan kAlice{"alice", 1};
const Chan kBob{"bob", 5};
const Chan kCarol{"carol", 6};
const Chan kDave{"dave", 7};

constexpr WallTimeMicros kSecond = 1'000'000;
constexpr WallTimeMicros kNow = 1'000 * kSecond;

// An event of a channel with its connected line and extension; "" as Asterisk says it.
std::string Said(std::string event, const Chan& channel, int state, const Chan& leader,
                 const std::string& number, const std::string& name, const std::string& exten) {
  Headers headers = Of(std::move(event), channel, state, leader);
  headers.insert(headers.end(), {{"CallerIDNum", "1000"},
                                 {"ConnectedLineNum", number.empty() ? "<unknown>" : number},
                                 {"ConnectedLineName", name.empty() ? "<unknown>" : name},
                                 {"Exten", exten}});
  return Text(headers);
}

std::string Row(const Chan& channel, int state, const Chan& leader, const std::string& application,
                const std::string& bridge, const std::string& number, const std::string& exten,
                const std::string& duration) {
  Headers headers = Of("CoreShowChannel", channel, state, leader);
  headers[1] = {"ActionID", "1"};
  headers.insert(headers.end(), {{"CallerIDNum", "1000"},
                                 {"ConnectedLineNum", number},
                                 {"ConnectedLineName", ""},
                                 {"Exten", exten},
                                 {"Application", application},
                                 {"Duration", duration},
                                 {"BridgeId", bridge}});
  return Text(headers);
}

class CallDetailsTest : public ::testing::Test {
 protected:
  CallDetailsTest() {
    driver_.tracker().SetTime(kNow);
    driver_.Resync(ResyncKind::kResync);
  }

  void Event(const std::string& text) { driver_.Event(text); }
  void At(WallTimeMicros seconds) { driver_.tracker().SetTime(kNow + seconds * kSecond); }

  std::vector<CallView> Calls() { return driver_.tracker().Calls("PJSIP/alice"); }
  // "answered 1101 Bob" of each call of alice.
  std::vector<std::string> Told() {
    std::vector<std::string> told;
    for (const CallView& call : Calls()) {
      told.push_back(fmt::format("{} {} {}", ToString(call.state), call.other_party.number,
                                 call.other_party.name));
    }
    return told;
  }

  PbxDriver driver_;
};

TEST_F(CallDetailsTest, AnEmittedCallKeepsTheNumberThatWasDialled) {
  Event(Said("Newchannel", kAlice, kRing, kAlice, "", "", "1101"));
  EXPECT_THAT(Told(), ElementsAre("dialing 1101 "));
  EXPECT_EQ(Calls()[0].start_time, kNow);
  Event(Newchannel(kBob, kDown, kAlice));
  Event(Said("NewConnectedLine", kAlice, kRing, kAlice, "1001", "Bob", "1101"));
  EXPECT_THAT(Told(), ElementsAre("dialing 1101 Bob"));
  EXPECT_EQ(Calls()[0].answer_time, 0);
  At(3);
  Event(Said("Newstate", kAlice, kUp, kAlice, "1001", "Bob", "1101"));
  EXPECT_THAT(Told(), ElementsAre("answered 1101 Bob"));
  EXPECT_EQ(Calls()[0].answer_time, kNow + 3 * kSecond);
  EXPECT_EQ(Calls()[0].linkedid, kAlice.Id());
}

TEST_F(CallDetailsTest, ATransferChangesTheOtherParty) {
  Event(Said("Newchannel", kAlice, kRing, kAlice, "", "", "1101"));
  Event(Said("NewConnectedLine", kAlice, kRing, kAlice, "1001", "Bob", "1101"));
  Event(Said("Newstate", kAlice, kUp, kAlice, "1001", "Bob", "1101"));
  Event(Said("NewConnectedLine", kAlice, kUp, kAlice, "1002", "Carol", "1101"));
  EXPECT_THAT(Told(), ElementsAre("answered 1002 Carol"));
  Event(Said("NewConnectedLine", kAlice, kUp, kAlice, "1001", "Bob", "1101"));
  EXPECT_THAT(Told(), ElementsAre("answered 1101 Bob")) << "back with the first one";
}

TEST_F(CallDetailsTest, AReceivedCallNamesTheCaller) {
  Event(Newchannel(kBob, kRing));
  Event(Said("Newchannel", kAlice, kDown, kBob, "", "", "s"));
  EXPECT_THAT(Told(), ElementsAre("ringing  "));
  Event(Said("NewConnectedLine", kAlice, kDown, kBob, "1001", "Bob", "1000"));
  EXPECT_THAT(Told(), ElementsAre("ringing 1001 Bob"));
  At(2);
  Event(Said("Newstate", kAlice, kUp, kBob, "1001", "Bob", "1000"));
  EXPECT_THAT(Told(), ElementsAre("answered 1001 Bob"));
  EXPECT_EQ(Calls()[0].answer_time - Calls()[0].start_time, 2 * kSecond);
  EXPECT_EQ(Calls()[0].linkedid, kBob.Id());
  Event(Said("NewConnectedLine", kAlice, kUp, kCarol, "", "", "1000"));
  EXPECT_THAT(Told(), ElementsAre("answered 1001 Bob")) << "nothing new is no news";
  EXPECT_EQ(Calls()[0].linkedid, kCarol.Id()) << "but it belongs to another call now";
}

// After the phone was picked up Asterisk says two things in any order: is the DialBegin first?
class OriginatedCallTest : public CallDetailsTest, public ::testing::WithParamInterface<bool> {};

TEST_P(OriginatedCallTest, RingsHereFirstThenDials) {
  Event(Said("Newchannel", kAlice, kDown, kAlice, "", "", "s"));
  EXPECT_THAT(Told(), ElementsAre("originating  "));
  // CONNECTEDLINE(num) of the Originate, for the phone to show.
  Event(Said("NewConnectedLine", kAlice, kDown, kAlice, "1101", "", "s"));
  Event(Said("Newstate", kAlice, kRingingState, kAlice, "1101", "", "s"));
  EXPECT_THAT(Told(), ElementsAre("originating 1101 "));
  Event(Said("Newstate", kAlice, kUp, kAlice, "1101", "", "s"));
  EXPECT_THAT(Told(), ElementsAre("dialing 1101 ")) << "picked up here, not yet answered there";
  Event(Newchannel(kBob, kDown, kAlice));
  Headers dial = Of("DialBegin", kAlice, kUp, kAlice);
  dial.insert(dial.end(), {{"Exten", "1101"}, {"DestChannel", kBob.Name()}});
  const std::string connected =
      Said("NewConnectedLine", kAlice, kUp, kAlice, "1001", "Bob", "1101");
  Event(GetParam() ? Text(dial) : connected);
  Event(GetParam() ? connected : Text(dial));
  EXPECT_THAT(Told(), ElementsAre("dialing 1101 Bob"));
  At(5);
  Event(Enter("b", kBob));
  Event(Enter("b", kAlice));
  EXPECT_THAT(Told(), ElementsAre("answered 1101 Bob"));
  EXPECT_EQ(Calls()[0].answer_time, kNow + 5 * kSecond);
  EXPECT_EQ(Calls()[0].peer, kBob.Name());
  EXPECT_EQ(Calls()[0].peer_uniqueid, kBob.Id());
  Event(Leave("b", kBob));
  EXPECT_THAT(Told(), ElementsAre("answered 1101 Bob")) << "once answered it stays so";
}

INSTANTIATE_TEST_SUITE_P(Orders, OriginatedCallTest, ::testing::Bool());

TEST_F(CallDetailsTest, AnOriginateThatShowsTheOwnNumberTellsNobody) {
  Event(Said("Newchannel", kAlice, kDown, kAlice, "", "", "s"));
  Event(Said("NewConnectedLine", kAlice, kDown, kAlice, "1000", "Alice", "s"));
  EXPECT_THAT(Told(), ElementsAre("originating  "));
}

// --- Rows: channels that nobody saw being born ---

struct ListedCase {
  std::string name;
  std::string row;
  std::string told;
  WallTimeMicros age;  // seconds
};

class ListedCallTest : public CallDetailsTest, public ::testing::WithParamInterface<ListedCase> {};

TEST_P(ListedCallTest, IsToldAsFarAsTheListDoes) {
  Lists lists;
  lists.channels = std::vector<std::string>{GetParam().row};
  driver_.LinkLost();
  driver_.Resync(ResyncKind::kResync, lists);
  EXPECT_THAT(Told(), ElementsAre(GetParam().told));
  EXPECT_EQ(Calls()[0].start_time, kNow - GetParam().age * kSecond);
  EXPECT_EQ(Calls()[0].answer_time, 0) << "nobody knows when";
}

INSTANTIATE_TEST_SUITE_P(
    Rows, ListedCallTest,
    ::testing::Values(
        ListedCase{"Dials", Row(kAlice, kRing, kAlice, "Dial", "", "1001", "1101", "00:00:07"),
                   "dialing 1101 ", 7},
        ListedCase{"Emitted", Row(kAlice, kUp, kAlice, "Dial", "b", "1001", "1101", "00:01:00"),
                   "answered 1101 ", 60},
        ListedCase{"Rings",
                   Row(kAlice, kRingingState, kBob, "AppDial", "", "1001", "1000", "00:00:02"),
                   "ringing 1001 ", 2},
        ListedCase{"Received", Row(kAlice, kUp, kBob, "AppDial", "b", "1001", "", "101:02:03"),
                   "answered 1001 ", (101 * 60 + 2) * 60 + 3},
        ListedCase{"OriginateRings",
                   Row(kAlice, kRingingState, kAlice, "AppDial2", "", "1101", "s", "00:00:01"),
                   "originating 1101 ", 1},
        ListedCase{"OriginateDials",
                   Row(kAlice, kUp, kAlice, "Dial", "", "1001", "1101", "00:00:04"),
                   "dialing 1101 ", 4},
        ListedCase{"OriginateToAnApplication",
                   Row(kAlice, kUp, kAlice, "Echo", "", "", "5000", "00:00:04"), "answered 5000 ",
                   4},
        ListedCase{"WithoutDuration",
                   Row(kAlice, kUp, kBob, "AppDial", "b", "1001", "", "nonsense"), "answered 1001 ",
                   0}),
    [](const auto& info) { return info.param.name; });

TEST_F(CallDetailsTest, AListDoesNotTakeAwayWhatEventsTold) {
  Event(Said("Newchannel", kAlice, kRing, kAlice, "", "", "1101"));
  At(1);
  Event(Said("Newstate", kAlice, kUp, kAlice, "1001", "Bob", "1101"));
  At(60);
  Lists lists;
  lists.channels =
      std::vector<std::string>{Row(kAlice, kUp, kAlice, "Dial", "b", "1001", "1101", "00:00:59")};
  driver_.LinkLost();
  driver_.Resync(ResyncKind::kResync, lists);
  EXPECT_THAT(Told(), ElementsAre("answered 1101 "));
  EXPECT_EQ(Calls()[0].start_time, kNow);
  EXPECT_EQ(Calls()[0].answer_time, kNow + kSecond);
}

TEST_F(CallDetailsTest, TextsOfStrangersAreBounded) {
  const std::string longer(5000, 'x');
  Event(Said("Newchannel", kAlice, kRing, kAlice, longer, longer, longer));
  EXPECT_LE(Calls()[0].other_party.name.size(), 80u);
  EXPECT_LE(Calls()[0].other_party.number.size(), 80u);
}

// --- Who is told ---

TEST_F(CallDetailsTest, ChangedCallsAreCollectedWhileSomebodyWatches) {
  std::vector<std::string> changed;
  driver_.set_observer([&](auto) {
    const auto told = driver_.tracker().changed_calls();
    changed.assign(told.begin(), told.end());
  });
  Event(Said("Newchannel", kAlice, kRing, kAlice, "", "", "1101"));
  EXPECT_THAT(changed, IsEmpty());
  driver_.tracker().WatchCalls(true);
  Event(Said("NewConnectedLine", kAlice, kRing, kAlice, "1001", "Bob", "1101"));
  EXPECT_THAT(changed, ElementsAre("PJSIP/alice"));
  Event(Said("NewConnectedLine", kAlice, kRing, kAlice, "1001", "Bob", "1101"));
  EXPECT_THAT(changed, IsEmpty()) << "nothing new";
  Event(Newchannel(kDave, kRing));
  EXPECT_THAT(changed, ElementsAre("PJSIP/dave"));
  Event(Hangup(kAlice));
  EXPECT_THAT(changed, ElementsAre("PJSIP/alice"));
  driver_.tracker().WatchCalls(false);
  Event(Hangup(kDave));
  EXPECT_THAT(changed, IsEmpty());
}

TEST_F(CallDetailsTest, FailedOriginatesAreToldOnce) {
  std::vector<std::string> failed;
  driver_.set_observer([&](auto) {
    const auto told = driver_.tracker().failed_originates();
    failed.assign(told.begin(), told.end());
  });
  const auto response = [](const std::string& outcome) {
    return Text({{"Event", "OriginateResponse"},
                 {"Privilege", "call,all"},
                 {"Response", outcome},
                 {"Uniqueid", "ours-1"}});
  };
  Event(response("Failure"));
  EXPECT_THAT(failed, ElementsAre("ours-1"));
  Event(response("Success"));
  EXPECT_THAT(failed, IsEmpty());
}

// What phones send as their names: the list of calls must survive all of it.
TEST(CallTextTest, NamesAndNumbersInAnyBytesAreValid) {
  CallDetails details;
  TakeParty(details, ami::Message("Event: Newchannel\r\nLinkedid: b\xFCro-1.2\r\n"
                                  "ConnectedLineNum: 10\xE9\x1b\r\n"
                                  "ConnectedLineName: Soci\xE9t\xE9 \xE2\x82\r\n"));
  EXPECT_EQ(details.linkedid, "b\xEF\xBF\xBDro-1.2");
  EXPECT_EQ(details.connected.number, "10\xEF\xBF\xBD\xEF\xBF\xBD");
  EXPECT_EQ(details.connected.name, "Soci\xEF\xBF\xBDt\xEF\xBF\xBD \xEF\xBF\xBD");
  // The same once more is no change.
  EXPECT_FALSE(TakeParty(details, ami::Message("Event: Newstate\r\nLinkedid: b\xFCro-1.2\r\n"
                                               "ConnectedLineNum: 10\xE9\x1b\r\n"
                                               "ConnectedLineName: Soci\xE9t\xE9 \xE2\x82\r\n")));
  // 10 kB of a name of two-byte characters: cut between them.
  std::string name;
  while (name.size() < 10'000) name += "\xC3\xA9";
  name.insert(0, "a");
  TakeParty(details, ami::Message("Event: Newstate\r\nConnectedLineNum: 1\r\nConnectedLineName: " +
                                  name + "\r\n"));
  EXPECT_EQ(details.connected.name, name.substr(0, 79));
}

}  // namespace
}  // namespace unipresence::pbx
