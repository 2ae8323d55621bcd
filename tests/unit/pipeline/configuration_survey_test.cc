#include "aggregator/pipeline/configuration_survey.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "tests/unit/ami/scripted_session.h"

namespace unipresence {
namespace {

using ::testing::AllOf;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using Look = PbxControl::Look;
using Found = absl::StatusOr<std::vector<std::string>>;

constexpr std::string_view kNoAnswer;
constexpr std::string_view kDone = "Response: Success\nActionID: $ID\nMessage: done\n\n";
constexpr std::string_view kDenied =
    "Response: Error\nActionID: $ID\nMessage: Permission denied\n\n";
constexpr std::string_view kList =
    "Response: Success\nActionID: $ID\nEventList: start\nMessage: A list follows\n\n";
constexpr std::string_view kListEnd = "Event: ListEnd\nActionID: $ID\nEventList: Complete\n\n";

std::string Row(const std::string& fields) { return "Event: " + fields + "ActionID: $ID\n\n"; }

// Each action with a part of it by which it is known.
constexpr std::string_view kReadPjsip = "Filename: pjsip.conf\nCategory: unipresence-no-section";
constexpr std::string_view kReadDialplan = "Filename: extensions.conf";
constexpr std::string_view kReadVoicemail = "Filename: voicemail.conf";
constexpr std::string_view kReadObject = "Category: alice";
constexpr std::string_view kEndpoints = "PJSIPShowEndpoints";
constexpr std::string_view kHints = "ExtensionStateList";
constexpr std::string_view kMailbox = "VM_INFO(101@default,exists)";
constexpr std::string_view kReload = "Action: Reload";

ami::PbxConfig Impatient() {
  ami::PbxConfig config = ami::ScriptedSession::DefaultConfig();
  config.times.action = std::chrono::seconds(2);
  return config;
}

class ConfigurationSurveyTest : public ::testing::Test {
 protected:
  using Answers = std::vector<std::pair<std::string_view, std::string>>;

  ConfigurationSurveyTest() {
    asterisk_.GoOnline();
    asterisk_.on_event = [this](const ami::Message& row) {
      survey_.OnRow(row, asterisk_.session().TokenOf(row.Get("ActionID")));
    };
    next_.endpoints = {"alice"};
    next_.hints = {{"unipresence-users-default", "101"}};
    next_.mailboxes = {"101@default"};
  }

  // What is found by an Asterisk that has nothing and says `answers`, or nothing to kNoAnswer.
  Found Find(const Answers& answers = {}, Look look = Look::kAfterReload) {
    std::optional<Found> found;
    asked_.clear();
    int known = asterisk_.actions();
    survey_.Find(asterisk_.session(), next_, former_, look,
                 [&](Found result) { found = std::move(result); });
    for (int step = 0; step < 200 && !found; ++step) {
      if (asterisk_.actions() > known) {
        ++known;
        asked_.push_back(asterisk_.action());
        const std::string answer = AnswerTo(asterisk_.action(), answers);
        if (answer.empty()) {
          asterisk_.Passes(Impatient().times.action);
        } else {
          asterisk_.Says(answer);
        }
      } else {
        asterisk_.clock().Advance(std::chrono::milliseconds(200));
      }
      survey_.Continue();
    }
    return found.value_or(absl::InternalError("it does not end"));
  }

  static std::string AnswerTo(const std::string& action, const Answers& answers) {
    for (const auto& [part, answer] : answers) {
      if (action.find(part) != std::string::npos) return answer;
    }
    const auto none = [](std::string_view text) {
      return "Response: Error\nActionID: $ID\nMessage: " + std::string(text) + "\n\n";
    };
    if (action.find(kEndpoints) != std::string::npos) return none("No endpoints found");
    if (action.find(kHints) != std::string::npos) return none("No dialplan hints are available");
    if (action.find("VM_INFO") != std::string::npos) {
      return "Response: Success\nActionID: $ID\nVariable: VM_INFO\nValue: \n\n";
    }
    return std::string(kDone);
  }

