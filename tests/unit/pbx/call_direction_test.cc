// Who began a call, where the technology of the phone or a list makes it hard to tell.

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/unit/pbx/call_events.h"

namespace unipresence::pbx {
namespace {

constexpr WallTimeMicros kSecond = 1'000'000;
constexpr WallTimeMicros kNow = 1'000 * kSecond;
constexpr int kReserved = 1;
constexpr int kOffHook = 2;
constexpr int kDialing = 3;

std::string Said(std::string event, const Chan& channel, int state, const Chan& leader,
                 const std::string& exten) {
  Headers headers = Of(std::move(event), channel, state, leader);
  headers.insert(headers.end(), {{"CallerIDNum", "1000"},
                                 {"ConnectedLineNum", "<unknown>"},
                                 {"ConnectedLineName", "<unknown>"},
                                 {"Exten", exten}});
  return Text(headers);
}

std::string Row(std::string event, const Chan& channel, int state, const Chan& leader,
                const std::string& application, Headers more = {}) {
  Headers headers = Of(std::move(event), channel, state, leader);
  headers[1] = {"ActionID", "1"};
  headers.insert(headers.end(), {{"Application", application}});
  headers.insert(headers.end(), more.begin(), more.end());
  return Text(headers);
}

class CallDirectionTest : public ::testing::Test {
 protected:
  CallDirectionTest() {
    At(0);
    driver_.Resync(ResyncKind::kResync);
  }

  void At(WallTimeMicros seconds) { driver_.tracker().SetTime(kNow + seconds * kSecond); }
  void Say(const std::vector<std::string>& events) {
    for (const std::string& event : events) driver_.Event(event);
  }
  void List(ResyncKind kind, std::vector<std::string> rows, Lists::Rows statuses = {}) {
    Lists lists;
    lists.channels = std::move(rows);
    lists.statuses = std::move(statuses);
    driver_.Resync(kind, lists);
  }
  void Relink(std::vector<std::string> rows, Lists::Rows statuses = {}) {
    driver_.LinkLost();
    List(ResyncKind::kResync, std::move(rows), std::move(statuses));
  }

  // "out dialing 1101; emitting in_call" of the one call of a phone.
  std::string Told(const Chan& phone) {
    const std::string device(DeviceOfChannel(phone.Name()));
    std::string told;
    for (const CallView& call : driver_.tracker().Calls(device)) {
      told += fmt::format("{} {} {};", ToString(call.direction), ToString(call.state),
                          call.other_party.number);
    }
    if (driver_.Facts(device).direction_unknown) told += " unknown";
    const std::string flags = driver_.Flags(device);
    return flags.empty() ? told : fmt::format("{} {}", told, flags);
  }
  WallTimeMicros AnswerTime(const Chan& phone) {
    return driver_.tracker().Calls(std::string(DeviceOfChannel(phone.Name()))).at(0).answer_time;
  }

