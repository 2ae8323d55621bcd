#include "aggregator/pbx/write_back.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "aggregator/pbx/phone_settings.h"
#include "tests/unit/pbx/naive_ast_db.h"

namespace unipresence::pbx {
namespace {

using ::testing::Each;
using Why = WriteBack::Why;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::StartsWith;

const std::string kFamily = "unipresence/default/1001";
const std::string kState = "CustomDevstate/unipresence-default-1001";

Routing Alice() {
  Routing routing;
  routing.context = "default";
  routing.exten = "1001";
  routing.user = "alice";
  routing.device_in_use = "PJSIP/alice_w";
  routing.devices[LineKind::kDeskphone] = "PJSIP/alice";
  routing.devices[LineKind::kWebrtc] = "PJSIP/alice_w";
  routing.line_type = LineType::kUniqueAccount;
  routing.state = PresenceState::kAvailable;
  routing.mailbox = "1001";
  routing.mailbox_context = "default";
  return routing;
}

Routing Numbered(const std::string& exten) {
  Routing routing = Alice();
  routing.exten = exten;
  return routing;
}

Routing Gone() { return {.context = "default", .exten = "1001", .removed = true}; }

class WriteBackTest : public ::testing::Test {
 protected:
  // What Asterisk holds of alice once all is told.
  void Tell(const Routing& routing) {
    write_back_.Queue(routing, Why::kChanged);
    asterisk_.Run();
    EXPECT_TRUE(write_back_.idle());
    asterisk_.sent.clear();
  }

  std::string Key(const std::string& key) const { return asterisk_.values.at(kFamily + "/" + key); }

