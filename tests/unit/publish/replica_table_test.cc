#include "aggregator/publish/replica_table.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <string>
#include <vector>

#include "tests/unit/publish/mirror.h"

namespace unipresence::publish {
namespace {

using ::testing::IsEmpty;
using Result = ReplicaTable::Result;

v1::PresenceUpdate Change(std::string user, std::uint64_t revision,
                          v1::PresenceState state = v1::PRESENCE_STATE_AVAILABLE) {
  v1::PresenceUpdate update;
  update.mutable_presence()->set_user(user);
  update.mutable_presence()->set_state(state);
  update.mutable_presence()->set_revision(revision);
  return update;
}

v1::PresenceUpdate Removal(std::string user, std::uint64_t revision) {
  v1::PresenceUpdate update;
  update.mutable_removed()->set_user(user);
  update.mutable_removed()->set_revision(revision);
  return update;
}

v1::StreamFrame Frame(std::uint64_t epoch, std::uint64_t first,
                      const std::vector<v1::PresenceUpdate>& updates) {
  v1::StreamFrame frame;
  frame.set_epoch(epoch);
  frame.set_first_sequence(first);
  for (std::size_t i = 0; i < updates.size(); ++i) {
    *frame.add_updates() = updates[i];
    frame.mutable_updates(static_cast<int>(i))->set_sequence(first + i);
  }
  return frame;
}

v1::SnapshotReply Page(std::uint64_t epoch, std::uint64_t sequence,
                       const std::vector<v1::PresenceUpdate>& presences) {
  v1::SnapshotReply page;
  page.set_epoch(epoch);
  page.set_sequence(sequence);
  for (const v1::PresenceUpdate& update : presences) *page.add_presences() = update.presence();
  return page;
}

v1::UserFrame User(std::uint64_t epoch, v1::PresenceUpdate update, std::uint64_t sequence = 0) {
  v1::UserFrame frame;
  frame.set_epoch(epoch);
  update.set_sequence(sequence);
  *frame.mutable_update() = update;
  return frame;
}

class ReplicaTableTest : public ::testing::Test {
 protected:
  // A replica of epoch 1 that is complete at sequence 10 and holds these users.
  void Settle(const std::vector<v1::PresenceUpdate>& presences) {
    ASSERT_EQ(ApplyFrame(table_, Beat(1, 10)), Result::kNewEpoch);
    table_.BeginSnapshot();
    ASSERT_TRUE(table_.ApplyPage(Page(1, 10, presences)));
    table_.EndSnapshot();
    ASSERT_TRUE(table_.current());
  }

  std::map<std::string, std::uint64_t> Revisions() const {
    std::map<std::string, std::uint64_t> revisions;
    table_.ForEach([&](const PresenceValue& value) { revisions[value.user] = value.revision; });
    EXPECT_EQ(revisions.size(), table_.size());
    EXPECT_EQ(revisions.size(), mirror_.values.size());
    return revisions;
  }