  const Chan bob_{"bob", 5};
  PbxDriver driver_;
};

// --- Phones of other technologies ---

struct Technology {
  std::string name;
  std::string device;
  int born = kDown;
  std::string exten_at_birth;
  std::vector<int> states;  // until the number is dialled
  std::string before;       // told when it is born
};

class OwnCallTest : public CallDirectionTest, public ::testing::WithParamInterface<Technology> {
 protected:
  const Chan phone_{GetParam().device, 1};
};

TEST_P(OwnCallTest, IsDialledAndAnsweredLikeAnyOther) {
  Say({Said("Newchannel", phone_, GetParam().born, phone_, GetParam().exten_at_birth)});
  EXPECT_EQ(Told(phone_), GetParam().before + " emitting in_call");
  for (const int state : GetParam().states) {
    Say({Said("Newstate", phone_, state, phone_, "1101")});
  }
  if (!GetParam().states.empty() && GetParam().states.back() == kRing) {
    EXPECT_EQ(Told(phone_), "out dialing 1101; emitting in_call");
  }
  Headers dial = Of("DialBegin", phone_, kRing, phone_);
  dial.insert(dial.end(), {{"Exten", "1101"}, {"DestChannel", bob_.Name()}});
  Say({Newchannel(bob_, kDown, phone_), Text(dial)});
  EXPECT_EQ(Told(phone_), "out dialing 1101; emitting in_call");
  At(3);
  // Up before it is bridged: here the phone waits for the far side, not for its own user.
  Say({Newstate(bob_, kUp), Said("Newstate", phone_, kUp, phone_, "1101")});
  EXPECT_EQ(Told(phone_), "out answered 1101; emitting in_call");
  EXPECT_EQ(AnswerTime(phone_), kNow + 3 * kSecond);
}

INSTANTIATE_TEST_SUITE_P(
    Technologies, OwnCallTest,
    ::testing::Values(
        Technology{"Sip", "SIP/alice", kDown, "1101", {kRing}, "out originating ;"},
        Technology{"Sccp", "SCCP/1000", kDown, "", {kOffHook, kRing}, "out originating ;"},
        Technology{"Skinny", "Skinny/1000@phone", kDown, "s", {kRing}, "out originating ;"},
        Technology{
            "DialingBeforeRing", "SCCP/1000", kDown, "", {kDialing, kRing}, "out originating ;"},
        Technology{"DialingOnly", "SCCP/1000", kDown, "", {kDialing}, "out originating ;"},
        Technology{"Analog", "DAHDI/1", kReserved, "", {kRing}, "out dialing ;"},
        Technology{"Iax", "IAX2/alice", kRing, "1101", {}, "out dialing 1101;"},
        Technology{"Pjsip", "alice", kRing, "1101", {}, "out dialing 1101;"}),
    [](const auto& info) { return info.param.name; });

TEST_F(CallDirectionTest, AnAnalogPhoneThatIsCalledIsBornReservedAndReceives) {
  const Chan phone{"DAHDI/1", 1};
  Say({Newchannel(bob_, kRing), Newchannel(phone, kReserved, bob_)});
  EXPECT_EQ(Told(phone), "in ringing ;");
  Relink({Row("CoreShowChannel", bob_, kRing, bob_, "Dial"),
          Row("CoreShowChannel", phone, kReserved, bob_, "AppDial")});
  EXPECT_EQ(Told(phone), "in ringing ;");
  Say({Newstate(phone, kRingingState), Newstate(phone, kUp)});
  EXPECT_EQ(Told(phone), "in answered ; in_call");
}

TEST_F(CallDirectionTest, AConsultationThatBelongsToAnotherCallFromBirthOnIsEmitted) {
  const Chan phone{"SCCP/1000", 1};
  Say({Newchannel(bob_, kRing), Newchannel(phone, kDown, bob_)});
  EXPECT_EQ(Told(phone), "in ringing ;");
  Say({Said("Newstate", phone, kOffHook, bob_, ""), Said("Newstate", phone, kRing, bob_, "1102")});
  EXPECT_EQ(Told(phone), "out dialing 1102; emitting in_call");
}

TEST_F(CallDirectionTest, AStateThatATransferBringsChangesNoDirection) {
  const Chan phone{"SIP/alice", 1};
  Say({Newchannel(bob_, kRing), Newchannel(phone, kDown, bob_), Newstate(phone, kRingingState),
       Newstate(phone, kUp), Newstate(phone, kRing)});
  EXPECT_EQ(driver_.tracker().Calls("SIP/alice").at(0).direction, CallDirection::kReceived);
}

TEST_F(CallDirectionTest, AnOriginateIsOneStillWhenTheOwnPhoneWasPickedUp) {
  const Chan phone{"SIP/alice", 1};
  Say({Said("Newchannel", phone, kDown, phone, "s"), Newstate(phone, kRingingState)});
  EXPECT_EQ(Told(phone), "out originating ; emitting in_call");
  Headers dial = Of("DialBegin", phone, kUp, phone);
  dial.insert(dial.end(), {{"Exten", "1101"}, {"DestChannel", bob_.Name()}});
  Say({Newstate(phone, kUp), Text(dial)});
  EXPECT_EQ(Told(phone), "out dialing 1101; emitting in_call") << "not answered there yet";
}

// A list in the middle says the same as the events before and after it.
class ListedOwnCallTest : public CallDirectionTest,
                          public ::testing::WithParamInterface<ResyncKind> {};

TEST_P(ListedOwnCallTest, AgreesWithTheEvents) {
  const Chan phone{"SIP/alice", 1};
  Say({Said("Newchannel", phone, kDown, phone, "1101")});
  if (GetParam() == ResyncKind::kResync) driver_.LinkLost();
  List(GetParam(), {Row("CoreShowChannel", phone, kRing, phone, "Dial", {{"Exten", "1101"}})});
  EXPECT_EQ(Told(phone), "out dialing 1101; emitting in_call");
  At(2);
  Say({Said("Newstate", phone, kUp, phone, "1101")});
  EXPECT_EQ(Told(phone), "out answered 1101; emitting in_call");
  EXPECT_EQ(AnswerTime(phone), kNow + 2 * kSecond);
}

INSTANTIATE_TEST_SUITE_P(Lists, ListedOwnCallTest,
                         ::testing::Values(ResyncKind::kResync, ResyncKind::kReconcile));

TEST_F(CallDirectionTest, APhoneThatNobodySawIsListedAsTheEventsWouldHaveIt) {
  const Chan phone{"SIP/alice", 1};
  Relink({Row("CoreShowChannel", phone, kRing, phone, "Dial", {{"Exten", "1101"}})});
  EXPECT_EQ(Told(phone), "out dialing 1101; emitting in_call");
  Relink(
      {Row("CoreShowChannel", phone, kUp, phone, "Dial", {{"Exten", "1101"}, {"BridgeId", "b"}})});
  EXPECT_EQ(Told(phone), "out answered 1101; emitting in_call");
}

// --- Directions that no list tells ---

class ListedDirectionTest : public CallDirectionTest {
 protected:
  // An Originate of another tool that was joined to an older call, and a received call that was
  // transferred: the rows are the same, as Asterisk 16 and 22 write them.
  std::vector<std::string> Rows() const {
    return {Row("CoreShowChannel", phone_, kUp, bob_, "Dial",
                {{"Exten", "1101"}, {"BridgeId", bridge_}})};
  }
  Lists::Rows Statuses(const std::string& dialled) const {
    return std::vector<std::string>{
        Row("Status", phone_, kUp, bob_, "Dial", {{"DNID", dialled}, {"Exten", "1101"}})};
  }

