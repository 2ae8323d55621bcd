#include "aggregator/engine/routing_backlog.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/testing/fake_clock.h"

namespace unipresence {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

class RoutingBacklogTest : public ::testing::Test {
 protected:
  // A user with a deskphone.
  UserIndex Add(const std::string& id, const std::string& exten, PbxIndex pbx) {
    const UserIndex index = users_.Add(id);
    User user;
    user.id = id;
    user.exten = exten;
    user.context = "default";
    routings_.Set(index, user);
    users_[index].line_count = 1;
    users_[index].first_line = users_.AllocateLines(1);
    LineRecord& line = users_.line(users_[index].first_line);
    line = LineRecord{};
    line.user = index;
    line.device = devices_.Intern(pbx, "PJSIP/" + id);
    return index;
  }

  // "exten user", "again" or "removed" behind it.
  std::vector<std::string> TakeAll(PbxIndex pbx) {
    std::vector<std::string> taken;
    while (backlog_.Take(pbx, [&](const Routing& routing, bool again) {
      taken.push_back(std::string(routing.exten) + " " + std::string(routing.user) +
                      (again ? " again" : "") + (routing.removed ? "removed" : ""));
    })) {
    }
    return taken;
  }

  testing::FakeClock clock_;
  DeviceTable devices_;
  PbxTable pbxs_{devices_, clock_};
  const PbxIndex main_ = pbxs_.Add("main", "127.0.0.1:5038");
  const PbxIndex branch_ = pbxs_.Add("branch", "127.0.0.2:5038");
  UserTable users_;
  RoutingTable routings_;
  RoutingBacklog backlog_{users_, devices_, pbxs_, routings_};
};

TEST_F(RoutingBacklogTest, APbxThatWasNeverToldHasNothingWaiting) {
  EXPECT_TRUE(backlog_.queue(branch_).empty());
  const UserIndex alice = Add("alice", "1001", main_);
  backlog_.Mark(alice, CauseKind::kSelectDevice);
  EXPECT_TRUE(backlog_.queue(main_).empty()) << "nobody takes it before the first round";
  EXPECT_FALSE(backlog_.Waits(main_, "alice"));
  EXPECT_THAT(TakeAll(main_), IsEmpty());
}

TEST_F(RoutingBacklogTest, WhoIsMarkedOftenIsTakenOnceByHisPbxAlone) {
  backlog_.StartRound(main_);
  backlog_.StartRound(branch_);
  const UserIndex alice = Add("alice", "1001", main_);
  backlog_.Mark(alice, CauseKind::kSelectDevice);
  backlog_.Mark(alice, CauseKind::kSetForwarding);
  EXPECT_TRUE(backlog_.Waits(main_, "alice"));
  EXPECT_FALSE(backlog_.Waits(branch_, "alice"));
  EXPECT_THAT(TakeAll(branch_), IsEmpty());
  EXPECT_THAT(TakeAll(main_), ElementsAre("1001 alice"));
  EXPECT_FALSE(backlog_.Waits(main_, "alice"));
}

TEST_F(RoutingBacklogTest, RemovedNumbersComeFirstThenChangesThenTheRound) {
  const UserIndex alice = Add("alice", "1001", main_);
  const UserIndex bob = Add("bob", "1002", main_);
  Add("carol", "1003", branch_);
  backlog_.StartRound(main_);
  backlog_.Mark(bob, CauseKind::kSelectDevice);
  backlog_.MarkNumberRemoved(alice);
  EXPECT_EQ(backlog_.queue(main_).changed(), 2u);
  EXPECT_THAT(TakeAll(main_),
              ElementsAre("1001 removed", "1002 bob", "1001 alice again", "1002 bob again"));
}

TEST_F(RoutingBacklogTest, ANumberIsNotRemovedWhereALineIsKept) {
  const UserIndex alice = Add("alice", "1001", main_);
  const std::vector<Line> kept = {{LineKind::kDeskphone, "main", "PJSIP/other"}};
  backlog_.MarkNumberRemoved(alice, kept);
  EXPECT_TRUE(backlog_.queue(main_).empty());
}

TEST_F(RoutingBacklogTest, AClosedQueueForgetsChangesAndKeepsRemovedNumbers) {
  const UserIndex alice = Add("alice", "1001", main_);
  backlog_.StartRound(main_);
  backlog_.Mark(alice, CauseKind::kSelectDevice);
  backlog_.MarkNumberRemoved(alice);
  backlog_.Close(main_);
  EXPECT_FALSE(backlog_.Waits(main_, "alice"));
  EXPECT_THAT(TakeAll(main_), ElementsAre("1001 removed"));
}

TEST_F(RoutingBacklogTest, WhatIsReadIsOfUsersWithALineThere) {
  Add("alice", "1001", main_);
  EXPECT_TRUE(backlog_.Read(main_, "alice", [](const Routing& routing, bool) {
    EXPECT_EQ(routing.exten, "1001");
    EXPECT_EQ(routing.devices[LineKind::kDeskphone], "PJSIP/alice");
  }));
  EXPECT_FALSE(backlog_.Read(branch_, "alice", [](const Routing&, bool) {}));
  EXPECT_FALSE(backlog_.Read(main_, "nobody", [](const Routing&, bool) {}));
}

}  // namespace
}  // namespace unipresence
