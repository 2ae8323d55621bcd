#include "aggregator/pbx/resync.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "absl/status/status.h"
#include "tests/unit/pbx/pbx_driver.h"

namespace unipresence::pbx {
namespace {

using Step = Resync::Step;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

ami::ActionReply Closing(const std::string& text) {
  ami::ActionReply reply;
  reply.success = true;
  reply.message = ami::Message(text);
  return reply;
}

ami::ActionReply Error(std::string_view text) {
  ami::ActionReply reply;
  reply.text = text;
  return reply;
}

const std::string kNothing = Text({{"Event", "Complete"}, {"ListItems", "0"}});

TEST(ResyncTest, NamesOneActionAfterTheOther) {
  Resync resync;
  EXPECT_EQ(resync.NextAction(), std::nullopt);
  ASSERT_TRUE(resync.Start(ResyncKind::kResync));
  EXPECT_FALSE(resync.Start(ResyncKind::kReconcile));
  std::vector<std::string> names;
  ami::ActionToken token = 10;
  while (const auto action = resync.NextAction()) {
    names.emplace_back(action->name);
    EXPECT_EQ(action->list, action->name != "Ping");
    resync.Sent(++token);
    EXPECT_EQ(resync.NextAction(), std::nullopt);
    EXPECT_TRUE(resync.OnReply(token, Closing(kNothing)));
  }
  EXPECT_THAT(names, ElementsAre("PJSIPShowEndpoints", "DeviceStateList", "PJSIPShowContacts",
                                 "CoreShowChannels", "Status", "Ping"));
  EXPECT_FALSE(resync.running());
  EXPECT_THAT(resync.errors(), IsEmpty());
}

TEST(ResyncTest, AnActionIsOfferedUntilItIsSent) {
  Resync resync;
  resync.Start(ResyncKind::kResync);
  EXPECT_EQ(resync.NextAction()->name, "PJSIPShowEndpoints");
  EXPECT_EQ(resync.NextAction()->name, "PJSIPShowEndpoints");
  resync.Sent(1);
  EXPECT_EQ(resync.NextAction(), std::nullopt);
}

TEST(ResyncTest, TakesOnlyRowsAndAnswersOfTheRunningStep) {
  Resync resync;
  EXPECT_FALSE(resync.TakeRow(1));
  resync.Start(ResyncKind::kReconcile);
  EXPECT_FALSE(resync.TakeRow(0));
  resync.Sent(1);
  EXPECT_TRUE(resync.TakeRow(1));
  EXPECT_FALSE(resync.TakeRow(2));
  EXPECT_EQ(resync.OnReply(2, Closing(kNothing)), std::nullopt);
  EXPECT_EQ(resync.rows(), 1u);
  EXPECT_EQ(resync.step(), Step::kEndpoints);
}

TEST(ResyncTest, AListThatLacksARowIsNotComplete) {
  Resync resync;
  resync.Start(ResyncKind::kResync);
  resync.Sent(1);
  resync.TakeRow(1);
  // Whether Asterisk counts or not.
  const std::string text = Text({{"Event", "EndpointListComplete"}});
  ami::ActionReply closing = Closing(text);
  closing.skipped_rows = 1;
  EXPECT_FALSE(resync.OnReply(1, closing)->complete);
  EXPECT_THAT(
      resync.errors(),
      ElementsAre(ListError{"PJSIPShowEndpoints", "1 rows were beyond the limits of a message"}));
}

TEST(ResyncTest, ErrorsArePrintable) {
  Resync resync;
  resync.Start(ResyncKind::kResync);
  resync.Sent(1);
  resync.OnReply(1, Error("no \x1b[2J\n\xe9 way"));
  resync.Sent(2);
  resync.OnReply(2, absl::DeadlineExceededError("action DeviceStateList: no answer"));
  EXPECT_THAT(resync.errors(),
              ElementsAre(ListError{"PJSIPShowEndpoints", "no \uFFFD[2J\uFFFD\uFFFD way"},
                          ListError{"DeviceStateList", "no answer"}));
}

TEST(ResyncTest, AListIsCompleteWhenAllItsItemsCame) {
  Resync resync;
  resync.Start(ResyncKind::kResync);
  resync.Sent(1);
  resync.TakeRow(1);
  resync.TakeRow(1);
  const std::string two = Text({{"Event", "Complete"}, {"ListItems", "2"}});
  const auto whole = resync.OnReply(1, Closing(two));
  ASSERT_TRUE(whole);
  EXPECT_EQ(whole->step, Step::kEndpoints);
  EXPECT_TRUE(whole->complete);
  resync.Sent(2);
  resync.TakeRow(2);
  EXPECT_FALSE(resync.OnReply(2, Closing(two))->complete);
  EXPECT_THAT(resync.errors(), ElementsAre(ListError{"DeviceStateList", "1 of 2 items came"}));
}

TEST(ResyncTest, GoesOnAfterARefusal) {
  Resync resync;
  resync.Start(ResyncKind::kResync);
  resync.Sent(1);
  EXPECT_FALSE(resync.OnReply(1, Error("Permission denied"))->complete);
  EXPECT_EQ(resync.NextAction()->name, "DeviceStateList");
  EXPECT_THAT(resync.errors(), ElementsAre(ListError{"PJSIPShowEndpoints", "Permission denied"}));
  resync.Sent(2);
  EXPECT_FALSE(resync.OnReply(2, absl::DeadlineExceededError("no answer"))->complete);
  EXPECT_EQ(resync.NextAction()->name, "PJSIPShowContacts");
}

TEST(ResyncTest, AnEmptyListMayBeAnError) {
  for (const std::string_view text : {"No Contacts found\n", "No endpoints found"}) {
    Resync resync;
    resync.Start(ResyncKind::kResync);
    resync.Sent(1);
    EXPECT_TRUE(resync.OnReply(1, Error(text))->complete) << text;
    EXPECT_THAT(resync.errors(), IsEmpty());
  }
}

TEST(ResyncTest, IsGivenUpWithTheLink) {
  Resync resync;
  resync.Start(ResyncKind::kResync);
  resync.Sent(1);
  EXPECT_EQ(resync.OnReply(1, absl::UnavailableError("the link is lost")), std::nullopt);
  EXPECT_FALSE(resync.running());
  EXPECT_TRUE(resync.Start(ResyncKind::kResync));
  // Rows and the answer of the lost link are nobody's.
  EXPECT_FALSE(resync.TakeRow(1));
  EXPECT_EQ(resync.OnReply(1, Closing(kNothing)), std::nullopt);
}

TEST(ResyncTest, LeavesOutTheDirectionsIfNoneIsOpen) {
  Resync resync;
  resync.Start(ResyncKind::kResync);
  for (ami::ActionToken token = 1; token <= 4; ++token) {
    resync.SkipDirections();  // not its turn
    resync.Sent(token);
    resync.OnReply(token, Closing(kNothing));
  }
  EXPECT_EQ(resync.NextAction()->name, "Status");
  EXPECT_THAT(resync.skipped(), IsEmpty());
  resync.SkipDirections();
  EXPECT_EQ(resync.NextAction()->name, "Ping");
  EXPECT_THAT(resync.skipped(), ElementsAre("Status"));
}

TEST(ResyncTest, WithoutPjsipThereAreNoEndpointsAndNoContacts) {
  Resync resync;
  resync.Start(ResyncKind::kResync);
  ami::ActionReply refused;
  refused.text = "Invalid/unknown command: X. Use Action: ListCommands to show available commands.";
  for (const bool complete : {true, false, true, false}) {  // states and channels are everywhere
    resync.Sent(1);
    EXPECT_EQ(resync.OnReply(1, refused)->complete, complete);
  }
  EXPECT_EQ(resync.errors().size(), 4u);
}

TEST(ResyncTest, ARefusalWithoutAReasonIsNoted) {
  Resync resync;
  resync.Start(ResyncKind::kResync);
  resync.Sent(1);
  resync.OnReply(1, ami::ActionReply{});
  ASSERT_EQ(resync.errors().size(), 1u);
  EXPECT_EQ(resync.errors()[0].why, "refused without a reason");
}

}  // namespace
}  // namespace unipresence::pbx
