// Answers to actions beside those of a real Asterisk (recorded/actions.json).

#include <algorithm>
#include <chrono>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "nlohmann/json.hpp"
#include "tests/simulation/ami_session.h"
#include "tests/simulation/people.h"
#include "tests/simulation/session_output.h"

namespace unipresence::simulation {
namespace {

using ::testing::ElementsAreArray;
using ::testing::UnorderedElementsAreArray;

std::vector<ManagerUser> Managers() {
  return {{"listener", "bench-secret"},
          {"unipresence", "bench-secret", *ParseRights("system,call,cdr,user"),
           *ParseRights("system,call,originate")}};
}

// How a session of the recording begins.
void Begin(const std::string& session, AmiSession& ami, PeoplePbx& people) {
  const std::map<std::string, std::string> logged_in = {
      {"listener", "listener"}, {"less rights", "unipresence"}, {"no contacts", "listener"}};
  if (session == "no contacts") {
    for (EndpointId phone = 0; phone < people.pbx.directory().endpoint_count(); ++phone) {
      EXPECT_TRUE(people.pbx.phones().Unregister(phone).ok());
    }
  }
  const auto user = logged_in.find(session);
  if (user == logged_in.end()) return;
  ami.Consume("Action: Login\r\nUsername: " + user->second + "\r\nSecret: bench-secret\r\n\r\n");
}

std::string OnWire(const std::string& lines) {
  std::string wire;
  for (const char c : lines) wire += c == '\n' ? std::string("\r\n") : std::string(1, c);
  return wire + "\r\n\r\n";
}

// Numbers that no two Asterisks share do not count; neither do the rows of lists whose content is
// this Asterisk's own, except that of device states.
std::string Comparable(const WireMessage& message) {
  static const std::vector<std::string> kOwn = {"Timestamp", "Challenge", "ListItems", "Hint"};
  const std::string event = message.Get("Event");
  if (!event.empty() && event != "DeviceStateChange" && event.compare(0, 2, "DB") != 0) {
    return message.Shape();
  }
  std::string text;
  for (const auto& [name, value] : message.headers) {
    const bool own = std::find(kOwn.begin(), kOwn.end(), name) != kOwn.end();
    text += name + ": " + (own ? "*" : value) + "\n";
  }
  return text;
}

std::vector<std::string> Comparable(const std::string& wire) {
  std::vector<std::string> all;
  for (const WireMessage& message : ParseWire(wire)) {
    if (message.headers.front().first == "Response" ||
        message.Get("Event").compare(0, 2, "DB") == 0 || !message.Get("ActionID").empty()) {
      all.push_back(Comparable(message));
    }
  }
  return all;
}

TEST(RecordedActionsTest, AnswersAreAsterisks) {
  const nlohmann::json recorded = nlohmann::json::parse(
      ReadFile(UNIPRESENCE_SOURCE_DIR "/tests/simulation/recorded/actions.json"));
  ASSERT_GT(recorded.size(), 80U);
  const std::vector<ManagerUser> managers = Managers();
  std::string session;
  std::unique_ptr<PeoplePbx> people;
  std::unique_ptr<SessionOutput> output;
  std::unique_ptr<AmiSession> ami;
  for (const nlohmann::json& entry : recorded) {
    if (entry.at("session") != session) {
      session = entry.at("session");
      ami.reset();
      people = std::make_unique<PeoplePbx>();
      people->RegisterAll();
      output = std::make_unique<SessionOutput>();
      ami = std::make_unique<AmiSession>(people->pbx, managers, *output, 1);
      Begin(session, *ami, *people);
    }
    const std::string request = entry.at("request");
    SCOPED_TRACE(session + ": " + request);
    std::string expected;
    for (const std::string message : entry.at("response")) expected += OnWire(message);
    output->Take();
    ami->Consume(OnWire(request));
    const std::vector<std::string> got = Comparable(output->Take());
    if (session == "no contacts" && request.find("DeviceStateList") != std::string::npos) {
      // In the recording a phone still rang; that there is a list is what counts.
      EXPECT_FALSE(got.empty());
    } else if (got.size() > 3 && request.find("DeviceStateList") != std::string::npos) {
      EXPECT_THAT(got, UnorderedElementsAreArray(Comparable(expected)));
    } else {
      std::vector<std::string> wanted = Comparable(expected);
      // Other Asterisks have other hints: one row a user here.
      EXPECT_THAT(got, ElementsAreArray(wanted));
    }
  }
}

class AmiSessionTest : public ::testing::Test {
 protected:
  std::string Say(const std::string& lines) {
    output_.Take();
    session_.Consume(OnWire(lines));
    return output_.Take();
  }

