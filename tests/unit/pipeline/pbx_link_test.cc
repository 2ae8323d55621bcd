// A link on virtual time: the lists that make its beginning, the checks that mend what was missed,
// and what phones change.

#include "aggregator/pipeline/pbx_link.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "aggregator/ami/message.h"
#include "fmt/format.h"
#include "tests/testing/users.h"
#include "tests/unit/pipeline/site.h"

namespace unipresence {
namespace {

using std::chrono::minutes;
using std::chrono::seconds;
using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr char kFamily[] = "unipresence/default/1000/";

std::string StateRow(const std::string& device, const std::string& state) {
  return fmt::format("Event: DeviceStateChange\r\nDevice: {}\r\nState: {}\r\n", device, state);
}

std::string StateEvent(const std::string& device, const std::string& state) {
  return fmt::format(
      "Event: DeviceStateChange\r\nPrivilege: call,all\r\nDevice: {}\r\nState: {}\r\n\r\n", device,
      state);
}

std::string SettingEvent(const std::string& setting, const std::string& value) {
  return fmt::format(
      "Event: UserEvent\r\nPrivilege: user,all\r\nUserEvent: UnipresenceSetting\r\nUser: alice\r\n"
      "Context: default\r\nNumber: 1000\r\nSetting: {}\r\nValue: {}\r\n\r\n",
      setting, value);
}

class PbxLinkTest : public ::testing::Test {
 protected:
  // Alice has a deskphone and no browser. `words` are the state as endpoints show it.
  void ListAlice(const std::string& state, const std::string& words) {
    site_->asterisk().lists = {
        {"PJSIPShowEndpoints",
         {"Event: EndpointList\r\nObjectName: alice\r\nContacts: alice/sip:192.0.2.1,\r\n"
          "DeviceState: " +
          words + "\r\n"}},
        {"DeviceStateList", {StateRow("PJSIP/alice", state)}},
        {"PJSIPShowContacts",
         {"Event: ContactList\r\nEndpoint: alice\r\nUri: sip:192.0.2.1\r\nStatus: "
          "NonQualified\r\n"}}};
  }

  void Open(PbxOptions options = Site::DefaultPbx()) {
    site_.emplace(std::vector<std::string>{}, std::move(options));
    ListAlice("NOT_INUSE", "Not in use");
    site_->on_action = [this](const std::string& action) {
      const std::string name(ami::Message(action).Get("Action"));
      asked_.push_back(name);
      if (between_ && name == between_->first) {
        // It is sent before the answer is.
        site_->driver().Says(std::exchange(between_, std::nullopt)->second);
      }
      return name != unanswered_;
    };
    Turn::Hooks hooks;
    hooks.adopt = [this](Core& core, const PhoneSetting& setting,
                         absl::AnyInvocable<void(absl::Status) &&> done) {
      ++adopted_;
      const auto* do_not_disturb = std::get_if<PhoneDoNotDisturb>(&setting.value);
      ASSERT_NE(do_not_disturb, nullptr);
      std::move(done)(core.engine.SetDoNotDisturb(setting.user, do_not_disturb->on));
    };
    site_->Open(
        [](Core& core) {
          EXPECT_TRUE(core.engine.AddUser(testing::UniqueAccount("alice", "1000"), {}).ok());
        },
        std::move(hooks));
  }

  Site& site() { return *site_; }
  const PbxStatus& status() { return site_->engine().pbxs()[site_->pbx()]; }
  // "AVAILABLE", "AVAILABLE stale", "AVAILABLE undisturbed".
  std::string Alice() {
    std::string text;
    site_->engine().Read("alice", [&](const PresenceSource::Entry& entry) {
      text = ToString(entry.presence.state);
      if (entry.presence.stale) text += " stale";
      if (entry.presence.do_not_disturb) text += " undisturbed";
    });
    return text;
  }

  // Keeps the report of a reconcile.
  void Reconcile(const std::string& pbx = "main") {
    site_->Run([&](Core& core) {
      core.pbx_control->Reconcile(pbx, [this](absl::StatusOr<ReconcileReport> report) {
        reports_.push_back(std::move(report));
      });
    });
  }

