#include "aggregator/pbx/mailbox_table.h"

#include <gtest/gtest.h>

#include "tests/unit/pbx/pbx_driver.h"

namespace unipresence::pbx {
namespace {

TEST(MailboxTableTest, CountsComeFromEventsAndAnswers) {
  MailboxTable table(10);
  EXPECT_EQ(table.Find("1000@default"), std::nullopt);
  // The channel is that of the caller who left the message.
  EXPECT_TRUE(table.OnCounts(ami::Message(Text({{"Event", "MessageWaiting"},
                                                {"Channel", "PJSIP/carol-00000000"},
                                                {"Mailbox", "1000@default"},
                                                {"Waiting", "1"},
                                                {"New", "2"},
                                                {"Old", "1"}}))));
  EXPECT_EQ(table.Find("1000@default"), (MailboxCounts{2, 1}));
  const std::string answer = Text({{"Response", "Success"},
                                   {"Message", "Mailbox Message Count"},
                                   {"Mailbox", "1000@default"},
                                   {"UrgMessages", "0"},
                                   {"NewMessages", "0"},
                                   {"OldMessages", "3"}});
  EXPECT_TRUE(table.OnCounts(ami::Message(answer)));
  EXPECT_FALSE(table.OnCounts(ami::Message(answer)));
  EXPECT_EQ(table.Find("1000@default"), (MailboxCounts{0, 3}));
  EXPECT_EQ(table.size(), 1u);
}

TEST(MailboxTableTest, CountsWhatItCannotTake) {
  MailboxTable table(1);
  const auto waiting = [](std::string mailbox, std::string count) {
    return Text({{"Event", "MessageWaiting"},
                 {"Mailbox", std::move(mailbox)},
                 {"New", std::move(count)},
                 {"Old", "0"}});
  };
  for (const auto& [mailbox, count] :
       {std::pair("", "1"), std::pair("1@default", ""), std::pair("1@default", "-1"),
        std::pair("1@default", "1x"), std::pair("1@default", "99999999999")}) {
    EXPECT_FALSE(table.OnCounts(ami::Message(waiting(mailbox, count)))) << mailbox << count;
  }
  EXPECT_EQ(table.malformed(), 5u);
  EXPECT_TRUE(table.OnCounts(ami::Message(waiting("1@default", "1"))));
  EXPECT_FALSE(table.OnCounts(ami::Message(waiting("2@default", "1"))));
  EXPECT_EQ(table.rejected(), 1u);
  EXPECT_EQ(table.size(), 1u);
}

}  // namespace
}  // namespace unipresence::pbx
