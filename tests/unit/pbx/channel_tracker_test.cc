// The traps of who emits and who holds: hand-written sequences of events, each with the flags and
// calls of the devices after every step that matters.

#include "aggregator/pbx/channel_tracker.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/unit/pbx/call_events.h"

namespace unipresence::pbx {
namespace {

const Chan kAlice{"alice", 1};
const Chan kAlice2{"alice", 2};
const Chan kAlice3{"alice", 3};
const Chan kAliceWeb{"alice_w", 4};
const Chan kBob{"bob", 5};
const Chan kCarol{"carol", 6};
const Chan kCarol2{"carol", 7};
const Chan kLocal1{"Local/1000@default", 8, ";1"};
const Chan kLocal2{"Local/1000@default", 8, ";2"};

// What is known of devices after the events.
struct Step {
  std::vector<std::string> events;
  std::string alice;        // flags of PJSIP/alice
  std::string alice_calls;  // its calls
  std::string other;        // flags of PJSIP/bob
};

struct Row {
  std::string name;
  std::vector<Step> steps;
};

class ChannelTrapTest : public ::testing::TestWithParam<Row> {};

TEST_P(ChannelTrapTest, FlagsAndCallsAreRight) {
  PbxDriver driver;
  driver.Resync(ResyncKind::kResync);
  int number = 0;
  for (const Step& step : GetParam().steps) {
    SCOPED_TRACE("step " + std::to_string(++number));
    for (const std::string& event : step.events) driver.Event(event);
    EXPECT_EQ(driver.Flags("PJSIP/alice"), step.alice);
    EXPECT_EQ(driver.Calls("PJSIP/alice"), step.alice_calls);
    EXPECT_EQ(driver.Flags("PJSIP/bob"), step.other);
  }
  EXPECT_EQ(driver.tracker().probe().malformed_events.value(), 0u);
  for (const auto& [device, facts] : driver.facts()) {
    EXPECT_FALSE(device.starts_with("Local/")) << device;
  }
}

const std::vector<Row> kDirections = {
    {"EmittedCall",
     {{{Newchannel(kAlice, kRing)}, "emitting in_call", "out emitting", ""},
      {{Newchannel(kBob, kDown, kAlice), DialBegin(kAlice, kBob)},
       "emitting in_call",
       "out emitting",
       ""},
      {{Newstate(kBob, kRingingState)}, "emitting in_call", "out emitting", ""},
      {{Newstate(kBob, kUp), Newstate(kAlice, kUp), Enter("b", kBob), Enter("b", kAlice)},
       "emitting in_call",
       "out talking",
       "in_call"},
      {{Leave("b", kAlice), Hangup(kAlice)}, "", "", "in_call"},
      {{Leave("b", kBob), Hangup(kBob)}, "", "", ""}}},
    {"ReceivedCall",
     {{{Newchannel(kBob, kRing), Newchannel(kAlice, kDown, kBob)},
       "",
       "in offered",
       "emitting in_call"},
      {{DialBegin(kBob, kAlice), Newstate(kAlice, kRingingState)},
       "",
       "in ringing",
       "emitting in_call"},
      {{Newstate(kAlice, kUp)}, "in_call", "in talking", "emitting in_call"},
      {{Hangup(kAlice), Hangup(kBob)}, "", "", ""}}},
    {"ReceivedCallAnsweredWithoutRinging",
     {{{Newchannel(kBob, kRing), Newchannel(kAlice, kDown, kBob), DialBegin(kBob, kAlice),
        Newstate(kAlice, kUp)},
       "in_call",
       "in talking",
       "emitting in_call"}}},
    {"OriginateRingsTheOwnPhoneFirst",
     {{{Newchannel(kAlice, kDown)}, "emitting in_call", "out emitting", ""},
      {{DialBeginAlone(kAlice, kAlice)}, "emitting in_call", "out emitting", ""},
      {{Newstate(kAlice, kRingingState)}, "emitting in_call", "out emitting", ""},
      {{Newstate(kAlice, kUp), Newchannel(kBob, kDown, kAlice), DialBegin(kAlice, kBob)},
       "emitting in_call",
       "out emitting",
       ""},
      {{Newstate(kBob, kUp), Enter("b", kBob), Enter("b", kAlice)},
       "emitting in_call",
       "out talking",
       "in_call"}}},
    {"OriginateNotPickedUp",
     {{{Newchannel(kAlice, kDown), DialBeginAlone(kAlice, kAlice), Newstate(kAlice, kRingingState)},
       "emitting in_call",
       "out emitting",
       ""},
      {{Hangup(kAlice)}, "", "", ""}}},
    {"APageIsReceived",
     {{{Newchannel(kBob, kRing), Newchannel(kAlice, kDown, kBob), DialBeginAlone(kAlice, kBob),
        Newstate(kAlice, kUp)},
       "in_call",
       "in talking",
       "emitting in_call"}}},
    {"OriginateToLocalIsReceived",
     {{{Newchannel(kLocal1, kDown), Newchannel(kLocal2, kRing, kLocal1),
        DialBeginAlone(kLocal1, kLocal1), Newchannel(kAlice, kDown, kLocal1),
        DialBegin(kLocal2, kAlice), Newstate(kAlice, kRingingState)},
       "",
       "in ringing",
       ""},
      {{Newstate(kAlice, kUp), Enter("b", kAlice), Enter("b", kLocal2)},
       "in_call",
       "in talking",
       ""}}},
    {"EmittedThroughLocal",
     {{{Newchannel(kAlice, kRing), Newchannel(kLocal1, kDown, kAlice),
        Newchannel(kLocal2, kRing, kAlice), DialBegin(kAlice, kLocal1),
        Newchannel(kBob, kDown, kAlice), DialBegin(kLocal2, kBob)},
       "emitting in_call",
       "out emitting",
       ""},
      {{Newstate(kBob, kUp), Hangup(kLocal1), Hangup(kLocal2)},
       "emitting in_call",
       "out emitting",
       "in_call"}}},
    {"DirectedPickupLooksEmittedUntilPickup",
     {{{Newchannel(kBob, kRing), Newchannel(kCarol, kDown, kBob), DialBegin(kBob, kCarol),
        Newchannel(kAlice, kRing), Newstate(kAlice, kUp)},
       "emitting in_call",
       "out emitting",
       "emitting in_call"},
      {{Pickup(kAlice, kCarol)}, "in_call", "in talking", "emitting in_call"},
      {{Enter("b", kAlice), Enter("b", kBob), Hangup(kCarol)},
       "in_call",
       "in talking",
       "emitting in_call"},
      {{Hangup(kAlice), Newchannel(kAlice2, kRing)},
       "emitting in_call",
       "out emitting",
       "emitting in_call"}}},
    {"PickupOfNothingStaysEmitted",
     {{{Newchannel(kAlice, kRing)}, "emitting in_call", "out emitting", ""},
      {{Hangup(kAlice)}, "", "", ""}}},
    {"SomebodyPicksUpTheOwnCall",
     {{{Newchannel(kCarol, kRing), Newchannel(kAlice, kDown, kCarol), DialBegin(kCarol, kAlice),
        Newstate(kAlice, kRingingState), Newchannel(kBob, kRing), Newstate(kBob, kUp)},
       "",
       "in ringing",
       "emitting in_call"},
      {{Pickup(kBob, kAlice), Hangup(kAlice)}, "", "", "in_call"}}},
    {"CallWaitingCountsChannels",
     {{{Newchannel(kAlice, kRing), Newchannel(kBob, kRing), Newchannel(kAlice2, kDown, kBob),
        Newstate(kAlice2, kRingingState)},
       "emitting in_call",
       "out emitting + in ringing",
       "emitting in_call"},
      {{Newstate(kAlice2, kUp)},
       "emitting in_call",
       "out emitting + in talking",
       "emitting in_call"},
      {{Hangup(kAlice)}, "in_call", "in talking", "emitting in_call"},
      {{Hangup(kAlice2)}, "", "", "emitting in_call"}}},
    {"TwoEmittedCallsTheSecondEndsFirst",
     {{{Newchannel(kAlice, kRing), Newchannel(kAlice2, kRing), Hangup(kAlice2)},
       "emitting in_call",
       "out emitting",
       ""},
      {{Hangup(kAlice)}, "", "", ""}}},
    {"BlindTransferOfTheCallee",
     // Bob called alice and hands her to carol: alice's channel dials, and stays a received one.
     {{{Newchannel(kBob, kRing), Newchannel(kAlice, kDown, kBob), DialBegin(kBob, kAlice),
        Newstate(kAlice, kUp), Enter("b", kAlice), Enter("b", kBob), Leave("b", kAlice),
        Leave("b", kBob), Hangup(kBob), Newchannel(kCarol, kDown, kBob), DialBegin(kAlice, kCarol)},
       "in_call",
       "in talking",
       ""}}},
    {"BlindTransferOfTheCaller",
     {{{Newchannel(kAlice, kRing), Newchannel(kBob, kDown, kAlice), DialBegin(kAlice, kBob),
        Newstate(kBob, kUp), Newstate(kAlice, kUp), Enter("b", kBob), Enter("b", kAlice),
        Leave("b", kAlice), Hangup(kBob), Newchannel(kCarol, kDown, kAlice),
        DialBegin(kAlice, kCarol)},
       "emitting in_call",
       "out emitting",
       ""}}},
    {"AttendedTransferByAlice",
     {{{Newchannel(kBob, kRing), Newchannel(kAlice, kDown, kBob), Newstate(kAlice, kUp),
        Enter("b", kAlice), Enter("b", kBob), Hold(kAlice), Newchannel(kAlice2, kRing),
        Newchannel(kCarol, kDown, kAlice2), Newstate(kCarol, kUp), Newstate(kAlice2, kUp),
        Enter("c", kCarol), Enter("c", kAlice2)},
       "emitting in_call holding",
       "in talking hold + out talking",
       "emitting in_call held"},
      {{Unhold(kAlice), Unhold(kAlice2), Leave("c", kAlice2), Enter("c", kBob), Leave("b", kBob),
        Leave("b", kAlice), Hangup(kAlice), Hangup(kAlice2)},
       "",
       "",
       "emitting in_call"}}},
    {"EmittedCallIsParkedAndTakenBack",
     {{{Newchannel(kAlice, kRing), Newchannel(kBob, kDown, kAlice), Newstate(kBob, kUp),
        Newstate(kAlice, kUp), Enter("b", kBob), Enter("b", kAlice), Leave("b", kAlice),
        Enter("p", kAlice, "parking"), MusicStart(kAlice), Leave("b", kBob), Hangup(kBob)},
       "emitting in_call held",
       "out talking held",
       ""},
      {{MusicStop(kAlice), Leave("p", kAlice, "parking"), Newchannel(kCarol, kRing),
        Newstate(kCarol, kUp), Enter("c", kAlice), Enter("c", kCarol)},
       "emitting in_call",
       "out talking",
       ""}}},
    {"RetrievingAParkedCallIsEmitted",
     {{{Newchannel(kAlice, kRing), Newstate(kAlice, kUp), Enter("c", kAlice)},
       "emitting in_call",
       "out talking",
       ""}}},
    {"QueueCallIsReceivedAndTheMusicOfTheQueueIsNoHold",
     {{{Newchannel(kBob, kRing), Newstate(kBob, kUp), MusicStart(kBob),
        Newchannel(kAlice, kDown, kBob), DialBegin(kBob, kAlice), Newstate(kAlice, kRingingState)},
       "",
       "in ringing",
       "emitting in_call"},
      {{Newstate(kAlice, kUp), MusicStop(kBob), Enter("q", kAlice), Enter("q", kBob)},
       "in_call",
       "in talking",
       "emitting in_call"}}},
    {"LinkedidChangesMeanNothing",
     {{{Newchannel(kAlice, kRing), Text(Of("Newstate", kAlice, kUp, kBob))},
       "emitting in_call",
       "out emitting",
       ""}}},
    {"RenameByMasqueradeMovesTheChannelToItsNewDevice",
     // Bob's ringing channel becomes alice's, and her own turns into a zombie.
     {{{Newchannel(kCarol, kRing), Newchannel(kBob, kDown, kCarol), Newstate(kBob, kRingingState),
        Newchannel(kAlice, kRing)},
       "emitting in_call",
       "out emitting",
       ""},
      {{Rename(kAlice.Name(), kAlice.Name() + "<MASQ>", kAlice.Id())}, "", "", ""},
      {{Rename(kBob.Name(), kAlice.Name(), kBob.Id())}, "", "in ringing", ""},
      {{Rename(kAlice.Name() + "<MASQ>", kBob.Name() + "<ZOMBIE>", kAlice.Id()), Hangup(kAlice)},
       "",
       "in ringing",
       ""},
      {{Newstate(kBob, kUp)}, "in_call", "in talking", ""},
      {{Hangup(kBob)}, "", "", ""}}},
    {"EventsAfterHangupMeanNothing",
     {{{Newchannel(kAlice, kRing), Hangup(kAlice), Newstate(kAlice, kUp), Hold(kAlice),
        Enter("b", kAlice), MusicStop(kAlice), Hangup(kAlice)},
       "",
       "",
       ""}}},
};

const std::vector<Row> kHolds = {
    {"HoldNamesTheHolderAndThePeerIsHeld",
     {{{Newchannel(kAlice, kRing), Newchannel(kBob, kDown, kAlice), Newstate(kBob, kUp),
        Newstate(kAlice, kUp), Enter("b", kBob), Enter("b", kAlice), Hold(kAlice)},
       "emitting in_call holding",
       "out talking hold",
       "in_call held"},
      {{MusicStart(kBob)}, "emitting in_call holding", "out talking hold", "in_call held"},
      {{Unhold(kAlice)}, "emitting in_call", "out talking", "in_call held"},
      {{MusicStop(kBob)}, "emitting in_call", "out talking", "in_call"}}},
    {"MusicBeforeHold",
     {{{Newchannel(kAlice, kRing), Newchannel(kBob, kDown, kAlice), Newstate(kBob, kUp),
        Newstate(kAlice, kUp), Enter("b", kBob), Enter("b", kAlice), MusicStart(kAlice)},
       "emitting in_call held",
       "out talking held",
       "in_call"},
      {{Hold(kBob)}, "emitting in_call held", "out talking held", "in_call holding"},
      {{MusicStop(kAlice), Unhold(kBob)}, "emitting in_call", "out talking", "in_call"}}},
    {"BothHold",
     {{{Newchannel(kAlice, kRing), Newchannel(kBob, kDown, kAlice), Newstate(kBob, kUp),
        Newstate(kAlice, kUp), Enter("b", kBob), Enter("b", kAlice), Hold(kAlice), Hold(kBob)},
       "emitting in_call holding held",
       "out talking hold held",
       "in_call holding held"},
      {{Unhold(kAlice)}, "emitting in_call held", "out talking held", "in_call holding"}}},
    {"TheHolderHangsUp",
     {{{Newchannel(kAlice, kRing), Newchannel(kBob, kDown, kAlice), Newstate(kBob, kUp),
        Newstate(kAlice, kUp), Enter("b", kBob), Enter("b", kAlice), Hold(kAlice), MusicStart(kBob),
        MusicStop(kBob), Leave("b", kAlice), Hangup(kAlice)},
       "",
       "",
       "in_call"}}},
    {"TheHeldSideHangsUp",
     {{{Newchannel(kAlice, kRing), Newchannel(kBob, kDown, kAlice), Newstate(kBob, kUp),
        Newstate(kAlice, kUp), Enter("b", kBob), Enter("b", kAlice), Hold(kAlice), MusicStart(kBob),
        Hangup(kBob)},
       "emitting in_call holding",
       "out talking hold",
       ""},
      {{Hangup(kAlice)}, "", "", ""}}},
    {"HangupWithoutLeavingTheBridge",
     {{{Newchannel(kAlice, kRing), Newchannel(kBob, kDown, kAlice), Newstate(kBob, kUp),
        Newstate(kAlice, kUp), Enter("b", kBob), Enter("b", kAlice), Hold(kBob)},
       "emitting in_call held",
       "out talking held",
       "in_call holding"},
      {{Hangup(kBob)}, "emitting in_call", "out talking", ""}}},
    {"OneOfTwoCallsIsHeld",
     {{{Newchannel(kBob, kRing), Newchannel(kAlice, kDown, kBob), Newstate(kAlice, kUp),
        Enter("b", kAlice), Enter("b", kBob), Newchannel(kCarol, kRing),
        Newchannel(kAlice2, kDown, kCarol), Newstate(kAlice2, kUp), Enter("c", kAlice2),
        Enter("c", kCarol), Hold(kAlice)},
       "in_call holding",
       "in talking hold + in talking",
       "emitting in_call held"},
      {{Hangup(kAlice)}, "in_call", "in talking", "emitting in_call"}}},
    {"OneOfThreeInABridgeHoldsNobody",
     {{{Newchannel(kAlice, kRing), Newstate(kAlice, kUp), Newchannel(kBob, kRing),
        Newstate(kBob, kUp), Newchannel(kCarol, kRing), Enter("b", kAlice, "base"),
        Enter("b", kBob, "base"), Enter("b", kCarol, "base"), Hold(kBob)},
       "emitting in_call",
       "out talking",
       "emitting in_call holding"}}},
    {"MusicAloneInAConferenceIsNoHold",
     {{{Newchannel(kAlice, kRing), Newstate(kAlice, kUp), Enter("b", kAlice, "base"),
        MusicStart(kAlice)},
       "emitting in_call",
       "out talking",
       ""}}},
    {"HoldOverALastingLocalChannel",
     {{{Newchannel(kAlice, kRing), Newchannel(kLocal1, kDown, kAlice),
        Newchannel(kLocal2, kRing, kAlice), Newchannel(kBob, kDown, kAlice), Newstate(kBob, kUp),
        Newstate(kAlice, kUp), Enter("b", kBob), Enter("b", kLocal2), Enter("c", kLocal1),
        Enter("c", kAlice), Hold(kBob), MusicStart(kLocal2)},
       "emitting in_call",
       "out talking",
       "in_call holding"}}},
    {"AChannelThatWentToAnotherBridgeLeavesTheFirstOneLater",
     {{{Newchannel(kAlice, kRing), Newchannel(kBob, kDown, kAlice), Newstate(kBob, kUp),
        Newstate(kAlice, kUp), Enter("b", kBob), Enter("b", kAlice), Newchannel(kCarol, kRing),
        Newstate(kCarol, kUp), Enter("c", kCarol), Enter("c", kAlice), Leave("b", kAlice),
        Hold(kCarol)},
       "emitting in_call held",
       "out talking held",
       "in_call"}}},
};

std::string RowName(const ::testing::TestParamInfo<Row>& info) { return info.param.name; }

INSTANTIATE_TEST_SUITE_P(Directions, ChannelTrapTest, ::testing::ValuesIn(kDirections), RowName);
INSTANTIATE_TEST_SUITE_P(Holds, ChannelTrapTest, ::testing::ValuesIn(kHolds), RowName);

// --- Bounds -----------------------------------------------------------------------------------

TEST(ChannelTrackerTest, NewChannelsBeyondTheBoundAreCountedAndLeaveNoFlag) {
  PbxDriver driver({.max_channels = 2});
  driver.Resync(ResyncKind::kResync);
  driver.Event(Newchannel(kAlice, kRing));
  driver.Event(Newchannel(kBob, kRing));
  driver.Event(Newchannel(kCarol, kRing));
  driver.Event(Newstate(kCarol, kUp));
  driver.Event(Hangup(kCarol));
  EXPECT_EQ(driver.tracker().channel_count(), 2u);
  EXPECT_EQ(driver.tracker().probe().rejected_channels.value(), 1u);
  EXPECT_EQ(driver.Flags("PJSIP/carol"), "");
  driver.Event(Hangup(kAlice));
  driver.Event(Newchannel(kCarol2, kRing));
  EXPECT_EQ(driver.Flags("PJSIP/carol"), "emitting in_call");
}

// One more than a device has room for is known, and the other one of its bridge, but nobody's.
TEST(ChannelTrackerTest, ChannelsBeyondTheBoundOfADeviceAreNobodys) {
  constexpr int kMost = ChannelTable::kMaxDeviceChannels;
  PbxDriver driver;
  driver.Resync(ResyncKind::kResync);
  for (int i = 1; i <= kMost; ++i)
    driver.Event(Newchannel({"trunk", 100 + i}, kDown, {"bob", 2000}));
  EXPECT_EQ(driver.Flags("PJSIP/trunk"), "");
  const Chan beyond{"trunk", 100 + kMost + 1};
  driver.Event(Newchannel(beyond, kRing));
  EXPECT_EQ(driver.Flags("PJSIP/trunk"), "");
  EXPECT_EQ(driver.tracker().probe().rejected_channels.value(), 1u);
  EXPECT_EQ(driver.tracker().Calls("PJSIP/trunk").size(), static_cast<std::size_t>(kMost));
  driver.Event(Newchannel(kAlice, kRing));
  driver.Event(Newstate(kAlice, kUp));
  driver.Event(Enter("b", kAlice));
  driver.Event(Enter("b", beyond));
  driver.Event(Hold(beyond));
  EXPECT_EQ(driver.Flags("PJSIP/alice"), "emitting in_call held");
  EXPECT_EQ(driver.tracker().Call(kAlice.Id())->peer, beyond.Name());
  driver.Event(Hangup({"trunk", 101}));
  driver.Event(Hangup(beyond));
  EXPECT_EQ(driver.Flags("PJSIP/alice"), "emitting in_call");
  // A place is free.
  driver.Event(Newchannel(beyond, kRing));
  EXPECT_EQ(driver.Flags("PJSIP/trunk"), "emitting in_call");
  driver.Event(Hangup(beyond));
  for (int i = 2; i <= kMost; ++i) driver.Event(Hangup({"trunk", 100 + i}));
  EXPECT_EQ(driver.tracker().channel_count(), 1u);
}

// The flags of a device are right whoever of its many channels has which.
TEST(ChannelTrackerTest, FlagsAreTheSumOverManyChannels) {
  PbxDriver driver;
  driver.Resync(ResyncKind::kResync);
  constexpr int kMany = 300;
  for (int i = 1; i <= kMany; ++i) {
    driver.Event(Newchannel({"trunk", 100 + i}, kDown, {"bob", 2000}));
    if (i % 3 == 0) driver.Event(Newstate({"trunk", 100 + i}, kUp));
    if (i % 5 == 0) driver.Event(Hold({"trunk", 100 + i}));
    driver.Event(Enter("conference", {"trunk", 100 + i}));
  }
  EXPECT_EQ(driver.Flags("PJSIP/trunk"), "in_call holding");
  for (int i = 1; i <= kMany; ++i) {
    if (i % 3 == 0) driver.Event(Hangup({"trunk", 100 + i}));
  }
  EXPECT_EQ(driver.Flags("PJSIP/trunk"), "holding");
  for (int i = 1; i <= kMany; ++i) {
    if (i % 5 == 0 && i % 3 != 0) driver.Event(Unhold({"trunk", 100 + i}));
  }
  EXPECT_EQ(driver.Flags("PJSIP/trunk"), "");
  driver.Event(Newstate({"trunk", 101}, kUp));
  EXPECT_EQ(driver.Flags("PJSIP/trunk"), "in_call");
  driver.Event(Hangup({"trunk", 101}));
  EXPECT_EQ(driver.Flags("PJSIP/trunk"), "");
}

// A bridge becomes one of two, and ceases to be: who holds is heard by the other one only then.
TEST(ChannelTrackerTest, HoldsInABridgeThatGrowsAndShrinks) {
  PbxDriver driver;
  driver.Resync(ResyncKind::kResync);
  for (const Chan& channel : {kAlice, kBob, kCarol}) {
    driver.Event(Newchannel(channel, kRing));
    driver.Event(Newstate(channel, kUp));
    driver.Event(Enter("b", channel));
  }
  driver.Event(Hold(kBob));
  EXPECT_EQ(driver.Flags("PJSIP/alice"), "emitting in_call");
  driver.Event(Leave("b", kCarol));
  EXPECT_EQ(driver.Flags("PJSIP/alice"), "emitting in_call held");
  driver.Event(Enter("b", kCarol));
  EXPECT_EQ(driver.Flags("PJSIP/alice"), "emitting in_call");
  driver.Event(Hangup(kCarol));
  EXPECT_EQ(driver.Flags("PJSIP/alice"), "emitting in_call held");
  driver.Event(Hangup(kBob));
  EXPECT_EQ(driver.Flags("PJSIP/alice"), "emitting in_call");
}

TEST(ChannelTrackerTest, NothingIsKeptOfCallsThatAreOver) {
  TrackerProbe probe;
  ChangeBatch batch(probe);
  ChannelTracker tracker(1000, batch, probe);
  tracker.EndResync(CauseKind::kResync);
  for (int i = 0; i < 3000; ++i) {
    const Chan channel{fmt::format("user{}", i), i};
    for (const std::string& text :
         {Newchannel(channel, kRing), Newstate(channel, kUp), Enter("b", channel), Hold(channel),
          MusicStart(channel), Hangup(channel), Leave("b", channel)}) {
      const ami::Message event(text);
      tracker.OnEvent(event.Event(), event);
    }
    batch.Clear();
    ASSERT_EQ(tracker.size() + tracker.bridge_count() + tracker.device_count(), 0u);
  }
}

TEST(ChannelTrackerTest, MalformedEventsAreCounted) {
  PbxDriver driver;
  driver.Resync(ResyncKind::kResync);
  const std::string long_name = "PJSIP/" + std::string(300, 'x') + "-00000001";
  driver.Event({{"Event", "Newchannel"}, {"Channel", "PJSIP/alice-1"}, {"ChannelState", "4"}});
  driver.Event({{"Event", "Newchannel"}, {"Uniqueid", "1.1"}, {"ChannelState", "4"}});
  driver.Event({{"Event", "Newchannel"}, {"Channel", long_name}, {"Uniqueid", "1.1"}});
  EXPECT_EQ(driver.tracker().channel_count(), 0u);
  driver.Event(Newchannel(kAlice, kRing));
  driver.Event({{"Event", "Newstate"}, {"Uniqueid", kAlice.Id()}, {"ChannelState", "up"}});
  driver.Event({{"Event", "BridgeEnter"}, {"Uniqueid", kAlice.Id()}});
  driver.Event({{"Event", "Rename"}, {"Uniqueid", kAlice.Id()}});
  driver.Event(Text({{"Event", "DialBegin"}}));
  driver.Event(Text({{"Event", "Hangup"}}));
  EXPECT_EQ(driver.tracker().probe().malformed_events.value(), 6u);
  EXPECT_EQ(driver.Calls("PJSIP/alice"), "out emitting");
}

}  // namespace
}  // namespace unipresence::pbx
