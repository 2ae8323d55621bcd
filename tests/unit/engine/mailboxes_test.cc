#include "aggregator/engine/mailboxes.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/testing/fake_clock.h"
#include "tests/testing/recording_sink.h"

namespace unipresence {
namespace {

class MailboxesTest : public ::testing::Test {
 protected:
  MailboxesTest() { Sync(); }

  void Sync() {
    pbxs_.BeginResync(main_, "22.10.1");
    pbxs_.EndResync(main_);
  }
  UserIndex Add(const std::string& id) { return users_.Add(id); }
  void Set(UserIndex index, const std::string& number) {
    User user;
    user.id = std::string(users_[index].id.view());
    user.lines = {{LineKind::kDeskphone, "main", "PJSIP/" + user.id}};
    if (!number.empty()) user.voicemail.emplace().number = number;
    writer_.Begin();
    mailboxes_.Set(index, user);
    writer_.End();
  }
  void Tell(const std::string& mailbox, MailboxCounts counts) {
    mailboxes_.Apply(main_, std::vector<MailboxChange>{{CauseKind::kResync, counts, mailbox}});
  }

  testing::FakeClock clock_;
  testing::RecordingSink sink_;
  SinkWriter writer_{clock_, sink_};
  DeviceTable devices_;
  PbxTable pbxs_{devices_, clock_};
  const PbxIndex main_ = pbxs_.Add("main", "127.0.0.1:5038");
  UserTable users_;
  Mailboxes mailboxes_{users_, pbxs_, writer_};
};

TEST_F(MailboxesTest, AReadIsFlushedOnceAndOnlyIfItChangedSomething) {
  Set(Add("alice"), "1001");
  sink_.flushes = 0;
  Tell("1001@default", {2, 1});
  EXPECT_EQ(sink_.flushes, 1);
  Tell("1001@default", {2, 1});
  Tell("9999@default", {1, 0});
  EXPECT_EQ(sink_.flushes, 1);
  EXPECT_EQ(mailboxes_.sequence(), sink_.mailboxes.size());
}

TEST_F(MailboxesTest, ANewBoxHasItsPbxListedUnlessItsCountsAreKnown) {
  Set(Add("alice"), "1001");
  EXPECT_TRUE(pbxs_.TakeListingWanted(main_));
  Tell("1001@default", {2, 1});
  Set(Add("bob"), "1001");
  EXPECT_FALSE(pbxs_.TakeListingWanted(main_));
  EXPECT_TRUE(mailboxes_.Read("bob", [](const Mailbox& box) {
    EXPECT_EQ(box.counts, (MailboxCounts{2, 1}));
    EXPECT_FALSE(box.stale);
  }));
}

TEST_F(MailboxesTest, ARefreshTellsThatALinkIsLostAndCountsOfAnotherLinkAreStale) {
  const UserIndex alice = Add("alice");
  Set(alice, "1001");
  Tell("1001@default", {2, 1});
  pbxs_.LinkLost(main_, "gone");
  sink_.mailboxes.clear();
  mailboxes_.Refresh(alice);
  mailboxes_.Refresh(alice);
  ASSERT_EQ(sink_.mailboxes.size(), 1u);
  EXPECT_TRUE(sink_.mailboxes[0].stale);
  Sync();
  mailboxes_.Refresh(alice);
  EXPECT_EQ(sink_.mailboxes.size(), 1u) << "nothing was read on this link yet";
  Tell("1001@default", {2, 1});
  ASSERT_EQ(sink_.mailboxes.size(), 2u);
  EXPECT_FALSE(sink_.mailboxes[1].stale);
}

TEST_F(MailboxesTest, ABoxThatIsRemovedIsToldWithoutItsName) {
  const UserIndex alice = Add("alice");
  Set(alice, "1001");
  Set(alice, "");
  EXPECT_EQ(sink_.mailboxes.back().user, "alice");
  EXPECT_EQ(sink_.mailboxes.back().mailbox, "");
  EXPECT_FALSE(mailboxes_.Read("alice", [](const Mailbox&) {}));
  const std::size_t told = sink_.mailboxes.size();
  mailboxes_.Remove(alice);
  EXPECT_EQ(sink_.mailboxes.size(), told) << "there is none";
}

}  // namespace
}  // namespace unipresence