  ami::ScriptedSession asterisk_{Impatient()};
  ConfigurationSurvey survey_{asterisk_.clock()};
  ConfiguredNames next_;
  FormerConfiguration former_;
  std::vector<std::string> asked_;
};

TEST_F(ConfigurationSurveyTest, AnEmptyAsteriskHasNoConflicts) {
  const Found found = Find();
  ASSERT_TRUE(found.ok()) << found.status();
  EXPECT_THAT(*found, IsEmpty());
  for (const std::string_view part : {kReadPjsip, kReadDialplan, kReadVoicemail, kReload,
                                      kReadObject, kEndpoints, kHints, kMailbox}) {
    EXPECT_THAT(asked_, Contains(HasSubstr(std::string(part))));
  }
}

TEST_F(ConfigurationSurveyTest, NamesFromElsewhereAreFound) {
  const Answers kTaken = {
      {kReadObject,
       "Response: Success\nActionID: $ID\nCategory-000000: alice\nLine-000000-000000: "
       "type=aor\n\n"},
      {kHints, std::string(kList) + Row("ExtensionStatus\nContext: default\nExten: 101\n") +
                   std::string(kListEnd)},
      {kMailbox, "Response: Success\nActionID: $ID\nValue: 1\n\n"},
  };
  for (const Look look : {Look::kAfterReload, Look::kAsItIs}) {
    const Found found = Find(kTaken, look);
    ASSERT_TRUE(found.ok()) << found.status();
    EXPECT_THAT(*found, ElementsAre("aor alice", "hint 101@default", "voicemail box 101@default"));
  }
  const Answers kInMemory = {
      {kEndpoints,
       std::string(kList) + Row("EndpointList\nObjectName: alice\n") + std::string(kListEnd)}};
  for (const Look look : {Look::kAfterReload, Look::kAsItIs}) {
    EXPECT_THAT(Find(kInMemory, look).value(), ElementsAre("endpoint alice"));
  }
}

TEST_F(ConfigurationSurveyTest, AsItIsMeansThatNothingIsReloaded) {
  EXPECT_THAT(Find({}, Look::kAsItIs).value(), IsEmpty());
  EXPECT_THAT(asked_, Not(Contains(HasSubstr(std::string(kReload)))));
}

// Who cannot look does not know.
TEST_F(ConfigurationSurveyTest, WhatCannotBeLookedAtIsAnError) {
  const std::string too_long = std::string(kDone.substr(0, kDone.size() - 1)) +
                               "Filler: " + std::string(200'000, 'x') + "\n\n";
  const std::string cut_row = std::string(kList) + "Event: EndpointList\nActionID: $ID\nFiller: " +
                              std::string(200'000, 'x') + "\n\n" + std::string(kListEnd);
  const std::string cancelled =
      std::string(kList) + "Event: ListEnd\nActionID: $ID\nEventList: cancelled\n\n";
  const struct {
    std::string name;
    std::string answer;
    bool of_lists_only;
  } kAnswers[] = {
      {"Permission denied", std::string(kDenied), false},
      {"no answer", std::string(kNoAnswer), false},
      {"beyond the limits", too_long, false},
      {"beyond the limits", cut_row, true},
      {"cancelled", cancelled, true},
  };
  for (const auto& answer : kAnswers) {
    for (const std::string_view step :
         {kReadPjsip, kReadDialplan, kReadVoicemail, kReadObject, kEndpoints, kHints, kMailbox}) {
      if (answer.of_lists_only && step != kEndpoints && step != kHints) continue;
      for (const bool whole : {true, false}) {
        former_.pjsip_whole = former_.dialplan_whole = former_.voicemail_whole = whole;
        const Found found = Find({{step, answer.answer}});
        EXPECT_TRUE(absl::IsFailedPrecondition(found.status()))
            << step << ", " << answer.name << ": " << found.status();
        EXPECT_THAT(found.status().ToString(),
                    AllOf(HasSubstr("nothing was written"), HasSubstr(answer.name)))
            << step;
      }
    }
  }
}

TEST_F(ConfigurationSurveyTest, AFileThatIsNotThereOrForWantOfOursIsNotAskedAbout) {
  const std::string missing = "Response: Error\nActionID: $ID\nMessage: Config file not found\n\n";
  const std::string unfit =
      "Response: Error\nActionID: $ID\nMessage: Config file has invalid format\n\n";
  const struct {
    std::string_view file;
    std::string_view question;
  } kFiles[] = {{kReadPjsip, kEndpoints}, {kReadDialplan, kHints}, {kReadVoicemail, kMailbox}};
  for (const auto& [file, question] : kFiles) {
    former_ = {};
    EXPECT_TRUE(Find({{file, missing}}).ok()) << file;
    EXPECT_THAT(asked_, Not(Contains(HasSubstr(std::string(question)))));
    const Found found = Find({{file, unfit}});
    EXPECT_TRUE(absl::IsFailedPrecondition(found.status())) << file;
    EXPECT_THAT(found.status().ToString(), HasSubstr("cannot read its"));
    former_.pjsip_whole = former_.dialplan_whole = former_.voicemail_whole = false;
    EXPECT_TRUE(Find({{file, unfit}}).ok()) << file;
    EXPECT_THAT(asked_, Not(Contains(HasSubstr(std::string(question)))));
  }
}

// A PBX without voicemail refuses to reload it, which is no matter of names.
TEST_F(ConfigurationSurveyTest, AReloadThatIsRefusedIsNoError) {
  EXPECT_TRUE(Find({{"Module: app_voicemail.so",
                     "Response: Error\nActionID: $ID\n"
                     "Message: No such module\n\n"}})
                  .ok());
}

}  // namespace
}  // namespace unipresence