  PeoplePbx people_;
  std::vector<ManagerUser> managers_ = Managers();
  SessionOutput output_;
  AmiSession session_{people_.pbx, managers_, output_, 1};
};

TEST_F(AmiSessionTest, WrongPasswordIsAnsweredAfterASecondAndClosed) {
  Say("Action: Login\nUsername: listener\nSecret: wrong");
  EXPECT_EQ(output_.close_delay(), Duration(std::chrono::seconds(1)));
  EXPECT_FALSE(session_.authenticated());
}

TEST_F(AmiSessionTest, Md5LoginTakesTheDigestOfChallengeAndSecret) {
  const std::string answer = Say("Action: Challenge\nAuthType: MD5");
  const std::string challenge = ParseWire(answer).at(0).Get("Challenge");
  ASSERT_EQ(challenge.size(), 9U);
  Say("Action: Login\nAuthType: MD5\nUsername: listener\nKey: " +
      Md5Hex(challenge + "bench-secret"));
  EXPECT_TRUE(session_.authenticated());
}

TEST_F(AmiSessionTest, AnOverlongLineSpoilsItsActionOnly) {
  Say("Action: Login\nUsername: listener\nSecret: bench-secret");
  const std::string answer = Say("Action: Ping\nActionID: 1\nX: " + std::string(2000, 'x'));
  EXPECT_THAT(answer, ::testing::HasSubstr("Message: Failed to parse message: line too long\r\n"));
  EXPECT_THAT(answer, ::testing::HasSubstr("ActionID: 1\r\n"));
  EXPECT_THAT(Say("Action: Ping"), ::testing::HasSubstr("Ping: Pong"));
}

TEST_F(AmiSessionTest, ActionsMayComeByteByByte) {
  const std::string wire = OnWire("Action: Login\nUsername: listener\nSecret: bench-secret");
  for (const char c : wire) session_.Consume(std::string_view(&c, 1));
  EXPECT_TRUE(session_.authenticated());
}

TEST_F(AmiSessionTest, EventsFollowRightsAndMask) {
  EXPECT_FALSE(session_.Wants(kCall));
  Say("Action: Login\nUsername: unipresence\nSecret: bench-secret");
  EXPECT_TRUE(session_.Wants(kCall));
  EXPECT_FALSE(session_.Wants(kDialplan));
  Say("Action: Events\nEventMask: system");
  EXPECT_FALSE(session_.Wants(kCall));
  EXPECT_TRUE(session_.Wants(kSystem));
  Say("Action: Events\nEventMask: off");
  EXPECT_FALSE(session_.Wants(kSystem));
}

TEST_F(AmiSessionTest, BeforeFullyBootedListsAreIncompleteAndTheEventComesLater) {
  people_.RegisterAll();
  people_.pbx.Stopped(/*clean=*/true);
  people_.pbx.Start();
  EXPECT_THAT(Say("Action: Login\nUsername: listener\nSecret: bench-secret"),
              ::testing::Not(::testing::HasSubstr("FullyBooted")));
  EXPECT_THAT(Say("Action: DeviceStateList\nActionID: 1"),
              ::testing::HasSubstr("ListItems: 0\r\n"));
  people_.pbx.FinishBoot();
  EXPECT_THAT(Say("Action: DeviceStateList\nActionID: 1"),
              ::testing::HasSubstr("ListItems: 5\r\n"));
}

TEST_F(AmiSessionTest, ASilentDeviceIsInNoDeviceStateList) {
  people_.pbx.phones().Register(people_.Phone("alice"));
  Say("Action: Login\nUsername: listener\nSecret: bench-secret");
  const std::string list = Say("Action: DeviceStateList");
  EXPECT_THAT(list, ::testing::HasSubstr("Device: PJSIP/alice\r\nState: NOT_INUSE\r\n"));
  EXPECT_THAT(list, ::testing::Not(::testing::HasSubstr("PJSIP/bob")));
}

TEST_F(AmiSessionTest, TheDialplanKnowsTheNumbersOfUsers) {
  Say("Action: Login\nUsername: unipresence\nSecret: bench-secret");
  const auto exists = [this](const std::string& place) {
    const std::string answer =
        Say("Action: Getvar\nVariable: DIALPLAN_EXISTS(" + place + ")\nActionID: 1");
    return std::string(ParseWire(answer).at(0).Get("Value"));
  };
  EXPECT_EQ(exists("default,1001,1"), "1");
  EXPECT_EQ(exists("default,1001"), "1") << "the first priority is the default";
  EXPECT_EQ(exists("default,4711,1"), "0");
  EXPECT_EQ(exists("nowhere,1001,1"), "0");
  EXPECT_EQ(exists("default,1001,2"), "0");
  EXPECT_EQ(exists("default"), "0");
}

TEST_F(AmiSessionTest, ACallIsNamedByTheIdThatWasChosenForIt) {
  people_.RegisterAll();
  Say("Action: Login\nUsername: unipresence\nSecret: bench-secret");
  Say("Action: Originate\nChannel: PJSIP/alice\nContext: default\nExten: 1001\nPriority: 1\n"
      "Async: true\nChannelId: chosen-1\nActionID: 1");
  const Channel* own = people_.pbx.calls().FindByName("chosen-1");
  ASSERT_NE(own, nullptr);
  EXPECT_EQ(own->linkedid, "chosen-1");
  EXPECT_THAT(Say("Action: Hangup\nChannel: chosen-1"), ::testing::HasSubstr("Channel Hungup"));
  EXPECT_EQ(people_.pbx.calls().FindByName("chosen-1"), nullptr);
}

}  // namespace
}  // namespace unipresence::simulation