  std::optional<Site> site_;
  std::vector<std::string> asked_;  // names of actions
  std::string unanswered_;          // no answer to actions of that name
  // What is said once before the answer to the first action of that name.
  std::optional<std::pair<std::string, std::string>> between_;
  std::vector<absl::StatusOr<ReconcileReport>> reports_;
  int adopted_ = 0;
};

// --- Resync ------------------------------------------------------------------------------------

TEST_F(PbxLinkTest, ListsAreAskedForOneAfterTheOtherAndEndWithAPing) {
  PbxOptions options = Site::DefaultPbx();
  options.write_back = false;
  Open(options);
  EXPECT_EQ(Alice(), "UNKNOWN stale");
  site().Connect();
  EXPECT_THAT(asked_, ElementsAre("Login", "CoreSettings", "PJSIPShowEndpoints", "DeviceStateList",
                                  "PJSIPShowContacts", "CoreShowChannels", "Ping"))
      << "without calls nobody need ask who began them";
  EXPECT_EQ(status().link, LinkState::kSynced);
  EXPECT_EQ(status().version, "22.10.1");
  EXPECT_EQ(Alice(), "AVAILABLE");
  EXPECT_EQ(site().link().probe().resyncs.value(), 1u);
}

TEST_F(PbxLinkTest, UntilTheLastListIsCompleteTheUsersAreStale) {
  Open();
  unanswered_ = "CoreShowChannels";
  site().Connect();
  EXPECT_EQ(status().link, LinkState::kSyncing);
  EXPECT_EQ(Alice(), "UNKNOWN stale") << "what lists change is not published before their end";
}

TEST_F(PbxLinkTest, ALiveEventBetweenTheListsIsNewerThanTheRowsBeforeIt) {
  Open();
  between_.emplace("PJSIPShowContacts", StateEvent("PJSIP/alice", "INUSE"));
  site().Connect();
  EXPECT_EQ(Alice(), "IN_USE");
}

TEST_F(PbxLinkTest, AListWithoutAnAnswerIsGivenUpAndTheOthersAreAskedFor) {
  Open();
  unanswered_ = "CoreShowChannels";
  site().Connect();
  EXPECT_EQ(status().link, LinkState::kSyncing);
  site().Passes(seconds(11));
  EXPECT_EQ(status().link, LinkState::kSynced);
  EXPECT_EQ(site().link().probe().list_errors.value(), 1u);
  EXPECT_EQ(Alice(), "AVAILABLE");
}

TEST_F(PbxLinkTest, AListThatIsRefusedIsComplainedOfUntilItComesWhole) {
  Open();
  site().asterisk().denied["CoreShowChannels"] = "Permission denied";
  site().Connect();
  EXPECT_EQ(status().link, LinkState::kSynced);
  EXPECT_EQ(site().link().probe().list_errors.value(), 1u);
  EXPECT_THAT(site().engine().pbxs().facts(site().pbx()).list_errors,
              ElementsAre(HasSubstr("CoreShowChannels")));
  site().asterisk().denied.clear();
  site().Cut();
  site().Connect();
  EXPECT_THAT(site().engine().pbxs().facts(site().pbx()).list_errors, IsEmpty());
}

TEST_F(PbxLinkTest, ALinkThatIsLostAmongTheListsBeginsAnew) {
  Open();
  unanswered_ = "PJSIPShowContacts";
  site().Connect();
  site().Cut();
  EXPECT_EQ(status().link, LinkState::kDown);
  EXPECT_EQ(Alice(), "UNKNOWN stale");
  unanswered_.clear();
  asked_.clear();
  site().Connect();
  EXPECT_EQ(status().link, LinkState::kSynced);
  EXPECT_EQ(Alice(), "AVAILABLE");
  EXPECT_EQ(std::count(asked_.begin(), asked_.end(), "PJSIPShowEndpoints"), 1);
  EXPECT_EQ(site().link().probe().resyncs.value(), 1u);
}

TEST_F(PbxLinkTest, WhatWasBeforeALostLinkIsKeptAndThenComparedWithTheLists) {
  Open();
  site().Connect();
  site().Says(StateEvent("PJSIP/alice", "INUSE"));
  site().Cut();
  EXPECT_EQ(Alice(), "IN_USE stale");
  site().asterisk().lists.clear();
  site().Connect();
  EXPECT_EQ(Alice(), "UNKNOWN") << "a device that no list names is gone";
}

TEST_F(PbxLinkTest, AnAsteriskThatBootsIsListedOnceItIsBooted) {
  Open();
  site().asterisk().booted = false;
  site().Connect();
  EXPECT_THAT(asked_, ElementsAre("Login"));
  EXPECT_EQ(status().link, LinkState::kDown);
  site().Says(testing::ScriptedAsterisk::kFullyBooted);
  EXPECT_EQ(status().link, LinkState::kSynced);
  EXPECT_EQ(Alice(), "AVAILABLE");
}

// --- Reconcile ---------------------------------------------------------------------------------

TEST_F(PbxLinkTest, AReconcileCorrectsWhatWasMissedAndCountsIt) {
  Open();
  site().Connect();
  site().Passes(seconds(2));
  ListAlice("INUSE", "In use");  // its event was lost
  Reconcile();
  site().Passes(seconds(2));
  ASSERT_EQ(reports_.size(), 1u);
  ASSERT_TRUE(reports_[0].ok()) << reports_[0].status();
  EXPECT_EQ(reports_[0]->corrections, 1u);
  EXPECT_THAT(reports_[0]->corrected_users, ElementsAre("alice"));
  EXPECT_EQ(reports_[0]->rewrites, 0u);
  EXPECT_EQ(Alice(), "IN_USE");
  Reconcile();
  site().Passes(seconds(2));
  ASSERT_EQ(reports_.size(), 2u);
  EXPECT_EQ(reports_[1]->corrections, 0u);
}

TEST_F(PbxLinkTest, AReconcileWritesAgainWhatSomebodyElseWrote) {
  Open();
  site().Connect();
  site().Passes(seconds(2));
  const std::string key = std::string(kFamily) + "interface";
  ASSERT_EQ(site().asterisk().database[key], "PJSIP/alice");
  site().asterisk().database[key] = "PJSIP/mallory";
  Reconcile();
  site().Passes(seconds(2));
  ASSERT_EQ(reports_.size(), 1u);
  EXPECT_EQ(reports_[0]->rewrites, 1u);
  EXPECT_EQ(site().asterisk().database[key], "PJSIP/alice");
}

TEST_F(PbxLinkTest, AReconcileIsRefusedOrAnsweredOnceWhateverHappens) {
  Open();
  Reconcile("nowhere");
  Reconcile();  // the link is down
  site().Connect();
  unanswered_ = "CoreShowChannels";
  Reconcile();
  Reconcile();  // one runs
  site().Passes(seconds(1));
  site().Cut();
  std::vector<absl::StatusCode> codes;
  for (const auto& report : reports_) codes.push_back(report.status().code());
  EXPECT_THAT(codes,
              ElementsAre(absl::StatusCode::kNotFound, absl::StatusCode::kUnavailable,
                          absl::StatusCode::kResourceExhausted, absl::StatusCode::kUnavailable));
}

TEST_F(PbxLinkTest, AServerThatStopsAnswersTheReconcileThatRuns) {
  Open();
  site().Connect();
  unanswered_ = "CoreShowChannels";
  Reconcile();
  site().Passes(seconds(1));
  site().Run([](Core& core) { core.pbx_control->AbandonReconciles(); });
  ASSERT_EQ(reports_.size(), 1u);
  EXPECT_EQ(reports_[0].status().code(), absl::StatusCode::kCancelled);
}

TEST_F(PbxLinkTest, EveryFiveMinutesItIsListedAgain) {
  Open();
  site().Connect();
  ListAlice("INUSE", "In use");
  site().Passes(minutes(5) - seconds(1));
  EXPECT_EQ(site().link().probe().reconciles.value(), 0u);
  EXPECT_EQ(Alice(), "AVAILABLE");
  site().Passes(seconds(2));
  EXPECT_EQ(site().link().probe().reconciles.value(), 1u);
  EXPECT_EQ(Alice(), "IN_USE");
  EXPECT_EQ(status().corrections, 1u);
}

TEST_F(PbxLinkTest, ANewUsersDevicesAreListedSoon) {
  Open();
  site().Connect();
  site().asterisk().lists["DeviceStateList"].push_back(StateRow("PJSIP/bob", "INUSE"));
  site().Run([](Core& core) {
    EXPECT_TRUE(core.engine.AddUser(testing::UniqueAccount("bob", "1001"), {}).ok());
  });
  site().Passes(seconds(1));
  EXPECT_EQ(site().link().probe().reconciles.value(), 1u);
}

// --- Adoption ----------------------------------------------------------------------------------

TEST_F(PbxLinkTest, WhatAPhoneChangedIsAdoptedWhenItIsHeard) {
  Open();
  site().Connect();
  site().Passes(seconds(2));
  site().asterisk().database[std::string(kFamily) + "dnd"] = "1";
  site().asterisk().database[std::string(kFamily) + "phone_changes"] = "do_not_disturb=1&";
  site().Says(SettingEvent("do_not_disturb", "1"));
  site().Passes(seconds(1));
  EXPECT_EQ(adopted_, 1);
  EXPECT_EQ(Alice(), "AVAILABLE undisturbed");
  EXPECT_EQ(site().asterisk().database[std::string(kFamily) + "dnd"], "1");
  EXPECT_FALSE(site().asterisk().database.contains(std::string(kFamily) + "phone_changes"));
}

TEST_F(PbxLinkTest, WhatAPhoneChangedUnheardIsFoundAfterTheLists) {
  Open();
  site().Connect();
  site().Passes(seconds(2));
  site().Cut();
  site().asterisk().database[std::string(kFamily) + "dnd"] = "1";
  site().asterisk().database[std::string(kFamily) + "phone_changes"] = "do_not_disturb=1&";
  site().Connect();
  site().Passes(seconds(2));
  EXPECT_EQ(adopted_, 1);
  EXPECT_EQ(Alice(), "AVAILABLE undisturbed");
  EXPECT_FALSE(site().asterisk().database.contains(std::string(kFamily) + "phone_changes"));
}

TEST_F(PbxLinkTest, WithoutWriteBackSettingsAreAdoptedAndNothingIsWritten) {
  PbxOptions options = Site::DefaultPbx();
  options.write_back = false;
  Open(options);
  site().Connect();
  site().Says(SettingEvent("do_not_disturb", "1"));
  EXPECT_EQ(adopted_, 1);
  EXPECT_EQ(Alice(), "AVAILABLE undisturbed");
  site().Passes(seconds(2));
  EXPECT_THAT(site().asterisk().database, IsEmpty());
}

// --- Write-back switched while the link is up ---------------------------------------------------

class WriteBackSwitchTest : public PbxLinkTest {
 protected:
  WriteBackSwitchTest() {
    Open();
    site().Connect();
    site().Passes(seconds(2));
    asked_.clear();
  }