  using R = std::map<std::string, std::uint64_t>;
  Mirror mirror_;
  ReplicaTable table_{mirror_};
};

TEST_F(ReplicaTableTest, FramesOfOneEpoch) {
  Settle({Change("a", 1)});
  const struct {
    const char* name;
    v1::StreamFrame frame;
    Result result;
    R revisions;
    std::uint64_t sequence;
  } rows[] = {
      {"no epoch", Frame(0, 11, {Change("a", 9)}), Result::kInvalid, {{"a", 1}}, 10},
      {"heartbeat, nothing new", Beat(1, 10), Result::kApplied, {{"a", 1}}, 10},
      {"the next change", Frame(1, 11, {Change("a", 2)}), Result::kApplied, {{"a", 2}}, 11},
      {"two at once",
       Frame(1, 12, {Change("b", 1), Change("a", 3)}),
       Result::kApplied,
       {{"a", 3}, {"b", 1}},
       13},
      {"the same again",
       Frame(1, 12, {Change("b", 1), Change("a", 3)}),
       Result::kApplied,
       {{"a", 3}, {"b", 1}},
       13},
      {"old and new in one",
       Frame(1, 13, {Change("a", 3), Change("a", 4)}),
       Result::kApplied,
       {{"a", 4}, {"b", 1}},
       14},
      {"removed", Frame(1, 15, {Removal("b", 2)}), Result::kApplied, {{"a", 4}}, 15},
      {"removed, whom nobody knew",
       Frame(1, 16, {Removal("z", 2)}),
       Result::kApplied,
       {{"a", 4}},
       16},
      {"a repetition does not bring back",
       Frame(1, 12, {Change("b", 1)}),
       Result::kApplied,
       {{"a", 4}},
       16},
      {"created again",
       Frame(1, 17, {Change("b", 16)}),
       Result::kApplied,
       {{"a", 4}, {"b", 16}},
       17},
      {"a kind of change of a newer server",
       Frame(1, 18, {v1::PresenceUpdate()}),
       Result::kApplied,
       {{"a", 4}, {"b", 16}},
       18},
      {"an older heartbeat", Beat(1, 3), Result::kApplied, {{"a", 4}, {"b", 16}}, 18},
  };
  for (const auto& row : rows) {
    SCOPED_TRACE(row.name);
    EXPECT_EQ(ApplyFrame(table_, row.frame), row.result);
    EXPECT_EQ(Revisions(), row.revisions);
    EXPECT_EQ(table_.sequence(), row.sequence);
    EXPECT_TRUE(table_.current());
  }
}

TEST_F(ReplicaTableTest, AGapByUpdate) {
  Settle({Change("a", 1), Change("b", 1)});
  EXPECT_EQ(ApplyFrame(table_, Frame(1, 12, {Change("a", 3)})), Result::kGap);
  EXPECT_FALSE(table_.current());
  EXPECT_FALSE(table_.snapshot_done());
  EXPECT_THAT(Revisions(), (R{{"a", 3}, {"b", 1}}));
  EXPECT_EQ(table_.sequence(), 12u);
  EXPECT_EQ(ApplyFrame(table_, Frame(1, 13, {Change("a", 4)})), Result::kApplied);
  // Change 11 removed b.
  table_.BeginSnapshot();
  EXPECT_TRUE(table_.ApplyPage(Page(1, 13, {Change("a", 4)})));
  table_.EndSnapshot();
  EXPECT_THAT(Revisions(), (R{{"a", 4}}));
  EXPECT_TRUE(table_.current());
}

TEST_F(ReplicaTableTest, AGapByHeartbeat) {
  Settle({Change("a", 1)});
  EXPECT_EQ(ApplyFrame(table_, Beat(1, 11)), Result::kGap);
  EXPECT_EQ(table_.sequence(), 11u);
  EXPECT_FALSE(table_.current());
  v1::StreamFrame both = Frame(1, 12, {Change("a", 3)});
  both.mutable_heartbeat()->set_sequence(14);
  EXPECT_EQ(ApplyFrame(table_, both), Result::kGap);
  EXPECT_EQ(table_.sequence(), 14u);
}

TEST_F(ReplicaTableTest, AnUpdateThatCannotBeReadIsLostWithWhatFollowsIt) {
  Settle({Change("a", 1), Change("b", 1), Change("c", 1)});
  const std::string first = Change("a", 2).SerializeAsString();
  const std::string last = Change("c", 2).SerializeAsString();
  StreamFrameView frame;
  frame.epoch = 1;
  frame.first_sequence = 11;
  frame.updates = {first, "\x12\x7f", last};
  EXPECT_EQ(table_.ApplyFrame(frame), Result::kGap);
  EXPECT_THAT(Revisions(), (R{{"a", 2}, {"b", 1}, {"c", 1}}));
  EXPECT_EQ(table_.sequence(), 13u);
  EXPECT_FALSE(table_.current());
}

TEST_F(ReplicaTableTest, AFrameOfMoreUpdatesThanAreReadAtOnce) {
  Settle({});
  std::vector<v1::PresenceUpdate> updates;
  for (std::uint64_t i = 0; i < 50; ++i) {
    updates.push_back(Change("u" + std::to_string(i % 40), 1 + i / 40));
  }
  EXPECT_EQ(ApplyFrame(table_, Frame(1, 11, updates)), Result::kApplied);
  const R revisions = Revisions();
  EXPECT_EQ(revisions.size(), 40u);
  EXPECT_EQ(revisions.at("u9"), 2u);
  EXPECT_EQ(revisions.at("u10"), 1u);
  EXPECT_EQ(table_.sequence(), 60u);
}

TEST_F(ReplicaTableTest, AGapWhileASnapshotIsPulledMakesItWorthless) {
  ApplyFrame(table_, Beat(1, 10));
  table_.BeginSnapshot();
  EXPECT_TRUE(table_.ApplyPage(Page(1, 10, {Change("a", 1)})));
  EXPECT_EQ(ApplyFrame(table_, Frame(1, 12, {Change("b", 2)})), Result::kGap);
  EXPECT_FALSE(table_.snapshot_begun());
  EXPECT_FALSE(table_.ApplyPage(Page(1, 12, {Change("c", 1)})));
  table_.EndSnapshot();
  EXPECT_FALSE(table_.snapshot_done());
  EXPECT_THAT(Revisions(), (R{{"a", 1}, {"b", 2}}));
}

TEST_F(ReplicaTableTest, PagesAndFramesInAnyOrderGiveTheHigherRevision) {
  ApplyFrame(table_, Beat(1, 10));
  table_.BeginSnapshot();
  table_.ApplyPage(Page(1, 12, {Change("late", 2)}));      // the frame of its change comes later
  ApplyFrame(table_, Frame(1, 11, {Change("early", 2)}));  // the page was made before this
  table_.ApplyPage(Page(1, 10, {Change("early", 1)}));
  ApplyFrame(table_, Frame(1, 12, {Change("late", 2)}));
  table_.EndSnapshot();
  EXPECT_THAT(Revisions(), (R{{"early", 2}, {"late", 2}}));
  EXPECT_TRUE(table_.current());
}

TEST_F(ReplicaTableTest, ARemovedUserStaysRemovedThoughAPageStillNamesHim) {
  ApplyFrame(table_, Beat(1, 10));
  table_.BeginSnapshot();
  ApplyFrame(table_, Frame(1, 11, {Removal("gone", 5)}));
  table_.ApplyPage(Page(1, 10, {Change("gone", 4)}));
  EXPECT_THAT(Revisions(), IsEmpty());
  table_.EndSnapshot();
  EXPECT_THAT(Revisions(), IsEmpty());
}

TEST_F(ReplicaTableTest, UsersWhoCameByUpdateMeanwhileSurviveTheSweep) {
  Settle({Change("old", 1), Change("kept", 1)});
  ApplyFrame(table_, Beat(1, 12));  // a gap: "old" was removed
  table_.BeginSnapshot();
  table_.ApplyPage(Page(1, 12, {Change("kept", 1)}));
  ApplyFrame(table_, Frame(1, 13, {Change("new", 1)}));
  table_.EndSnapshot();
  EXPECT_THAT(Revisions(), (R{{"kept", 1}, {"new", 1}}));
}

TEST_F(ReplicaTableTest, IsNotCurrentBeforeTheFramesThatThePagesKnowOf) {
  ApplyFrame(table_, Beat(1, 10));
  table_.BeginSnapshot();
  table_.ApplyPage(Page(1, 12, {Change("a", 2)}));
  table_.EndSnapshot();
  EXPECT_TRUE(table_.snapshot_done());
  EXPECT_FALSE(table_.current());
  ApplyFrame(table_, Frame(1, 11, {Change("a", 1)}));
  EXPECT_FALSE(table_.current());
  ApplyFrame(table_, Frame(1, 12, {Change("a", 2)}));
  EXPECT_TRUE(table_.current());
}

TEST_F(ReplicaTableTest, AnotherEpochDropsEverything) {
  Settle({Change("a", 7), Change("b", 7)});
  EXPECT_EQ(ApplyFrame(table_, Frame(2, 5, {Change("a", 1)})), Result::kNewEpoch);
  EXPECT_EQ(mirror_.resets, 1);
  EXPECT_THAT(Revisions(), (R{{"a", 1}}));
  EXPECT_EQ(table_.epoch(), 2u);
  EXPECT_EQ(table_.sequence(), 5u);
  EXPECT_FALSE(table_.snapshot_done());
  table_.BeginSnapshot();
  EXPECT_FALSE(table_.ApplyPage(Page(1, 10, {Change("a", 7)})));
  EXPECT_TRUE(table_.ApplyPage(Page(2, 5, {Change("a", 1), Change("b", 1)})));
}

TEST_F(ReplicaTableTest, TheFirstEpochIsNoReset) {
  ApplyFrame(table_, Beat(1, 10));
  EXPECT_EQ(mirror_.resets, 0);
}

// --- Followers of some users -------------------------------------------------------------------

class FilteredReplicaTest : public ReplicaTableTest {
 protected:
  Mirror mirror_;
  ReplicaTable table_{mirror_, {"a", "b"}};

