// Every message that the simulated PBX sends has the headers of Asterisk's, in Asterisk's order.

#include <filesystem>
#include <set>
#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/simulation/ami_session.h"
#include "tests/simulation/demo.h"
#include "tests/simulation/people.h"
#include "tests/simulation/session_output.h"

namespace unipresence::simulation {
namespace {

using ::testing::IsSupersetOf;

void AddShapes(const std::string& folder, std::set<std::string>& shapes) {
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    if (entry.path().extension() != ".ami") continue;
    for (const WireMessage& message : ParseWire(ReadFile(entry.path()))) {
      shapes.insert(message.Shape());
    }
  }
}

std::set<std::string> RecordedShapes() {
  std::set<std::string> shapes;
  AddShapes(UNIPRESENCE_SOURCE_DIR "/tests/data/traces", shapes);
  AddShapes(UNIPRESENCE_SOURCE_DIR "/tests/simulation/recorded", shapes);
  // The text of the user event follows from who sends it; the bench's dialplan adds headers.
  shapes.insert("UserEvent: Event Privilege Timestamp UserEvent");
  return shapes;
}

void ExpectRecorded(const std::vector<WireMessage>& messages, std::set<std::string>& names) {
  static const std::set<std::string> kRecorded = RecordedShapes();
  for (const WireMessage& message : messages) {
    if (message.headers.front().first == "Asterisk Call Manager/11.0.0") continue;
    names.insert(message.Get("Event"));
    EXPECT_EQ(kRecorded.count(message.Shape()), 1U) << message.Shape();
  }
}

TEST(RecordedShapesTest, EventsOfCalls) {
  PeoplePbx people;
  Calls& calls = people.pbx.calls();
  people.pbx.phones().Register(people.Phone("alice"));
  people.RegisterAll();
  people.Dial("alice", "1001");
  ASSERT_TRUE(calls.Answer(people.Channel("bob")).ok());
  ASSERT_TRUE(calls.Hold(people.Channel("bob")).ok());
  ASSERT_TRUE(calls.Unhold(people.Channel("bob")).ok());
  ASSERT_TRUE(calls.Hold(people.Channel("bob")).ok());
  people.Dial("bob", "1002");
  ASSERT_TRUE(calls.Answer(people.Channel("carol")).ok());
  const std::vector<ChannelId> both = calls.ChannelsOf(people.Phone("bob"));
  ASSERT_TRUE(calls.AttendedTransfer(both[0], both[1]).ok());
  ASSERT_TRUE(calls.BlindTransfer(people.Channel("carol"), "1001").ok());
  ASSERT_TRUE(calls.Refuse(people.Channel("bob"), 17).ok());
  people.Dial("alice", "1001");
  ASSERT_TRUE(calls.Pickup(people.Phone("carol"), "1001").ok());
  ASSERT_TRUE(calls.Hangup(people.Channel("carol")).ok());
  people.Dial("alice", "1001");
  ASSERT_TRUE(calls.Hangup(people.Channel("alice")).ok());
  people.Dial("alice", "1001");
  ASSERT_TRUE(calls.Refuse(people.Channel("bob"), 19).ok());
  ASSERT_TRUE(calls.Originate({"PJSIP/alice", "default", "1001", "1"}).ok());
  ASSERT_TRUE(calls.Answer(people.Channel("alice")).ok());
  ASSERT_TRUE(calls.Hangup(people.Channel("alice")).ok());
  ASSERT_FALSE(calls.Originate({"PJSIP/nobody", "default", "1001", "1"}).ok());

  std::set<std::string> names;
  ExpectRecorded(people.recorder.messages(), names);
  EXPECT_THAT(names, IsSupersetOf({"Newchannel",
                                   "Newstate",
                                   "NewConnectedLine",
                                   "DialBegin",
                                   "DialState",
                                   "DialEnd",
                                   "BridgeCreate",
                                   "BridgeEnter",
                                   "BridgeLeave",
                                   "BridgeDestroy",
                                   "Hold",
                                   "Unhold",
                                   "MusicOnHoldStart",
                                   "MusicOnHoldStop",
                                   "AttendedTransfer",
                                   "BlindTransfer",
                                   "Pickup",
                                   "HangupRequest",
                                   "SoftHangupRequest",
                                   "Hangup",
                                   "OriginateResponse",
                                   "DeviceStateChange"}));
}

TEST(RecordedShapesTest, EventsOfPhonesAndOfTheProcess) {
  PeoplePbx people;
  people.pbx.phones().Register(people.Phone("alice"));
  ASSERT_TRUE(people.pbx.phones().SetReachable(people.Phone("alice"), false).ok());
  ASSERT_TRUE(people.pbx.phones().SetReachable(people.Phone("alice"), true).ok());
  ASSERT_TRUE(people.pbx.phones().Unregister(people.Phone("alice")).ok());
  EXPECT_TRUE(people.pbx.hints().SetCustom("unipresence-default-1000", "INUSE"));
  people.pbx.SetMailbox("1000@default", {1, 0});
  people.pbx.Reload("");
  people.pbx.SendUserEvent("Test", {});
  people.pbx.EmitShutdown(/*restart=*/false);
  people.pbx.Stopped(/*clean=*/true);
  people.pbx.Start();
  people.pbx.FinishBoot();

  std::set<std::string> names;
  ExpectRecorded(people.recorder.messages(), names);
  EXPECT_THAT(names,
              IsSupersetOf({"PeerStatus", "ContactStatus", "DeviceStateChange", "ExtensionStatus",
                            "MessageWaiting", "Reload", "UserEvent", "Shutdown", "FullyBooted"}));
}

// Whatever the demonstration does, nothing in it is unlike Asterisk.
TEST(RecordedShapesTest, ALongDemonstration) {
  PeoplePbx people(/*seed=*/7);
  people.RegisterAll();
  Demo demo(people.pbx, 7);
  for (int step = 0; step < 5000; ++step) demo.Step();
  std::set<std::string> names;
  ExpectRecorded(people.recorder.messages(), names);
}

TEST(RecordedShapesTest, Lists) {
  PeoplePbx people;
  people.RegisterAll();
  people.Dial("alice", "1001");
  const std::vector<ManagerUser> users = {{"user", "secret"}};
  SessionOutput output;
  AmiSession session(people.pbx, users, output, 1);
  session.Consume("Action: Login\r\nActionID: 1\r\nUsername: user\r\nSecret: secret\r\n\r\n");
  for (const char* action : {"DeviceStateList", "PJSIPShowEndpoints", "PJSIPShowContacts",
                             "CoreShowChannels", "ExtensionStateList", "Status"}) {
    session.Consume(std::string("Action: ") + action + "\r\nActionID: 2\r\n\r\n");
  }
  session.Consume("Action: MailboxCount\r\nActionID: 3\r\nMailbox: 1000@default\r\n\r\n");
  std::set<std::string> names;
  ExpectRecorded(ParseWire(output.bytes()), names);
  EXPECT_THAT(names, IsSupersetOf({"FullyBooted", "DeviceStateChange", "DeviceStateListComplete",
                                   "EndpointList", "EndpointListComplete", "ContactList",
                                   "ContactListComplete", "CoreShowChannel", "Status",
                                   "StatusComplete", "CoreShowChannelsComplete", "ExtensionStatus",
                                   "ExtensionStateListComplete"}));
}

}  // namespace
}  // namespace unipresence::simulation