  void Switch(bool on) {
    site().Run([on](Core& core) { EXPECT_TRUE(core.pbx_control->SetWriteBack("main", on).ok()); });
  }
  void SetDoNotDisturb(bool on) {
    site().Run([on](Core& core) { EXPECT_TRUE(core.engine.SetDoNotDisturb("alice", on).ok()); });
  }
  // Counts those that are answered.
  void WaitUntilTold() {
    site().Run([this](Core& core) { core.pbx_control->WhenWritten("alice", [this] { ++told_; }); });
  }
  std::string Stored(const std::string& key) {
    return site().asterisk().database[std::string(kFamily) + key];
  }

  int told_ = 0;
};

TEST_F(WriteBackSwitchTest, OffNothingIsWrittenAndWhatPhonesChangeIsAdopted) {
  Switch(false);
  const auto before = site().asterisk().database;
  SetDoNotDisturb(true);
  WaitUntilTold();
  EXPECT_EQ(told_, 1) << "there is nothing to wait for";
  site().Passes(seconds(2));
  EXPECT_EQ(site().asterisk().database, before);
  EXPECT_THAT(asked_, Each("Ping"));
  SetDoNotDisturb(false);
  site().Says(SettingEvent("do_not_disturb", "1"));
  EXPECT_EQ(adopted_, 1);
  EXPECT_EQ(Alice(), "AVAILABLE undisturbed");
  EXPECT_EQ(site().asterisk().database, before);
}

TEST_F(WriteBackSwitchTest, OnWhatHasChangedMeanwhileIsMended) {
  Switch(false);
  SetDoNotDisturb(true);
  site().asterisk().database[std::string(kFamily) + "interface"] = "PJSIP/mallory";
  site().Passes(seconds(2));
  Switch(true);
  site().Passes(seconds(2));
  EXPECT_EQ(Stored("dnd"), "1");
  EXPECT_EQ(Stored("interface"), "PJSIP/alice");
  WaitUntilTold();
  EXPECT_EQ(told_, 1);
}

TEST_F(WriteBackSwitchTest, OnANoteOfAPhoneIsReadBeforeAnythingIsAsserted) {
  Switch(false);
  site().asterisk().database[std::string(kFamily) + "dnd"] = "1";
  site().asterisk().database[std::string(kFamily) + "phone_changes"] = "do_not_disturb=1&";
  site().Passes(seconds(2));
  Switch(true);
  site().Passes(seconds(2));
  EXPECT_EQ(adopted_, 1);
  EXPECT_EQ(Stored("dnd"), "1");
  EXPECT_FALSE(site().asterisk().database.contains(std::string(kFamily) + "phone_changes"));
}

TEST_F(WriteBackSwitchTest, SwitchedOffWhileTheLinkIsDownItStaysOff) {
  site().Cut();
  Switch(false);
  SetDoNotDisturb(true);
  const auto before = site().asterisk().database;
  site().Connect();
  site().Passes(seconds(2));
  EXPECT_EQ(site().asterisk().database, before);
  site().Cut();
  Switch(true);
  site().Connect();
  site().Passes(seconds(2));
  EXPECT_EQ(Stored("dnd"), "1");
}

// Whatever is on its way when it is switched, its answer is not taken for that of another action.
TEST_F(WriteBackSwitchTest, SwitchedAtAnyMomentItEndsUpRight) {
  PbxControl& control = *site().turn().core().pbx_control;
  for (std::size_t moment = 1; moment <= 20; ++moment) {
    std::size_t actions = 0;
    site().on_action = [&](const std::string&) {
      if (++actions % moment == 0 && actions < 10 * moment) {
        EXPECT_TRUE(control.SetWriteBack("main", false).ok());
        EXPECT_TRUE(control.SetWriteBack("main", true).ok());
      }
      return true;
    };
    const bool on = moment % 2 == 1;
    SetDoNotDisturb(on);
    WaitUntilTold();
    site().Passes(seconds(3));
    EXPECT_EQ(Stored("dnd") == "1", on) << moment;
    EXPECT_EQ(Stored("interface"), "PJSIP/alice") << moment;
    EXPECT_EQ(told_, static_cast<int>(moment)) << moment;
  }
  site().on_action = nullptr;
}

TEST_F(WriteBackSwitchTest, APbxThatIsNotConfiguredIsNotFound) {
  site().Run([](Core& core) {
    EXPECT_TRUE(absl::IsNotFound(core.pbx_control->SetWriteBack("nowhere", false)));
  });
}

// --- Voicemail boxes ---------------------------------------------------------------------------

class MailboxTest : public PbxLinkTest {
 protected:
  // More than are asked about at once.
  static constexpr int kBoxes = 3 * MailboxReader::kMaxInFlight;

