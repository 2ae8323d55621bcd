#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "aggregator/engine/engine.h"
#include "tests/testing/fake_clock.h"
#include "tests/testing/recording_sink.h"

namespace unipresence {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

User Person(const std::string& id, const std::string& mailbox) {
  User user;
  user.id = id;
  user.exten = "1" + id;
  user.context = "default";
  user.line_type = LineType::kUniqueAccount;
  user.username = id;
  user.lines = {{LineKind::kWebrtc, "branch", "PJSIP/" + id + "_w"},
                {LineKind::kDeskphone, "main", "PJSIP/" + id}};
  if (mailbox.empty()) return user;
  user.voicemail.emplace();
  user.voicemail->number = mailbox;
  return user;
}

class EngineMailboxesTest : public ::testing::Test {
 protected:
  EngineMailboxesTest() {
    main_ = engine_.pbxs().Add("main", "127.0.0.1:5038");
    branch_ = engine_.pbxs().Add("branch", "127.0.0.2:5038");
  }

  void Add(const User& user) { ASSERT_TRUE(engine_.AddUser(user, {}).ok()); }
  void Work() {
    while (engine_.Sweep(10)) {
    }
  }
  void Sync() {
    engine_.BeginResync(main_, "22");
    engine_.EndResync(main_);
    Work();
  }
  void Lose() {
    engine_.LinkLost(main_, "gone");
    Work();
  }
  void Tell(const std::string& mailbox, MailboxCounts counts,
            CauseKind cause = CauseKind::kResync) {
    engine_.mailboxes().Apply(main_, std::vector<MailboxChange>{{cause, counts, mailbox}});
  }

  // What was published since the last call, as "user mailbox new/old" and "stale".
  std::vector<std::string> Told() {
    std::vector<std::string> told;
    for (const testing::RecordedMailbox& box : sink_.mailboxes) {
      told.push_back(box.user + " " + box.mailbox + " " + std::to_string(box.counts.new_messages) +
                     "/" + std::to_string(box.counts.old_messages) + (box.stale ? " stale" : ""));
      EXPECT_EQ(box.sequence, ++sequence_) << "numbered without a hole";
    }
    EXPECT_EQ(engine_.mailboxes().sequence(), sequence_);
    sink_.mailboxes.clear();
    return told;
  }

