#include "aggregator/pbx/tracker.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "tests/unit/pbx/call_events.h"

namespace unipresence::pbx {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr char kUri[] = "sip:alice@192.0.2.1:5060";
constexpr char kOtherUri[] = "sip:alice@192.0.2.2:5060";

// "STATE PJSIP/alice INUSE RESYNC" and so on, one word each.
std::vector<std::string> Told(PbxDriver& driver) {
  std::vector<std::string> told;
  for (const Change& change : driver.TakeLog()) {
    const std::string cause(ToString(change.change.cause));
    switch (change.change.kind) {
      case DeviceChange::Kind::kState:
        told.push_back(change.device + " " + std::string(ToString(change.change.state)) + " " +
                       cause);
        break;
      case DeviceChange::Kind::kContact:
        told.push_back(change.device + (change.change.reachable ? " reachable " : " gone ") +
                       cause);
        break;
      case DeviceChange::Kind::kCalls:
        told.push_back(change.device + " [" +
                       FlagsOf({.state = {},
                                .reachable = {},
                                .emitting = change.change.emitting,
                                .in_call = change.change.in_call,
                                .holding = change.change.holding,
                                .held = change.change.held}) +
                       "] " + cause);
        break;
    }
  }
  return told;
}

// A driver behind its first, empty resync.
class TrackerTest : public ::testing::Test {
 protected:
  TrackerTest() {
    driver_.Resync(ResyncKind::kResync);
    driver_.TakeLog();
  }

  std::vector<std::string> Told() { return pbx::Told(driver_); }

