#include "aggregator/pbx/mailbox_counts.h"

#include <gtest/gtest.h>

#include "tests/unit/pbx/pbx_driver.h"

namespace unipresence::pbx {
namespace {

TEST(MailboxCountsTest, ComeFromEventsWhateverChannelLeftTheMessage) {
  const std::string event = Text({{"Event", "MessageWaiting"},
                                  {"Channel", "PJSIP/carol-00000000"},
                                  {"Mailbox", "1000@default"},
                                  {"Waiting", "1"},
                                  {"New", "2"},
                                  {"Old", "1"}});
  EXPECT_EQ(
      ParseMailboxCounts(ami::Message(event), CauseKind::kResync),
      (MailboxChange{.cause = CauseKind::kResync, .counts = {2, 1}, .mailbox = "1000@default"}));
}

TEST(MailboxCountsTest, UrgentMessagesOfAnAnswerAreNewOnes) {
  const std::string answer = Text({{"Response", "Success"},
                                   {"Message", "Mailbox Message Count"},
                                   {"Mailbox", "1000@default"},
                                   {"UrgMessages", "2"},
                                   {"NewMessages", "1"},
                                   {"OldMessages", "3"}});
  EXPECT_EQ(
      ParseMailboxCounts(ami::Message(answer), CauseKind::kReconcile),
      (MailboxChange{.cause = CauseKind::kReconcile, .counts = {3, 3}, .mailbox = "1000@default"}));
}

TEST(MailboxCountsTest, WhatIsNoCountIsNone) {
  for (const auto& [mailbox, count] :
       {std::pair("", "1"), std::pair("1@default", ""), std::pair("1@default", "-1"),
        std::pair("1@default", "1x"), std::pair("1@default", "99999999999")}) {
    const std::string event =
        Text({{"Event", "MessageWaiting"}, {"Mailbox", mailbox}, {"New", count}, {"Old", "0"}});
    EXPECT_FALSE(ParseMailboxCounts(ami::Message(event), CauseKind::kResync)) << mailbox << count;
  }
}

}  // namespace
}  // namespace unipresence::pbx