  WriteBack write_back_;
  NaiveAstDb asterisk_{write_back_};
};

TEST_F(WriteBackTest, ANumberIsWrittenWholeAndVerified) {
  write_back_.Queue(Alice(), Why::kChanged);
  asterisk_.Run();
  const std::map<std::string, std::string> expected = {
      {kFamily + "/user", "alice"},
      {kFamily + "/interface", "PJSIP/alice_w"},
      {kFamily + "/selected_device", "webrtc"},
      {kFamily + "/deskphone", "PJSIP/alice"},
      {kFamily + "/webrtc", "PJSIP/alice_w"},
      {kFamily + "/line_type", "unique_account"},
      {kFamily + "/dnd", "0"},
      {kFamily + "/forward/unconditional", ""},
      {kFamily + "/forward/busy", ""},
      {kFamily + "/forward/no_answer", ""},
      {kFamily + "/ring_seconds", "30"},
      {kFamily + "/mailbox", "1001@default"},
      {kState, "NOT_INUSE"},
  };
  EXPECT_EQ(asterisk_.values, expected);
  EXPECT_EQ(write_back_.probe().written.value(), kToldItemCount);
  EXPECT_EQ(write_back_.probe().verified.value(), kToldItemCount);
  EXPECT_EQ(write_back_.probe().rewritten.value(), 0u) << "it was not there before";
  EXPECT_EQ(write_back_.record_count(), 1u);
}

TEST_F(WriteBackTest, WhatIsToldAgainCostsNothingAndAChangeCostsItsOwnWrite) {
  Tell(Alice());
  write_back_.Queue(Alice(), Why::kChanged);
  EXPECT_EQ(write_back_.NextAction(), std::nullopt);

  Routing rings = Alice();
  rings.state = PresenceState::kRinging;
  write_back_.Queue(rings, Why::kChanged);
  asterisk_.Run();
  EXPECT_THAT(asterisk_.sent,
              ElementsAre("Setvar DEVICE_STATE(Custom:unipresence-default-1001)=RINGING",
                          "DBGet unipresence-default-1001"));
}

TEST_F(WriteBackTest, WhereItRingsAndThePresenceGoFirst) {
  Tell(Alice());
  Routing switched = Alice();
  switched.device_in_use = "PJSIP/alice";
  switched.state = PresenceState::kBusy;
  switched.do_not_disturb = true;
  switched.ring_seconds = 20;
  write_back_.Queue(switched, Why::kChanged);
  asterisk_.Take();
  asterisk_.sent.resize(5);
  EXPECT_THAT(asterisk_.sent,
              ElementsAre("DBPut interface=PJSIP/alice", "DBGet interface",
                          "Setvar DEVICE_STATE(Custom:unipresence-default-1001)=BUSY",
                          "DBGet unipresence-default-1001", "DBPut dnd=1"));
  asterisk_.Run();
  EXPECT_EQ(Key("ring_seconds"), "20");
}

TEST_F(WriteBackTest, EveryPresenceHasAStateThatAsteriskTakes) {
  const std::pair<PresenceState, std::string> states[] = {
      {PresenceState::kAvailable, "NOT_INUSE"},
      {PresenceState::kInUse, "INUSE"},
      {PresenceState::kBusy, "BUSY"},
      {PresenceState::kUnavailable, "UNAVAILABLE"},
      {PresenceState::kUnknown, "UNAVAILABLE"},
      {PresenceState::kRinging, "RINGING"},
      {PresenceState::kRingingInUse, "RINGINUSE"},
      {PresenceState::kOnHold, "ONHOLD"}};
  for (const auto& [state, token] : states) {
    Routing routing = Alice();
    routing.state = state;
    Tell(routing);
    EXPECT_EQ(asterisk_.values.at(kState), token);
  }
}

TEST_F(WriteBackTest, ANewerOfferReplacesTheOlderOneInFlight) {
  Tell(Alice());
  Routing desk = Alice();
  desk.device_in_use = "PJSIP/alice";
  write_back_.Queue(desk, Why::kChanged);
  asterisk_.Take();
  write_back_.Queue(Alice(), Why::kChanged);
  write_back_.Queue(desk, Why::kChanged);
  write_back_.Queue(Alice(), Why::kChanged);
  asterisk_.Run();
  EXPECT_EQ(Key("interface"), "PJSIP/alice_w");
  EXPECT_TRUE(write_back_.idle());
  // The record knows what was written last.
  write_back_.Queue(Alice(), Why::kChanged);
  EXPECT_EQ(write_back_.NextAction(), std::nullopt);
}

TEST_F(WriteBackTest, AWriteThatReadsBackDifferentlyIsRepeatedAndThenGivenUp) {
  Tell(Alice());
  Routing desk = Alice();
  desk.device_in_use = "PJSIP/alice";
  write_back_.Queue(desk, Why::kChanged);
  int rounds = 0;
  while (asterisk_.Take() > 0) {
    ++rounds;
    while (asterisk_.waiting() > 0) {
      asterisk_.Answer();  // obeyed, and then somebody else writes
      asterisk_.values[kFamily + "/interface"] = "PJSIP/mallory";
    }
  }
  EXPECT_EQ(rounds, 3);
  EXPECT_EQ(write_back_.probe().retried.value(), 2u);
  EXPECT_EQ(write_back_.probe().given_up.value(), 1u);
  EXPECT_TRUE(write_back_.idle());
  // The next offer tries again, whatever else it changes.
  write_back_.Queue(desk, Why::kChanged);
  asterisk_.Run();
  EXPECT_EQ(Key("interface"), "PJSIP/alice");
}

TEST_F(WriteBackTest, AnActionWithoutAnswerIsRepeated) {
  Tell(Alice());
  Routing desk = Alice();
  desk.device_in_use = "PJSIP/alice";
  write_back_.Queue(desk, Why::kChanged);
  asterisk_.Take();
  asterisk_.Lose();
  asterisk_.Lose();
  asterisk_.Run();
  EXPECT_EQ(Key("interface"), "PJSIP/alice");
  EXPECT_TRUE(write_back_.idle());
}

TEST_F(WriteBackTest, ACheckReadsAndWritesOnlyWhatIsMissingOrWrong) {
  Tell(Alice());
  write_back_.Queue(Alice(), Why::kAgain);
  EXPECT_TRUE(write_back_.checking());
  EXPECT_EQ(asterisk_.Run(), 14);
  EXPECT_THAT(asterisk_.sent, Each(StartsWith("DBGet ")));
  EXPECT_FALSE(write_back_.checking());
  EXPECT_EQ(write_back_.probe().rewritten.value(), 0u);

  asterisk_.values[kFamily + "/dnd"] = "1";
  asterisk_.values.erase(kFamily + "/mailbox");
  asterisk_.values[kState] = "BUSY";
  asterisk_.writes = 0;
  write_back_.Queue(Alice(), Why::kAgain);
  asterisk_.Run();
  EXPECT_EQ(Key("dnd"), "0");
  EXPECT_EQ(Key("mailbox"), "1001@default");
  EXPECT_EQ(asterisk_.values.at(kState), "NOT_INUSE");
  EXPECT_EQ(asterisk_.writes, 3);
  EXPECT_EQ(write_back_.probe().rewritten.value(), 3u);
}

TEST_F(WriteBackTest, ACheckAfterACrashPassesOverWhatIsKnown) {
  Tell(Alice());
  write_back_.Queue(Alice(), Why::kUnchecked);
  EXPECT_EQ(asterisk_.Run(), 0);
  asterisk_.Cut();
  asterisk_.values.erase(kFamily + "/interface");
  write_back_.Queue(Alice(), Why::kUnchecked);
  EXPECT_TRUE(write_back_.checking());
  asterisk_.Run();
  EXPECT_EQ(Key("interface"), "PJSIP/alice_w");
  EXPECT_EQ(write_back_.probe().rewritten.value(), 1u);
}

TEST_F(WriteBackTest, ARemovedNumberLeavesNothingBehind) {
  Tell(Alice());
  asterisk_.values[kFamily + "/phone_changes"] = "do_not_disturb=1&";
  asterisk_.values["unipresence/default/1002/user"] = "bob";
  write_back_.Queue(Gone(), Why::kChanged);
  asterisk_.Run();
  EXPECT_EQ(asterisk_.values,
            (std::map<std::string, std::string>{{"unipresence/default/1002/user", "bob"}}));
  EXPECT_THAT(
      asterisk_.sent,
      ::testing::Contains("Setvar DEVICE_STATE(Custom:unipresence-default-1001)=UNAVAILABLE"))
      << "what BLF keys show";
  EXPECT_EQ(write_back_.record_count(), 0u);
  EXPECT_EQ(write_back_.probe().refused.value(), 0u) << "deleting what is not there is no refusal";
}

TEST_F(WriteBackTest, ANumberMayBeRemovedAndGivenToAnotherInFlight) {
  Tell(Alice());
  Routing bob = Alice();
  bob.user = "bob";
  write_back_.Queue(Gone(), Why::kChanged);
  asterisk_.Take();
  asterisk_.Answer();
  write_back_.Queue(bob, Why::kChanged);
  asterisk_.Run();
  EXPECT_EQ(Key("user"), "bob");
  EXPECT_EQ(Key("interface"), "PJSIP/alice_w");
  EXPECT_EQ(asterisk_.values.at(kState), "NOT_INUSE");
  EXPECT_EQ(asterisk_.values.size(), kToldItemCount);

  write_back_.Queue(bob, Why::kAgain);
  asterisk_.Take();
  write_back_.Queue(Gone(), Why::kChanged);
  asterisk_.Run();
  EXPECT_THAT(asterisk_.values, IsEmpty());
}

TEST_F(WriteBackTest, ARemovalThatTheLinkSwallowedIsDoneOnTheNextOne) {
  Tell(Alice());
  write_back_.Queue(Gone(), Why::kChanged);
  asterisk_.Take();
  asterisk_.Cut();
  EXPECT_EQ(asterisk_.values.size(), kToldItemCount);
  write_back_.OnTick(false);
  EXPECT_EQ(asterisk_.Run(), 0) << "the number may be a user's again";
  write_back_.OnTick(true);
  asterisk_.Run();
  EXPECT_THAT(asterisk_.values, IsEmpty());
  write_back_.OnTick(true);
  EXPECT_EQ(asterisk_.Run(), 0);

  // A crash brings it back, but not once it is on the disk.
  asterisk_.Cut();
  asterisk_.values[kFamily + "/user"] = "alice";
  write_back_.OnTick(true);
  asterisk_.Run();
  EXPECT_THAT(asterisk_.values, IsEmpty());
  for (int i = 0; i < 100; ++i) write_back_.OnTick(true);
  asterisk_.Cut();
  write_back_.OnTick(true);
  EXPECT_EQ(asterisk_.Run(), 0);
}

TEST_F(WriteBackTest, ANumberThatIsAUsersAgainIsNotDeleted) {
  Tell(Alice());
  write_back_.Queue(Gone(), Why::kChanged);
  asterisk_.Cut();
  write_back_.Queue(Alice(), Why::kAgain);
  asterisk_.Run();
  write_back_.OnTick(true);
  EXPECT_EQ(asterisk_.Run(), 0);
  EXPECT_EQ(asterisk_.values.size(), kToldItemCount);
}

TEST_F(WriteBackTest, ALostLinkForgetsWhatAsteriskHeld) {
  Tell(Alice());
  Routing desk = Alice();
  desk.device_in_use = "PJSIP/alice";
  write_back_.Queue(desk, Why::kChanged);
  asterisk_.Take();
  asterisk_.Cut();
  EXPECT_TRUE(write_back_.idle());
  EXPECT_EQ(write_back_.in_flight(), 0u);
  EXPECT_EQ(write_back_.record_count(), 0u);
  // The crash lost the last second: nothing is taken for granted.
  asterisk_.values.clear();
  Tell(desk);
  EXPECT_EQ(Key("interface"), "PJSIP/alice");
  EXPECT_EQ(asterisk_.values.size(), kToldItemCount);
}

TEST_F(WriteBackTest, NeverMoreThanTheBoundIsInFlight) {
  WriteBack write_back({.max_in_flight = 8, .max_in_flight_for_checks = 4});
  NaiveAstDb asterisk(write_back);
  int offered = 0;
  while (write_back.HasRoom()) {
    write_back.Queue(Numbered(std::to_string(1000 + offered++)), Why::kChanged);
    asterisk.Take();
    ASSERT_LE(write_back.in_flight(), 8u);
  }
  EXPECT_EQ(offered, 8) << "one question each, for the changes made from the phone";
  EXPECT_EQ(write_back.in_flight(), 8u);
  for (int i = 0; i < 8; ++i) asterisk.Answer();
  asterisk.Take();
  EXPECT_EQ(write_back.in_flight(), 8u);
  EXPECT_FALSE(write_back.HasRoom());
  asterisk.Run();
  EXPECT_EQ(asterisk.values.size(), 8u * kToldItemCount);
  EXPECT_TRUE(write_back.HasRoomForCheck());
}

TEST_F(WriteBackTest, ARefusalIsToldOnceAndNotRepeated) {
  asterisk_.denied = {{"Setvar", true}};
  write_back_.Queue(Alice(), Why::kChanged);
  write_back_.Queue(Numbered("1002"), Why::kChanged);
  asterisk_.Run();
  EXPECT_EQ(asterisk_.values.size(), 2 * (kToldItemCount - 1)) << "all but the states";
  EXPECT_EQ(write_back_.TakeComplaint(), "Setvar: Permission denied");
  EXPECT_EQ(write_back_.TakeComplaint(), std::nullopt);
  const std::uint64_t refused = write_back_.probe().refused.value();
  Routing rings = Alice();
  rings.state = PresenceState::kRinging;
  write_back_.Queue(rings, Why::kChanged);
  EXPECT_EQ(asterisk_.Run(), 0);
  EXPECT_EQ(write_back_.probe().refused.value(), refused);
  EXPECT_TRUE(write_back_.idle());

  asterisk_.denied = {{"DBPut", true}, {"DBGet", true}, {"DBDel", true}};
  asterisk_.Cut();
  write_back_.Queue(Alice(), Why::kAgain);
  asterisk_.Run();
  EXPECT_TRUE(write_back_.idle());
  EXPECT_EQ(write_back_.TakeComplaint(), "DBGet: Permission denied");
  write_back_.Queue(Numbered("1003"), Why::kAgain);
  EXPECT_EQ(asterisk_.Run(), 0);

  asterisk_.denied.clear();
  asterisk_.Cut();
  Tell(Alice());
  EXPECT_EQ(Key("interface"), "PJSIP/alice_w");
  EXPECT_EQ(asterisk_.values.at(kState), "NOT_INUSE");
}

TEST_F(WriteBackTest, AValueThatCannotBeEncodedIsRefusedAndHoldsUpNothing) {
  Routing odd = Alice();
  odd.device_in_use = "PJSIP/alice\r\nAction: Originate";
  write_back_.Queue(odd, Why::kChanged);
  asterisk_.Run();
  EXPECT_TRUE(write_back_.idle());
  EXPECT_EQ(asterisk_.values.size(), kToldItemCount - 1);
  EXPECT_EQ(write_back_.probe().refused.value(), 1u);
  EXPECT_THAT(*write_back_.TakeComplaint(), StartsWith("interface: "));
}

// --- Changes made from phones ---

class PhoneChangesTest : public WriteBackTest {
 protected:
  void SetUp() override { Tell(Alice()); }