  testing::FakeClock clock_;
  testing::RecordingSink sink_;
  Engine engine_{{.epoch = 7}, clock_, sink_};
  PbxIndex main_ = 0;
  PbxIndex branch_ = 0;
  std::uint64_t sequence_ = 0;
};

TEST_F(EngineMailboxesTest, CountsAreToldOnChangeOnly) {
  Add(Person("alice", "1001"));
  EXPECT_THAT(Told(), ElementsAre("alice 1001@default 0/0 stale"));
  Sync();
  EXPECT_THAT(Told(), IsEmpty()) << "nothing was read yet";
  Tell("1001@default", {0, 0});
  EXPECT_THAT(Told(), ElementsAre("alice 1001@default 0/0"));
  Tell("1001@default", {2, 1});
  Tell("1001@default", {2, 1});
  Tell("1002@default", {5, 5});
  EXPECT_THAT(Told(), ElementsAre("alice 1001@default 2/1"));
}

TEST_F(EngineMailboxesTest, WhileTheLinkIsDownTheLastCountsAreStale) {
  Add(Person("alice", "1001"));
  Add(Person("bob", "1002"));
  Sync();
  Tell("1001@default", {2, 1});
  Tell("1002@default", {0, 0});
  Told();
  Lose();
  EXPECT_THAT(Told(), ElementsAre("alice 1001@default 2/1 stale", "bob 1002@default 0/0 stale"));
  Sync();
  EXPECT_THAT(Told(), IsEmpty()) << "stale until they were read again";
  Tell("1001@default", {2, 1});
  Tell("1002@default", {3, 0});
  EXPECT_THAT(Told(), ElementsAre("alice 1001@default 2/1", "bob 1002@default 3/0"));
}

TEST_F(EngineMailboxesTest, TheTimeIsThatOfTheCountsAndNotOfTheLink) {
  Add(Person("alice", "1001"));
  Sync();
  Tell("1001@default", {1, 0});
  const WallTimeMicros then = sink_.mailboxes.back().update_time;
  EXPECT_EQ(then, clock_.WallNow());
  clock_.Advance(std::chrono::seconds(5));
  Lose();
  Sync();
  Tell("1001@default", {1, 0});
  EXPECT_FALSE(sink_.mailboxes.back().stale);
  EXPECT_EQ(sink_.mailboxes.back().update_time, then);
}

TEST_F(EngineMailboxesTest, WhatIsHeardBeforeTheListsEndCounts) {
  Add(Person("alice", "1001"));
  engine_.BeginResync(main_, "22");
  Tell("1001@default", {1, 0});
  Told();
  engine_.EndResync(main_);
  Work();
  EXPECT_THAT(Told(), ElementsAre("alice 1001@default 1/0"));
}

TEST_F(EngineMailboxesTest, ASharedBoxIsEverybodys) {
  Add(Person("alice", "1001"));
  Sync();
  Tell("1001@default", {2, 1});
  Told();
  Add(Person("bob", "1001"));
  EXPECT_THAT(Told(), ElementsAre("bob 1001@default 2/1"));
  Tell("1001@default", {0, 3});
  EXPECT_THAT(Told(), ElementsAre("bob 1001@default 0/3", "alice 1001@default 0/3"));
  std::vector<std::string> asked;
  EXPECT_EQ(engine_.mailboxes().Read(main_, 0, 10,
                                     [&](const Mailbox& box) { asked.emplace_back(box.mailbox); }),
            0u);
  EXPECT_THAT(asked, ElementsAre("1001@default")) << "once";
  ASSERT_TRUE(engine_.RemoveUser("bob").ok());
  EXPECT_THAT(Told(), ElementsAre("bob  0/0"));
  Tell("1001@default", {1, 3});
  EXPECT_THAT(Told(), ElementsAre("alice 1001@default 1/3"));
}

TEST_F(EngineMailboxesTest, ABoxComesAndGoesWithTheUsersRecord) {
  Add(Person("alice", ""));
  Sync();
  engine_.pbxs().TakeListingWanted(main_);
  EXPECT_THAT(Told(), IsEmpty());
  EXPECT_FALSE(engine_.mailboxes().Read("alice", [](const Mailbox&) {}));

  ASSERT_TRUE(engine_.UpdateUser(Person("alice", "1001")).ok());
  EXPECT_TRUE(engine_.pbxs().TakeListingWanted(main_)) << "the counts must be read";
  EXPECT_THAT(Told(), ElementsAre("alice 1001@default 0/0 stale"));
  Tell("1001@default", {2, 0});
  EXPECT_THAT(Told(), ElementsAre("alice 1001@default 2/0"));
  ASSERT_TRUE(engine_.UpdateUser(Person("alice", "1001")).ok());
  EXPECT_THAT(Told(), IsEmpty()) << "the same box";

  ASSERT_TRUE(engine_.UpdateUser(Person("alice", "2001")).ok());
  EXPECT_THAT(Told(), ElementsAre("alice 2001@default 0/0 stale"));
  Tell("1001@default", {9, 9});
  EXPECT_THAT(Told(), IsEmpty());
  ASSERT_TRUE(engine_.UpdateUser(Person("alice", "")).ok());
  EXPECT_THAT(Told(), ElementsAre("alice  0/0"));
  EXPECT_FALSE(engine_.mailboxes().Read("nobody", [](const Mailbox&) {}));
}

TEST_F(EngineMailboxesTest, TheBoxIsOnThePbxOfTheDeskphone) {
  Add(Person("alice", "1001"));
  Add(Person("bob", ""));
  Add(Person("carol", "1003"));
  const auto names = [&](PbxIndex pbx) {
    std::vector<std::string> found;
    std::uint64_t cursor = 0;
    do {
      cursor = engine_.mailboxes().Read(pbx, cursor, 1, [&](const Mailbox& box) {
        found.push_back(std::string(box.mailbox) + " on " + std::string(box.pbx));
      });
    } while (cursor != 0);
    return found;
  };
  EXPECT_THAT(names(main_), ElementsAre("1001@default on main", "1003@default on main"));
  EXPECT_THAT(names(branch_), IsEmpty());
}

TEST_F(EngineMailboxesTest, AReconcileCountsWhatItCorrects) {
  Add(Person("alice", "1001"));
  Sync();
  Tell("1001@default", {1, 0}, CauseKind::kReconcile);
  EXPECT_EQ(engine_.pbxs()[main_].corrections, 0u) << "the first reading corrects nothing";
  Tell("1001@default", {1, 0}, CauseKind::kReconcile);
  EXPECT_EQ(engine_.pbxs()[main_].corrections, 0u);
  Tell("1001@default", {0, 1}, CauseKind::kReconcile);
  EXPECT_EQ(engine_.pbxs()[main_].corrections, 1u);
}

}  // namespace
}  // namespace unipresence