  PbxDriver driver_;
};

// --- Device states and contacts ---

TEST_F(TrackerTest, ADeviceStateIsToldWithoutACopy) {
  const std::string text = DeviceState("PJSIP/alice", "RINGINUSE");
  Tracker& tracker = driver_.tracker();
  tracker.OnEvent(ami::Message(text), ami::kLiveEvent);
  ASSERT_EQ(tracker.changes().size(), 1u);
  const DeviceChange& change = tracker.changes()[0];
  EXPECT_EQ(change.kind, DeviceChange::Kind::kState);
  EXPECT_EQ(change.state, DeviceState::kRingInUse);
  EXPECT_EQ(change.cause, CauseKind::kDeviceStateChange);
  EXPECT_EQ(change.device, "PJSIP/alice");
  EXPECT_GE(change.device.data(), text.data());
  EXPECT_LT(change.device.data(), text.data() + text.size());
}

TEST_F(TrackerTest, ChangesOfOneReadKeepTheirOrder) {
  const std::string texts[] = {DeviceState("PJSIP/alice", "INUSE"), Newchannel({"bob", 1}, kRing),
                               ContactEvent("alice", kUri, "NonQualified"),
                               DeviceState("PJSIP/alice", "NOT_INUSE"), Hangup({"bob", 1})};
  for (const std::string& text : texts) {
    driver_.tracker().OnEvent(ami::Message(text), ami::kLiveEvent);
  }
  driver_.EndRead();
  EXPECT_THAT(
      Told(),
      ElementsAre("PJSIP/alice INUSE DEVICE_STATE_CHANGE",
                  "PJSIP/bob [emitting in_call] NEWCHANNEL", "PJSIP/alice reachable CONTACT_STATUS",
                  "PJSIP/alice NOT_INUSE DEVICE_STATE_CHANGE", "PJSIP/bob [] HANGUP"));
}

TEST_F(TrackerTest, UnknownWordsAreCountedAndTellNothing) {
  driver_.Event(DeviceState("PJSIP/alice", "SLEEPING"));
  driver_.Event(DeviceState("PJSIP/alice", ""));
  driver_.Event(ContactEvent("alice", kUri, "Lost"));
  driver_.Event(ContactEvent("", kUri, "Reachable"));
  driver_.Event(ContactEvent("alice", "", "Reachable"));
  driver_.Event(DeviceState("PJSIP/" + std::string(300, 'a'), "INUSE"));
  EXPECT_THAT(Told(), IsEmpty());
  const TrackerProbe& probe = driver_.tracker().probe();
  EXPECT_EQ(probe.unknown_device_states.value(), 2u);
  EXPECT_EQ(probe.unknown_contact_statuses.value(), 1u);
  EXPECT_EQ(probe.malformed_events.value(), 2u);
  EXPECT_EQ(probe.rejected_names.value(), 1u);
}

TEST_F(TrackerTest, WordsOfOtherVersionsAreUnderstood) {
  driver_.Event(DeviceState("PJSIP/alice", "NOT IN USE"));
  driver_.Event(DeviceState("PJSIP/alice", "Ring+Inuse"));
  EXPECT_THAT(Told(), ElementsAre("PJSIP/alice NOT_INUSE DEVICE_STATE_CHANGE",
                                  "PJSIP/alice RINGINUSE DEVICE_STATE_CHANGE"));
}

TEST_F(TrackerTest, ContactsAreToldWhenTheFirstComesAndTheLastGoes) {
  driver_.Event(ContactEvent("alice", kUri, "NonQualified"));
  driver_.Event(ContactEvent("alice", kOtherUri, "NonQualified"));
  driver_.Event(ContactEvent("alice", kUri, "Removed"));
  EXPECT_THAT(Told(), ElementsAre("PJSIP/alice reachable CONTACT_STATUS"));
  EXPECT_TRUE(driver_.tracker().Reachable("PJSIP/alice"));
  EXPECT_FALSE(driver_.tracker().Reachable("SIP/alice"));
  driver_.Event(ContactEvent("alice", kOtherUri, "Unreachable"));
  EXPECT_THAT(Told(), ElementsAre("PJSIP/alice gone CONTACT_STATUS"));
  EXPECT_FALSE(driver_.tracker().Reachable("PJSIP/alice"));
}

TEST_F(TrackerTest, AContactBelongsToItsEndpointAndNotToItsAor) {
  driver_.Event({{"Event", "ContactStatus"},
                 {"URI", kUri},
                 {"ContactStatus", "Reachable"},
                 {"AOR", "1000"},
                 {"EndpointName", "alice"}});
  driver_.Event({{"Event", "ContactStatus"},
                 {"URI", kUri},
                 {"ContactStatus", "Reachable"},
                 {"AOR", "bob"},
                 {"EndpointName", ""}});
  EXPECT_THAT(Told(), ElementsAre("PJSIP/alice reachable CONTACT_STATUS",
                                  "PJSIP/bob reachable CONTACT_STATUS"));
}

TEST_F(TrackerTest, MessageCountsAreTold) {
  const std::string event = Text({{"Event", "MessageWaiting"},
                                  {"Channel", "PJSIP/carol-00000001"},
                                  {"Mailbox", "1000@default"},
                                  {"Waiting", "1"},
                                  {"New", "1"},
                                  {"Old", "0"}});
  const std::string malformed = Text({{"Event", "MessageWaiting"}, {"Mailbox", "1000@default"}});
  driver_.tracker().OnEvent(ami::Message(event), ami::kLiveEvent);
  driver_.tracker().OnEvent(ami::Message(malformed), ami::kLiveEvent);
  EXPECT_THAT(driver_.tracker().mailbox_changes(),
              ElementsAre(MailboxChange{
                  .cause = CauseKind::kResync, .counts = {1, 0}, .mailbox = "1000@default"}));
  EXPECT_EQ(driver_.tracker().probe().malformed_events.value(), 1u);
  EXPECT_THAT(Told(), IsEmpty());
  driver_.EndRead();
  EXPECT_THAT(driver_.tracker().mailbox_changes(), IsEmpty());
}

TEST_F(TrackerTest, OtherEventsAndOtherPeoplesRowsArePassedOver) {
  driver_.Event({{"Event", "VarSet"}, {"Channel", "PJSIP/alice-00000001"}, {"Variable", "x"}});
  driver_.Event({{"Event", "Status"}, {"Channel", "PJSIP/alice-00000001"}});
  driver_.Event({{"Response", "Success"}});
  driver_.Event(std::string());
  const std::string row = DeviceStateRow("PJSIP/alice", "INUSE");
  driver_.tracker().OnEvent(ami::Message(row), 4711);
  driver_.EndRead();
  EXPECT_THAT(Told(), IsEmpty());
}

// --- Resync ---

TEST_F(TrackerTest, EveryRowOfAResyncIsTold) {
  driver_.LinkLost();
  Lists lists;
  lists.endpoints = {EndpointRow("alice", "alice/sip:a,", "Not in use"),
                     EndpointRow("bob", "", "Unavailable")};
  lists.device_states = {DeviceStateRow("PJSIP/alice", "UNAVAILABLE")};
  lists.contacts = {ContactRow("alice", kUri, "NonQualified"),
                    ContactRow("bob", kUri, "Unreachable")};
  for (int i = 0; i < 2; ++i) {
    const ResyncOutcome outcome = driver_.Resync(ResyncKind::kResync, lists);
    EXPECT_EQ(outcome.rows, 5u);
    EXPECT_THAT(outcome.errors, IsEmpty());
    EXPECT_TRUE(outcome.devices_complete);
    EXPECT_THAT(Told(), ElementsAre("PJSIP/alice NOT_INUSE RESYNC", "PJSIP/bob UNAVAILABLE RESYNC",
                                    "PJSIP/alice UNAVAILABLE RESYNC",
                                    "PJSIP/alice reachable RESYNC", "PJSIP/bob gone RESYNC"));
    driver_.LinkLost();
  }
}

TEST_F(TrackerTest, DevicesAreCompleteIfBothOfTheirListsCame) {
  for (const bool endpoints : {true, false}) {
    for (const bool states : {true, false}) {
      Lists lists;
      if (!endpoints) lists.endpoints = std::nullopt;
      if (!states) lists.device_states = std::nullopt;
      lists.channels = std::nullopt;
      const ResyncOutcome outcome = driver_.Resync(ResyncKind::kReconcile, lists);
      EXPECT_EQ(outcome.devices_complete, endpoints && states);
    }
  }
}

TEST_F(TrackerTest, LiveEventsOfAResyncComeInArrivalOrderBetweenTheRows) {
  driver_.LinkLost();
  Lists lists;
  lists.endpoints = {EndpointRow("alice", "", "Unavailable")};
  lists.device_states = {DeviceStateRow("PJSIP/alice", "NOT_INUSE")};
  driver_.Resync(ResyncKind::kResync, lists, [this](std::string_view action) {
    if (action == "DeviceStateList") driver_.Event(DeviceState("PJSIP/alice", "INUSE"));
    if (action.empty()) driver_.Event(DeviceState("PJSIP/alice", "RINGING"));
  });
  EXPECT_THAT(
      Told(),
      ElementsAre("PJSIP/alice UNAVAILABLE RESYNC", "PJSIP/alice INUSE DEVICE_STATE_CHANGE",
                  "PJSIP/alice NOT_INUSE RESYNC", "PJSIP/alice RINGING DEVICE_STATE_CHANGE"));
}

TEST_F(TrackerTest, CallsOfAResyncAreToldAtItsEnd) {
  driver_.Event(Newchannel({"alice", 1}, kRing));
  driver_.Event(Newchannel({"bob", 2}, kRing));
  driver_.LinkLost();
  Told();
  Lists lists;
  lists.channels = {ChannelRow({"bob", 2}, kUp, {"bob", 2}, "Dial")};
  driver_.Resync(ResyncKind::kResync, lists, [this](std::string_view action) {
    EXPECT_THAT(Told(), IsEmpty()) << action;
    driver_.Event(Newstate({"bob", 2}, kUp));
    if (action == "CoreShowChannels") driver_.Event(Newchannel({"carol", 3}, kRing));
    if (action.empty()) driver_.Event(Hold({"bob", 2}));
  });
  EXPECT_THAT(Told(), ::testing::UnorderedElementsAre("PJSIP/alice [] RESYNC",
                                                      "PJSIP/bob [emitting in_call holding] RESYNC",
                                                      "PJSIP/carol [emitting in_call] RESYNC"));
}

TEST_F(TrackerTest, ALostLinkEndsTheSequenceWithoutAnOutcome) {
  Tracker& tracker = driver_.tracker();
  ASSERT_TRUE(tracker.StartResync(ResyncKind::kReconcile));
  EXPECT_FALSE(tracker.StartResync(ResyncKind::kReconcile));
  tracker.ActionSent(100);
  tracker.OnReply(absl::UnavailableError("the link is lost"));
  tracker.LinkLost();
  EXPECT_FALSE(tracker.resync_running());
  EXPECT_EQ(tracker.NextAction(), std::nullopt);
  EXPECT_EQ(tracker.TakeOutcome(), std::nullopt);
  const std::string row = EndpointRow("alice", "", "In use");
  tracker.OnEvent(ami::Message(row), 100);
  EXPECT_TRUE(tracker.changes().empty());
  EXPECT_THAT(driver_.Resync(ResyncKind::kResync).errors, IsEmpty());
}

TEST_F(TrackerTest, RefusedListsAreReportedAndTheRestIsDone) {
  driver_.LinkLost();
  Lists lists;
  lists.endpoints = std::nullopt;
  lists.channels = std::nullopt;
  lists.device_states = {DeviceStateRow("PJSIP/alice", "INUSE")};
  const ResyncOutcome outcome = driver_.Resync(ResyncKind::kResync, lists);
  EXPECT_THAT(outcome.errors, ElementsAre(ListError{"PJSIPShowEndpoints", "Permission denied"},
                                          ListError{"CoreShowChannels", "Permission denied"}));
  EXPECT_EQ(driver_.tracker().probe().list_errors.value(), 2u);
  EXPECT_THAT(Told(), ElementsAre("PJSIP/alice INUSE RESYNC"));
}

// --- Channels of a resync ---

TEST_F(TrackerTest, NoFlagSurvivesARestart) {
  driver_.Event(Newchannel({"alice", 1}, kRing));
  driver_.Event(Newstate({"alice", 1}, kUp));
  driver_.Event(Enter("b", {"alice", 1}));
  driver_.Event(Hold({"alice", 1}));
  EXPECT_EQ(driver_.Flags("PJSIP/alice"), "emitting in_call holding");
  driver_.LinkLost();
  EXPECT_EQ(driver_.Flags("PJSIP/alice"), "emitting in_call holding");  // the last known
  driver_.Resync(ResyncKind::kResync);
  EXPECT_EQ(driver_.Flags("PJSIP/alice"), "");
  EXPECT_EQ(driver_.tracker().channel_count(), 0u);
  EXPECT_EQ(driver_.tracker().probe().dropped_channels.value(), 1u);
}

TEST_F(TrackerTest, NoFlagSurvivesARestartWhenChannelsCannotBeListed) {
  driver_.Event(Newchannel({"alice", 1}, kRing));
  driver_.Event(Newchannel({"bob", 2}, kRing));
  driver_.LinkLost();
  driver_.Event(Newstate({"bob", 2}, kUp));  // he is heard of again
  Lists lists;
  lists.channels = std::nullopt;
  driver_.Resync(ResyncKind::kResync, lists);
  EXPECT_EQ(driver_.Flags("PJSIP/alice"), "");
  EXPECT_EQ(driver_.Flags("PJSIP/bob"), "emitting in_call");
}

TEST_F(TrackerTest, AnotherProcessMayGiveTheSameUniqueidToAnotherCall) {
  driver_.Event(Newchannel({"alice", 1}, kRing));
  driver_.LinkLost();
  Lists lists;
  lists.channels = {ChannelRow({"bob", 1}, kRingingState, {"carol", 2}, "AppDial")};
  driver_.Resync(ResyncKind::kResync, lists);
  EXPECT_EQ(driver_.Flags("PJSIP/alice"), "");
  EXPECT_EQ(driver_.Calls("PJSIP/bob"), "in ringing");
}

TEST_F(TrackerTest, AChannelBornWhileAsteriskListedIsKept) {
  driver_.LinkLost();
  driver_.Resync(ResyncKind::kResync, {}, [this](std::string_view action) {
    if (action == "CoreShowChannels") driver_.Event(Newchannel({"alice", 1}, kRing));
  });
  EXPECT_EQ(driver_.Flags("PJSIP/alice"), "emitting in_call");
}

TEST_F(TrackerTest, EventsQueuedWhileAsteriskListedAreReadAfterTheRows) {
  // The whole call happened before the rows were written; its events come behind them.
  driver_.LinkLost();
  Lists lists;
  lists.channels = {ChannelRow({"bob", 2}, kUp, {"alice", 1}, "AppDial", "b"),
                    ChannelRow({"alice", 1}, kUp, {"alice", 1}, "Dial", "b")};
  driver_.Resync(ResyncKind::kResync, lists, [this](std::string_view action) {
    if (!action.empty()) return;
    const Chan alice{"alice", 1};
    const Chan bob{"bob", 2};
    const Chan gone{"alice", 3};
    for (const std::string& text :
         {Newchannel(gone, kRing), Newchannel(alice, kRing), Newchannel(bob, kDown, alice),
          Newstate(bob, kUp), Newstate(alice, kUp), Enter("b", bob), Enter("b", alice), Hold(bob),
          Hangup(gone)}) {
      driver_.Event(text);
    }
  });
  EXPECT_EQ(driver_.Calls("PJSIP/alice"), "out talking held");
  EXPECT_EQ(driver_.Calls("PJSIP/bob"), "in talking hold");
}

TEST_F(TrackerTest, AHoldBetweenLoginAndListIsNotForgotten) {
  driver_.LinkLost();
  driver_.Event(Hold({"alice", 1}));
  Lists lists;
  lists.channels = {ChannelRow({"alice", 1}, kUp, {"bob", 2}, "AppDial", "b"),
                    ChannelRow({"bob", 2}, kUp, {"bob", 2}, "Dial", "b")};
  driver_.Resync(ResyncKind::kResync, lists);
  EXPECT_EQ(driver_.Calls("PJSIP/alice"), "in talking hold");
  EXPECT_EQ(driver_.Calls("PJSIP/bob"), "out talking held");
}

TEST_F(TrackerTest, AnEventOfADeadChannelBeforeTheListLeavesNothing) {
  driver_.LinkLost();
  driver_.Event(Leave("b", {"alice", 1}));
  driver_.Resync(ResyncKind::kResync);
  EXPECT_EQ(driver_.tracker().channel_count(), 0u);
  EXPECT_EQ(driver_.Flags("PJSIP/alice"), "");
}

struct DirectionRow {
  std::string name;
  int state;
  bool leads;
  std::string application;
  std::string dialled;  // by Status
  std::string expected;
  bool asks_status = false;
};

class ListedDirectionTest : public ::testing::TestWithParam<DirectionRow> {};

TEST_P(ListedDirectionTest, OfAChannelThatNobodySawBeingBorn) {
  const DirectionRow& row = GetParam();
  const Chan alice{"alice", 1};
  const Chan leader = row.leads ? alice : Chan{"carol", 2};
  Lists lists;
  lists.channels = {ChannelRow(alice, row.state, leader, row.application, "b")};
  lists.statuses = {StatusRow(alice, row.state, leader, row.application, row.dialled)};
  PbxDriver driver;
  bool asked = false;
  const ResyncOutcome outcome = driver.Resync(
      ResyncKind::kResync, lists, [&](std::string_view action) { asked |= action == "Status"; });
  EXPECT_EQ(driver.Calls("PJSIP/alice"), row.expected);
  EXPECT_EQ(asked, row.asks_status);
  EXPECT_THAT(outcome.errors, IsEmpty());
}

INSTANTIATE_TEST_SUITE_P(
    Lists, ListedDirectionTest,
    ::testing::Values(
        DirectionRow{"DialsAndIsNotAnswered", kRing, true, "Dial", "1002", "out emitting"},
        DirectionRow{"Dials", kUp, true, "Dial", "1002", "out talking"},
        DirectionRow{"DialsOnBehalfOfAnOlderCall", kRing, false, "Dial", "1002", "out emitting"},
        DirectionRow{"IsCalled", kRingingState, false, "AppDial", "", "in ringing"},
        DirectionRow{"IsCalledAndTalks", kUp, false, "AppDial", "", "in talking"},
        DirectionRow{"IsOfferedACall", kDown, false, "AppDial", "", "in offered"},
        DirectionRow{"IsCalledByAQueue", kUp, false, "AppQueue", "", "in talking"},
        DirectionRow{"PickedACallUp", kUp, true, "AppDial", "*81002", "in talking"},
        DirectionRow{"RingsForAnOriginate", kRingingState, true, "AppDial2", "", "out emitting"},
        DirectionRow{"PickedUpAnOriginate", kUp, true, "Dial", "", "out talking"},
        DirectionRow{"IsPaged", kUp, false, "AppDial2", "", "in talking"},
        DirectionRow{"TalksToVoicemail", kUp, true, "VoiceMailMain", "*97", "out talking"},
        DirectionRow{"DialledAndJoinedAnOlderCall", kUp, false, "Dial", "1002", "out talking",
                     true},
        DirectionRow{"WasCalledAndTransferredBlindly", kUp, false, "Dial", "", "in talking", true}),
    [](const auto& info) { return info.param.name; });

TEST_F(TrackerTest, WithoutStatusATransferredChannelIsTakenForAReceivedOne) {
  driver_.LinkLost();
  Lists lists;
  lists.channels = {ChannelRow({"alice", 1}, kUp, {"carol", 2}, "Dial", "b")};
  lists.statuses = std::nullopt;
  EXPECT_THAT(driver_.Resync(ResyncKind::kResync, lists).errors,
              ElementsAre(ListError{"Status", "Permission denied"}));
  EXPECT_EQ(driver_.Calls("PJSIP/alice"), "in talking");
}

TEST_F(TrackerTest, WhatIsKnownOfADirectionIsKeptOverALostLink) {
  const Chan alice{"alice", 1};
  const Chan bob{"bob", 2};
  driver_.Event(Newchannel(alice, kRing));  // joins an older call later
  driver_.Event(Newchannel(bob, kRing));    // picks a call up
  driver_.Event(Pickup(bob, {"carol", 3}));
  driver_.LinkLost();
  Lists lists;
  lists.channels = {ChannelRow(alice, kUp, {"carol", 4}, "Dial", "b"),
                    ChannelRow(bob, kUp, bob, "Dial", "b")};
  driver_.Resync(ResyncKind::kResync, lists,
                 [](std::string_view action) { EXPECT_NE(action, "Status"); });
  EXPECT_EQ(driver_.Calls("PJSIP/alice"), "out talking");
  EXPECT_EQ(driver_.Calls("PJSIP/bob"), "in talking");
}

// --- Holds of a resync ---

class ListedHoldTest : public TrackerTest {
 protected:
  // Alice and bob talk; the states are those of DeviceStateList.
  void Resync(const std::string& alice, const std::string& bob) {
    driver_.LinkLost();
    Lists lists;
    lists.device_states = {DeviceStateRow("PJSIP/alice", alice), DeviceStateRow("PJSIP/bob", bob)};
    lists.channels = {ChannelRow({"alice", 1}, kUp, {"alice", 1}, "Dial", "b"),
                      ChannelRow({"bob", 2}, kUp, {"alice", 1}, "AppDial", "b")};
    driver_.Resync(ResyncKind::kResync, lists);
  }
  std::string Calls() { return driver_.Calls("PJSIP/alice") + " / " + driver_.Calls("PJSIP/bob"); }
};

TEST_F(ListedHoldTest, AnOnHoldDeviceIsHeldByItsPeer) {
  Resync("ONHOLD", "INUSE");
  EXPECT_EQ(Calls(), "out talking held / in talking hold");
  driver_.Event(Unhold({"bob", 2}));
  EXPECT_EQ(Calls(), "out talking / in talking");
}

TEST_F(ListedHoldTest, TheEndOfTheMusicEndsIt) {
  Resync("ONHOLD", "INUSE");
  driver_.Event(MusicStop({"alice", 1}));
  EXPECT_EQ(Calls(), "out talking / in talking");
}

TEST_F(ListedHoldTest, TheHeldSideThatGoesEndsIt) {
  Resync("ONHOLD", "INUSE");
  driver_.Event(Hangup({"alice", 1}));
  EXPECT_EQ(Calls(), " / in talking");
  Resync("ONHOLD", "INUSE");
  driver_.Event(Leave("b", {"alice", 1}));
  EXPECT_EQ(Calls(), "out emitting / in talking");
}

TEST_F(ListedHoldTest, TheDeviceStateEndsItWhenTheUnholdWasLost) {
  Resync("ONHOLD", "INUSE");
  driver_.Event(DeviceState("PJSIP/bob", "INUSE"));
  EXPECT_EQ(Calls(), "out talking held / in talking hold");
  driver_.Event(DeviceState("PJSIP/alice", "INUSE"));
  EXPECT_EQ(Calls(), "out talking / in talking");
}

TEST_F(ListedHoldTest, TheDeviceStateBeginsItWhenTheHoldWasLost) {
  Resync("INUSE", "INUSE");
  EXPECT_EQ(Calls(), "out talking / in talking");
  driver_.Event(DeviceState("PJSIP/alice", "ONHOLD"));
  EXPECT_EQ(Calls(), "out talking held / in talking hold");
}

TEST_F(ListedHoldTest, AHoldOfWhichNothingTellsIsForgotten) {
  driver_.Event(Newchannel({"alice", 1}, kRing));
  driver_.Event(Newchannel({"bob", 2}, kDown, {"alice", 1}));
  driver_.Event(Enter("b", {"alice", 1}));
  driver_.Event(Enter("b", {"bob", 2}));
  driver_.Event(Hold({"bob", 2}));
  Resync("INUSE", "INUSE");
  EXPECT_EQ(Calls(), "out talking / in talking");
}

TEST_F(ListedHoldTest, EventsKnowBetterThanADeviceStateThatLags) {
  driver_.LinkLost();
  Lists lists;
  lists.device_states = {DeviceStateRow("PJSIP/alice", "ONHOLD")};
  lists.channels = {ChannelRow({"alice", 1}, kUp, {"alice", 1}, "Dial", "b"),
                    ChannelRow({"bob", 2}, kUp, {"alice", 1}, "AppDial", "b")};
  driver_.Resync(ResyncKind::kResync, lists, [this](std::string_view action) {
    if (!action.empty()) return;
    driver_.Event(Unhold({"bob", 2}));
    driver_.Event(MusicStop({"alice", 1}));
  });
  EXPECT_EQ(Calls(), "out talking / in talking");
  driver_.Event(Hold({"bob", 2}));
  EXPECT_EQ(Calls(), "out talking held / in talking hold");
  driver_.Event(Unhold({"bob", 2}));
  driver_.Event(DeviceState("PJSIP/alice", "ONHOLD"));  // late
  EXPECT_EQ(Calls(), "out talking / in talking");
}

// --- Reconcile ---

TEST_F(TrackerTest, AReconcileDropsChannelsWhoseHangupWasLost) {
  driver_.Event(Newchannel({"alice", 1}, kRing));
  driver_.Event(Newchannel({"bob", 2}, kRing));
  Told();
  Lists lists;
  lists.channels = {ChannelRow({"bob", 2}, kRing, {"bob", 2}, "Dial"),
                    ChannelRow({"carol", 3}, kRing, {"carol", 3}, "Dial")};
  driver_.Resync(ResyncKind::kReconcile, lists);
  EXPECT_EQ(driver_.Flags("PJSIP/alice"), "");
  EXPECT_EQ(driver_.Flags("PJSIP/carol"), "emitting in_call");
  EXPECT_EQ(driver_.tracker().probe().dropped_channels.value(), 1u);
  EXPECT_EQ(driver_.tracker().probe().found_channels.value(), 1u);
  for (const std::string& told : Told()) EXPECT_TRUE(told.ends_with(" RECONCILE")) << told;
}

TEST_F(TrackerTest, AReconcileKeepsHoldsAndSaysAllFlagsAgain) {
  driver_.Event(Newchannel({"alice", 1}, kRing));
  driver_.Event(Hold({"alice", 1}));
  Told();
  Lists lists;
  lists.channels = {ChannelRow({"alice", 1}, kUp, {"alice", 1}, "Dial")};
  driver_.Resync(ResyncKind::kReconcile, lists);
  EXPECT_THAT(Told(), ElementsAre("PJSIP/alice [emitting in_call holding] RECONCILE"));
}

TEST_F(TrackerTest, AReconcileWhoseListIsRefusedOrCutShortDropsNothing) {
  driver_.Event(Newchannel({"alice", 1}, kRing));
  driver_.Event(ContactEvent("alice", kUri, "NonQualified"));
  Lists lists;
  lists.channels = std::nullopt;
  lists.contacts = std::nullopt;
  driver_.Resync(ResyncKind::kReconcile, lists);
  EXPECT_EQ(driver_.Flags("PJSIP/alice"), "emitting in_call");
  EXPECT_TRUE(driver_.tracker().Reachable("PJSIP/alice"));
}

TEST_F(TrackerTest, AReconcileFindsLostAndNewContacts) {
  driver_.Event(ContactEvent("alice", kUri, "NonQualified"));
  driver_.Event(ContactEvent("bob", kUri, "NonQualified"));
  driver_.Event(ContactEvent("carol", kUri, "NonQualified"));
  Told();
  Lists lists;
  lists.endpoints = {EndpointRow("alice", "", "Unavailable"),
                     EndpointRow("bob", "bob/sip:x,", "Not in use"),
                     EndpointRow("carol", "carol/sip:x,", "Unavailable")};
  lists.contacts = {ContactRow("bob", kOtherUri, "Reachable"),
                    ContactRow("carol", kUri, "Unreachable")};
  driver_.Resync(ResyncKind::kReconcile, lists);
  EXPECT_THAT(Told(),
              ElementsAre("PJSIP/alice UNAVAILABLE RECONCILE", "PJSIP/bob NOT_INUSE RECONCILE",
                          "PJSIP/carol UNAVAILABLE RECONCILE", "PJSIP/bob reachable RECONCILE",
                          "PJSIP/alice gone RECONCILE", "PJSIP/carol gone RECONCILE"));
  EXPECT_EQ(driver_.tracker().contact_count(), 2u);
}

// Such rows are older than what took the contact away, and may come behind the event that told.
TEST_F(TrackerTest, AnEndpointInUseByItsRowHasNoContactIfNoneIsListed) {
  for (const ResyncKind kind : {ResyncKind::kResync, ResyncKind::kReconcile}) {
    driver_.LinkLost();
    const std::string cause = kind == ResyncKind::kResync ? " RESYNC" : " RECONCILE";
    Lists lists;
    lists.endpoints = {EndpointRow("alice", "alice/sip:a,", "Not in use"),
                       EndpointRow("bob", "", "Not in use")};
    lists.contacts = {ContactRow("alice", kUri, "Unreachable")};
    for (int i = 0; i < 2; ++i) {
      Told();
      driver_.Resync(kind, lists);
      EXPECT_THAT(Told(),
                  ElementsAre("PJSIP/alice NOT_INUSE" + cause, "PJSIP/bob NOT_INUSE" + cause,
                              "PJSIP/bob gone" + cause, "PJSIP/alice gone" + cause));
    }
  }
}

TEST_F(TrackerTest, AContactThatComesBackWhileAsteriskListsIsNotLost) {
  driver_.Event(ContactEvent("alice", kUri, "NonQualified"));
  Told();
  Lists lists;
  lists.endpoints = {EndpointRow("alice", "", "Unavailable")};
  driver_.Resync(ResyncKind::kReconcile, lists, [this](std::string_view action) {
    if (action == "PJSIPShowContacts") {
      driver_.Event(ContactEvent("alice", kOtherUri, "NonQualified"));
    }
  });
  EXPECT_THAT(Told(), ElementsAre("PJSIP/alice UNAVAILABLE RECONCILE"));
  EXPECT_TRUE(driver_.tracker().Reachable("PJSIP/alice"));
}

TEST_F(TrackerTest, ContactsAreForgottenWithTheLink) {
  driver_.Event(ContactEvent("alice", kUri, "NonQualified"));
  driver_.LinkLost();
  EXPECT_EQ(driver_.tracker().contact_count(), 0u);
  Told();
  // After the restart the same contact is news again.
  driver_.Event(ContactEvent("alice", kUri, "NonQualified"));
  EXPECT_THAT(Told(), ElementsAre("PJSIP/alice reachable CONTACT_STATUS"));
}

}  // namespace
}  // namespace unipresence::pbx