  void OpenBoxes() {
    PbxOptions options = Site::DefaultPbx();
    options.write_back = false;
    Open(options);
    site().Run([](Core& core) {
      for (int i = 0; i < kBoxes; ++i) {
        User user = testing::UniqueAccount(i);
        user.voicemail.emplace();
        user.voicemail->number = user.exten;
        EXPECT_TRUE(core.engine.AddUser(user, {}).ok());
      }
    });
  }
  static std::string BoxOf(int i) { return testing::UniqueAccount(i).exten + "@default"; }
  // "2 new, 1 old", "2 new, 1 old, stale".
  std::string Counts(int i) {
    std::string text;
    site().engine().mailboxes().Read(testing::UniqueAccount(i).id, [&](const Mailbox& box) {
      text = fmt::format("{} new, {} old{}", box.counts.new_messages, box.counts.old_messages,
                         box.stale ? ", stale" : "");
    });
    return text;
  }
};

TEST_F(MailboxTest, EveryBoxIsReadAfterTheListsAFewAtATime) {
  OpenBoxes();
  for (int i = 0; i < kBoxes; ++i) site().asterisk().mailboxes[BoxOf(i)] = {i, 1};
  unanswered_ = "MailboxCount";
  site().Connect();
  EXPECT_EQ(std::count(asked_.begin(), asked_.end(), "MailboxCount"), MailboxReader::kMaxInFlight);
  EXPECT_EQ(asked_[asked_.size() - MailboxReader::kMaxInFlight - 1], "Ping");
  unanswered_.clear();
  site().Cut();
  site().Connect();
  site().Passes(seconds(1));
  for (int i = 0; i < kBoxes; ++i) EXPECT_EQ(Counts(i), fmt::format("{} new, 1 old", i));
}

TEST_F(MailboxTest, CountsAreKeptWhileTheLinkIsDownAndReadAgain) {
  OpenBoxes();
  site().asterisk().mailboxes[BoxOf(3)] = {2, 1};
  site().Connect();
  site().Passes(seconds(1));
  site().Says(fmt::format(
      "Event: MessageWaiting\r\nPrivilege: call,all\r\nMailbox: {}\r\nWaiting: 1\r\nNew: 5\r\n"
      "Old: 4\r\n\r\n",
      BoxOf(3)));
  EXPECT_EQ(Counts(3), "5 new, 4 old");
  site().Cut();
  site().Passes(std::chrono::milliseconds(1));
  EXPECT_EQ(Counts(3), "5 new, 4 old, stale");
  site().Connect();
  site().Passes(seconds(1));
  EXPECT_EQ(Counts(3), "2 new, 1 old") << "what happened meanwhile";
}

TEST_F(MailboxTest, ARefusalIsComplainedOfOnceForAllBoxes) {
  OpenBoxes();
  site().asterisk().denied["MailboxCount"] = "Permission denied";
  site().Connect();
  site().Passes(seconds(1));
  EXPECT_EQ(site().link().probe().mailbox_errors.value(), static_cast<std::uint64_t>(kBoxes));
  EXPECT_THAT(site().engine().pbxs().facts(site().pbx()).list_errors,
              ElementsAre(HasSubstr("MailboxCount")));
}

// --- Another configuration -----------------------------------------------------------------------

TEST_F(PbxLinkTest, AnotherAddressBringsTheLinkUpAnew) {
  Open();
  site().Connect();
  PbxOptions options = Site::DefaultPbx();
  options.ami.host = "192.0.2.7";
  ASSERT_TRUE(site().turn().SetPbx(options).ok());
  EXPECT_EQ(Alice(), "AVAILABLE") << "stale once the slice has run";
  EXPECT_EQ(status().link, LinkState::kDown);
  EXPECT_EQ(site().driver().config().host, "192.0.2.7");
  site().Connect();
  EXPECT_EQ(Alice(), "AVAILABLE");
  site().turn().RemovePbx("main");
  EXPECT_EQ(site().turn().FindPbx("main"), nullptr);
}

}  // namespace
}  // namespace unipresence