  // Everything up to the adoptions; they wait for OnAdopted.
  std::vector<WriteBack::Adoption> RunToAdoptions() {
    asterisk_.Run();
    std::vector<WriteBack::Adoption> adoptions;
    while (auto adoption = write_back_.TakeAdoption()) adoptions.push_back(*std::move(adoption));
    return adoptions;
  }

  std::string& phone_changes() { return asterisk_.values[kFamily + "/phone_changes"]; }
};

TEST_F(PhoneChangesTest, AreAdoptedBeforeAnythingIsAsserted) {
  asterisk_.Cut();
  phone_changes() = "do_not_disturb=1&forward/busy=2000&";
  asterisk_.values[kFamily + "/dnd"] = "1";
  asterisk_.values[kFamily + "/forward/busy"] = "2000";
  write_back_.Queue(Alice(), Why::kAgain);
  const std::vector<WriteBack::Adoption> adoptions = RunToAdoptions();
  ASSERT_EQ(adoptions.size(), 2u);
  EXPECT_EQ(adoptions[0].setting, (PhoneSetting{"alice", PhoneDoNotDisturb{true}}));
  EXPECT_EQ(adoptions[1].setting,
            (PhoneSetting{"alice", PhoneForward{ForwardingCondition::kBusy, "2000"}}));
  EXPECT_EQ(Key("dnd"), "1") << "not asserted while it is not adopted";

  EXPECT_EQ(write_back_.OnAdopted(adoptions[0].ticket, absl::OkStatus()), std::nullopt);
  EXPECT_EQ(write_back_.OnAdopted(adoptions[1].ticket, absl::OkStatus()), "alice");
  Routing adopted = Alice();
  adopted.do_not_disturb = true;
  adopted.forwards[1] = "2000";
  write_back_.Queue(adopted, Why::kChanged);
  const int before = asterisk_.writes;
  asterisk_.Run();
  EXPECT_EQ(asterisk_.values.count(kFamily + "/phone_changes"), 0u);
  EXPECT_EQ(Key("dnd"), "1");
  EXPECT_EQ(Key("forward/busy"), "2000");
  EXPECT_EQ(asterisk_.writes, before + 1) << "the deletion of the note alone";
  EXPECT_TRUE(write_back_.idle());
}

TEST_F(PhoneChangesTest, WhatIsAddedMeanwhileIsAdoptedAsWell) {
  phone_changes() = "do_not_disturb=1&";
  write_back_.Queue(Alice(), Why::kAgain);
  std::vector<WriteBack::Adoption> adoptions = RunToAdoptions();
  ASSERT_EQ(adoptions.size(), 1u);
  phone_changes() += "selected_device=deskphone&";
  EXPECT_EQ(write_back_.OnAdopted(adoptions[0].ticket, absl::OkStatus()), "alice");
  adoptions = RunToAdoptions();
  ASSERT_EQ(adoptions.size(), 1u);
  EXPECT_EQ(adoptions[0].setting, (PhoneSetting{"alice", PhoneSelection{LineKind::kDeskphone}}));
  EXPECT_EQ(asterisk_.values.count(kFamily + "/phone_changes"), 1u);
  write_back_.OnAdopted(adoptions[0].ticket, absl::OkStatus());
  asterisk_.Run();
  EXPECT_EQ(asterisk_.values.count(kFamily + "/phone_changes"), 0u);
  EXPECT_TRUE(write_back_.idle());
}

TEST_F(PhoneChangesTest, WhatWasHeardButIsNotedNoMoreIsAdoptedToo) {
  write_back_.Queue(Alice(), Why::kChanged, PhoneSetting{"alice", PhoneDoNotDisturb{true}});
  const std::vector<WriteBack::Adoption> adoptions = RunToAdoptions();
  ASSERT_EQ(adoptions.size(), 1u);
  EXPECT_EQ(adoptions[0].setting, (PhoneSetting{"alice", PhoneDoNotDisturb{true}}));
  Routing adopted = Alice();
  adopted.do_not_disturb = true;
  write_back_.OnAdopted(adoptions[0].ticket, absl::OkStatus());
  write_back_.Queue(adopted, Why::kChanged);
  asterisk_.Run();
  EXPECT_EQ(Key("dnd"), "1");
}

TEST_F(PhoneChangesTest, WhatWasHeardCanBeTakenOutWhereverItIs) {
  const PhoneSetting on{"alice", PhoneDoNotDisturb{true}};
  write_back_.Queue(Alice(), Why::kChanged, on);
  EXPECT_THAT(write_back_.TakeReported(), ElementsAre(on)) << "before the notes are read";
  EXPECT_THAT(write_back_.TakeReported(), IsEmpty());
  asterisk_.Cut();
  write_back_.Queue(Alice(), Why::kChanged, on);
  asterisk_.Run();
  EXPECT_THAT(write_back_.TakeReported(), ElementsAre(on)) << "before it was given out";
  EXPECT_FALSE(write_back_.TakeAdoption().has_value());
}

TEST_F(PhoneChangesTest, WhatIsHeardAndNotedIsAdoptedOnce) {
  phone_changes() = "do_not_disturb=1&";
  write_back_.Queue(Alice(), Why::kChanged, PhoneSetting{"alice", PhoneDoNotDisturb{true}});
  EXPECT_EQ(RunToAdoptions().size(), 1u);
}

TEST_F(PhoneChangesTest, WhatCannotBeAdoptedNowStaysAsThePhoneHasIt) {
  phone_changes() = "do_not_disturb=1&";
  asterisk_.values[kFamily + "/dnd"] = "1";
  write_back_.Queue(Alice(), Why::kAgain);
  std::vector<WriteBack::Adoption> adoptions = RunToAdoptions();
  ASSERT_EQ(adoptions.size(), 1u);
  EXPECT_EQ(write_back_.OnAdopted(adoptions[0].ticket, absl::UnavailableError("disk full")),
            std::nullopt);
  asterisk_.Run();
  EXPECT_TRUE(write_back_.idle());
  EXPECT_EQ(Key("dnd"), "1");
  EXPECT_EQ(phone_changes(), "do_not_disturb=1&");
  // The next offer asks again, though it changes nothing.
  write_back_.Queue(Alice(), Why::kChanged);
  adoptions = RunToAdoptions();
  ASSERT_EQ(adoptions.size(), 1u);
  write_back_.OnAdopted(adoptions[0].ticket, absl::OkStatus());
  asterisk_.Run();
  EXPECT_EQ(asterisk_.values.count(kFamily + "/phone_changes"), 0u);
}

TEST_F(PhoneChangesTest, WhatNobodyCanUseIsDeletedAndCounted) {
  phone_changes() =
      "do_not_disturb=perhaps&forward/busy=1;drop&=&forward/never=1&selected_device=x";
  write_back_.Queue(Alice(), Why::kAgain);
  EXPECT_THAT(RunToAdoptions(), IsEmpty());
  EXPECT_EQ(write_back_.probe().malformed_phone_settings.value(), 5u);
  EXPECT_EQ(asterisk_.values.count(kFamily + "/phone_changes"), 0u);

  phone_changes() = "selected_device=webrtc&";
  write_back_.Queue(Alice(), Why::kAgain);
  const std::vector<WriteBack::Adoption> adoptions = RunToAdoptions();
  ASSERT_EQ(adoptions.size(), 1u);
  EXPECT_EQ(write_back_.OnAdopted(adoptions[0].ticket, absl::FailedPreconditionError("no line")),
            "alice");
  asterisk_.Run();
  EXPECT_EQ(write_back_.probe().rejected_phone_settings.value(), 1u);
  EXPECT_EQ(asterisk_.values.count(kFamily + "/phone_changes"), 0u);
}

TEST_F(PhoneChangesTest, AnAdoptionThatOutlivesTheLinkOrTheNumberIsIgnored) {
  phone_changes() = "do_not_disturb=1&";
  write_back_.Queue(Alice(), Why::kAgain);
  std::vector<WriteBack::Adoption> adoptions = RunToAdoptions();
  asterisk_.Cut();
  EXPECT_EQ(write_back_.OnAdopted(adoptions[0].ticket, absl::OkStatus()), std::nullopt);

  write_back_.Queue(Alice(), Why::kAgain);
  adoptions = RunToAdoptions();
  write_back_.Queue(Gone(), Why::kChanged);
  asterisk_.Run();
  EXPECT_EQ(write_back_.OnAdopted(adoptions[0].ticket, absl::OkStatus()), std::nullopt);
  EXPECT_THAT(asterisk_.values, IsEmpty());
}

TEST(PhoneSettingsTest, AreParsedStrictly) {
  EXPECT_EQ(ParsePhoneSetting("alice", "forward/no_answer", ""),
            (PhoneSetting{"alice", PhoneForward{ForwardingCondition::kNoAnswer, ""}}));
  EXPECT_EQ(ParsePhoneSetting("alice", "forward/unconditional", "+33123"),
            (PhoneSetting{"alice", PhoneForward{ForwardingCondition::kUnconditional, "+33123"}}));
  EXPECT_EQ(ParsePhoneSetting("alice", "do_not_disturb", "0"),
            (PhoneSetting{"alice", PhoneDoNotDisturb{false}}));
  EXPECT_EQ(ParsePhoneSetting("", "do_not_disturb", "0"), std::nullopt);
  EXPECT_EQ(ParsePhoneSetting("alice", "do_not_disturb", ""), std::nullopt);
  EXPECT_EQ(ParsePhoneSetting("alice", "forward/busy", "12 34"), std::nullopt);
  EXPECT_EQ(ParsePhoneSetting("alice", "interface", "PJSIP/mallory"), std::nullopt);
}

}  // namespace
}  // namespace unipresence::pbx