  const Chan phone_{"alice", 1};
  std::string bridge_ = "b";
};

TEST_F(ListedDirectionTest, OfATransferredCallThatIsNotBridgedYetIsUnknownToo) {
  bridge_.clear();
  Relink(Rows(), Statuses(""));
  EXPECT_EQ(Told(phone_), "in answered ; unknown in_call");
}

TEST_F(ListedDirectionTest, IsSaidToBeUnknown) {
  Relink(Rows(), Statuses(""));
  EXPECT_EQ(Told(phone_), "in answered ; unknown in_call");
  List(ResyncKind::kReconcile, Rows(), Statuses(""));
  EXPECT_EQ(Told(phone_), "in answered ; unknown in_call") << "still";
  Relink(Rows(), Statuses(""));
  EXPECT_EQ(Told(phone_), "in answered ; unknown in_call") << "the next link does not tell either";
  Say({Hangup(phone_)});
  EXPECT_EQ(Told(phone_), "");
}

TEST_F(ListedDirectionTest, IsUnknownToWhoMayNotAsk) {
  Relink(Rows(), std::nullopt);
  EXPECT_EQ(Told(phone_), "in answered ; unknown in_call");
}

TEST_F(ListedDirectionTest, IsKnownByTheNumberThatThePhoneDialled) {
  Relink(Rows(), Statuses("1101"));
  EXPECT_EQ(Told(phone_), "out answered 1101; emitting in_call");
}

TEST_F(ListedDirectionTest, IsKnownOfCallsThatWereSeen) {
  Say({Newchannel(bob_, kRing), Newchannel(phone_, kDown, bob_), Newstate(phone_, kUp)});
  Relink(Rows(), Statuses(""));
  EXPECT_EQ(Told(phone_), "in answered ; in_call");
}

TEST_F(ListedDirectionTest, IsKnownOnceAListTells) {
  Relink(Rows(), Statuses(""));
  List(ResyncKind::kReconcile, {Row("CoreShowChannel", phone_, kUp, bob_, "AppDial")});
  EXPECT_EQ(Told(phone_), "in answered ; in_call");
}

TEST_F(ListedDirectionTest, OfOneOfTwoCallsIsUnknownUntilThatOneEnds) {
  const Chan second{"alice", 2};
  Relink(Rows(), Statuses(""));
  Say({Newchannel(second, kRing)});
  EXPECT_EQ(driver_.Facts("PJSIP/alice").direction_unknown, true);
  Say({Hangup(phone_)});
  EXPECT_EQ(driver_.Facts("PJSIP/alice").direction_unknown, false);
  EXPECT_EQ(driver_.Flags("PJSIP/alice"), "emitting in_call");
}

}  // namespace
}  // namespace unipresence::pbx
