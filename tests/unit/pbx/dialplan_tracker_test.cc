#include "aggregator/pbx/dialplan_tracker.h"

#include <gtest/gtest.h>

#include <string>

#include "aggregator/pbx/tracker.h"
#include "tests/unit/pbx/pbx_driver.h"

namespace unipresence::pbx {
namespace {

void Say(Tracker& tracker, const std::string& text) {
  tracker.OnEvent(ami::Message(text), ami::kLiveEvent);
}

std::string Setting(const std::string& setting, const std::string& value) {
  return Text({{"Event", "UserEvent"},
               {"Privilege", "user,all"},
               {"Channel", "PJSIP/alice-00000001"},
               {"Context", "unipresence-change"},
               {"Exten", "s"},
               {"UserEvent", "UnipresenceSetting"},
               {"User", "alice"},
               {"Context", "default"},
               {"Number", "1001"},
               {"Setting", setting},
               {"Value", value}});
}

TEST(DialplanTrackerTest, SettingsAreHandedUpInOrder) {
  Tracker tracker;
  Say(tracker, Setting("do_not_disturb", "1"));
  Say(tracker, Setting("forward/busy", ""));
  const std::vector<ReportedSetting> heard = tracker.dialplan().TakeSettings();
  ASSERT_EQ(heard.size(), 2u);
  EXPECT_EQ(heard[0].context, "default");
  EXPECT_EQ(heard[0].exten, "1001");
  EXPECT_EQ(heard[0].setting, (PhoneSetting{"alice", PhoneDoNotDisturb{true}}));
  EXPECT_EQ(heard[1].setting,
            (PhoneSetting{"alice", PhoneForward{ForwardingCondition::kBusy, ""}}));
  EXPECT_TRUE(tracker.dialplan().TakeSettings().empty());
}

TEST(DialplanTrackerTest, WhatIsNoSettingIsCounted) {
  Tracker tracker;
  Say(tracker, Setting("do_not_disturb", "yes"));
  Say(tracker, Setting("password", "1234"));
  EXPECT_TRUE(tracker.dialplan().TakeSettings().empty());
  EXPECT_EQ(tracker.probe().malformed_events.value(), 2u);
}

TEST(DialplanTrackerTest, OutcomesAreCountedByName) {
  Tracker tracker;
  for (const std::string outcome : {"FORWARDED", "NOT_REGISTERED", "FORWARDED", "SOMETHING_ELSE"}) {
    Say(tracker,
        Text({{"Event", "UserEvent"}, {"UserEvent", "UnipresenceOutcome"}, {"Outcome", outcome}}));
  }
  Say(tracker, Text({{"Event", "UserEvent"}, {"UserEvent", "Somebody elses"}}));
  const auto& outcomes = tracker.probe().dialplan_outcomes;
  EXPECT_EQ(outcomes[static_cast<std::size_t>(DialplanOutcome::kForwarded)].value(), 2u);
  EXPECT_EQ(outcomes[static_cast<std::size_t>(DialplanOutcome::kNotRegistered)].value(), 1u);
  EXPECT_EQ(outcomes[static_cast<std::size_t>(DialplanOutcome::kOther)].value(), 1u);
  EXPECT_EQ(ToString(DialplanOutcome::kForwarded), "FORWARDED");
}

}  // namespace
}  // namespace unipresence::pbx