  R Revisions() const {
    R revisions;
    for (const auto& [user, value] : mirror_.values) revisions[user] = value.revision;
    return revisions;
  }
};

TEST_F(FilteredReplicaTest, Frames) {
  EXPECT_EQ(ApplyHeartbeat(table_, Beat(1, 10)), Result::kNewEpoch);
  table_.BeginSnapshot();
  v1::SnapshotReply page = Page(1, 10, {Change("a", 3), Change("stranger", 1)});
  page.add_unknown_users("b");
  EXPECT_TRUE(table_.ApplyPage(page));
  table_.EndSnapshot();
  EXPECT_TRUE(table_.current());
  const struct {
    const char* name;
    v1::UserFrame frame;
    R revisions;
  } rows[] = {
      {"no epoch", User(0, Change("a", 9), 11), {{"a", 3}}},
      {"older", User(1, Change("a", 2), 9), {{"a", 3}}},
      {"the next", User(1, Change("a", 4), 12), {{"a", 4}}},
      {"changes were missed", User(1, Change("a", 9), 30), {{"a", 9}}},
      {"not followed", User(1, Change("stranger", 1), 31), {{"a", 9}}},
      {"created", User(1, Change("b", 1), 32), {{"a", 9}, {"b", 1}}},
      {"said to be unknown by an older refresh",
       User(1, Removal("b", 0), 31),
       {{"a", 9}, {"b", 1}}},
      {"removed", User(1, Removal("a", 10), 33), {{"b", 1}}},
      {"a repetition does not bring back", User(1, Change("a", 9), 30), {{"b", 1}}},
      {"the removal was missed, the refresh tells", User(1, Removal("b", 0), 40), {}},
      {"created again", User(1, Change("a", 41), 42), {{"a", 41}}},
      {"another epoch", User(2, Change("b", 1), 3), {{"b", 1}}},
  };
  for (const auto& row : rows) {
    SCOPED_TRACE(row.name);
    ApplyUserFrame(table_, row.frame);
    EXPECT_EQ(Revisions(), row.revisions);
    EXPECT_EQ(table_.size(), row.revisions.size());
  }
  EXPECT_EQ(table_.Find("stranger"), std::nullopt);
  EXPECT_EQ(table_.Find("b")->revision, 1u);
  EXPECT_EQ(mirror_.resets, 1);
}

TEST_F(FilteredReplicaTest, APageDoesNotDropAUserWhoWasCreatedMeanwhile) {
  ApplyHeartbeat(table_, Beat(1, 10));
  table_.BeginSnapshot();
  ApplyUserFrame(table_, User(1, Change("a", 1), 12));
  v1::SnapshotReply page = Page(1, 11, {});
  page.add_unknown_users("a");
  page.add_unknown_users("b");
  table_.ApplyPage(page);
  table_.EndSnapshot();
  EXPECT_THAT(Revisions(), (R{{"a", 1}}));
}

}  // namespace
}  // namespace unipresence::publish
