#include "aggregator/engine/session_table.h"

#include <gtest/gtest.h>

#include "tests/testing/fake_clock.h"

namespace unipresence {
namespace {

using std::chrono::seconds;

SessionKey Key(std::uint8_t n) {
  SessionKey key{};
  key[0] = n;
  return key;
}

class SessionTableTest : public ::testing::Test {
 protected:
  void Add(std::uint8_t n, SessionKind kind = SessionKind::kAssistant) {
    Session session;
    session.id = "s" + std::to_string(n);
    session.user = "alice";
    session.kind = kind;
    ASSERT_TRUE(table_.Add(Key(n), session, clock_.Now()).ok());
  }

  testing::FakeClock clock_;
  // The clock jumps; a pause is one of a minute.
  SessionTable table_{{.time_to_live = seconds(20),
                       .max_sessions = 5,
                       .max_sessions_per_user = 3,
                       .longest_pause = seconds(60)}};
};

TEST_F(SessionTableTest, ASessionLivesWhileItIsTouched) {
  Add(1);
  for (int i = 0; i < 5; ++i) {
    clock_.Advance(seconds(19));
    EXPECT_TRUE(table_.Expire(clock_.Now()).empty());
    EXPECT_TRUE(table_.Touch(Key(1), clock_.Now()));
  }
  clock_.Advance(seconds(20));
  EXPECT_EQ(table_.Find(Key(1), clock_.Now()), nullptr);
  EXPECT_FALSE(table_.Touch(Key(1), clock_.Now()));
  const std::vector<Session> expired = table_.Expire(clock_.Now());
  ASSERT_EQ(expired.size(), 1u);
  EXPECT_EQ(expired[0].id, "s1");
  EXPECT_EQ(table_.AssistantCount("alice"), 0u);
}

TEST_F(SessionTableTest, AHeldSessionDoesNotExpireAndGetsAFullTimeToLiveAfterwards) {
  Add(1);
  EXPECT_TRUE(table_.Hold(Key(1), clock_.Now()));
  EXPECT_TRUE(table_.Hold(Key(1), clock_.Now()));
  EXPECT_EQ(table_.NextDeadline(), std::nullopt);
  clock_.Advance(seconds(1000));
  EXPECT_TRUE(table_.Expire(clock_.Now()).empty());
  table_.Release(Key(1), clock_.Now());
  EXPECT_EQ(table_.NextDeadline(), std::nullopt);
  table_.Release(Key(1), clock_.Now());
  EXPECT_EQ(table_.NextDeadline(), clock_.Now() + seconds(20));
  clock_.Advance(seconds(19));
  EXPECT_TRUE(table_.Expire(clock_.Now()).empty());
  clock_.Advance(seconds(1));
  EXPECT_EQ(table_.Expire(clock_.Now()).size(), 1u);
}

TEST_F(SessionTableTest, AfterAPauseEachSessionHasATimeToLive) {
  Add(1);
  Add(2);
  EXPECT_TRUE(table_.Expire(clock_.Now()).empty());
  clock_.Advance(seconds(15));
  EXPECT_TRUE(table_.Expire(clock_.Now()).empty());
  clock_.Advance(seconds(61));
  // Before the next Expire as well as after it.
  const MonotonicTime resumed = clock_.Now();
  ASSERT_NE(table_.Find(Key(1), resumed), nullptr);
  EXPECT_EQ(table_.DeadlineOf(*table_.Find(Key(1), resumed), resumed), resumed + seconds(20));
  EXPECT_TRUE(table_.Expire(resumed).empty());
  EXPECT_EQ(table_.NextDeadline(), resumed + seconds(20));
  clock_.Advance(seconds(19));
  EXPECT_TRUE(table_.Expire(clock_.Now()).empty());
  EXPECT_TRUE(table_.Touch(Key(1), clock_.Now()));
  clock_.Advance(seconds(1));
  const std::vector<Session> expired = table_.Expire(clock_.Now());
  ASSERT_EQ(expired.size(), 1u);
  EXPECT_EQ(expired[0].id, "s2") << "it had its time, and did not speak";
  clock_.Advance(seconds(18));
  EXPECT_TRUE(table_.Expire(clock_.Now()).empty());
  clock_.Advance(seconds(1));
  EXPECT_EQ(table_.Expire(clock_.Now()).size(), 1u);
}

// Nor does it live for ever because the process stands still now and then.
TEST_F(SessionTableTest, WhoSaysNothingAfterAPauseHasNoFurtherTime) {
  Add(1);
  EXPECT_TRUE(table_.Expire(clock_.Now()).empty());
  for (int i = 0; i < 4; ++i) {
    clock_.Advance(seconds(61));
    EXPECT_TRUE(table_.Expire(clock_.Now()).empty());
    clock_.Advance(seconds(4));
    EXPECT_TRUE(table_.Expire(clock_.Now()).empty());
    EXPECT_NE(table_.Find(Key(1), clock_.Now()), nullptr);
  }
  clock_.Advance(seconds(61));
  EXPECT_TRUE(table_.Expire(clock_.Now()).empty());
  clock_.Advance(seconds(4));  // 20 s awake since it was heard
  EXPECT_EQ(table_.Find(Key(1), clock_.Now()), nullptr);
  EXPECT_EQ(table_.Expire(clock_.Now()).size(), 1u);
}

TEST_F(SessionTableTest, WhoIsHeardAfterAPauseIsCountedFromThen) {
  Add(1);
  Add(2);
  ASSERT_TRUE(table_.Hold(Key(2), clock_.Now()));
  EXPECT_TRUE(table_.Expire(clock_.Now()).empty());
  clock_.Advance(seconds(100));
  EXPECT_TRUE(table_.Touch(Key(1), clock_.Now()));  // before the next Expire
  table_.Release(Key(2), clock_.Now());
  Add(3);
  EXPECT_TRUE(table_.Expire(clock_.Now()).empty());
  clock_.Advance(seconds(19));
  EXPECT_TRUE(table_.Expire(clock_.Now()).empty());
  clock_.Advance(seconds(1));
  EXPECT_EQ(table_.Expire(clock_.Now()).size(), 3u);
}

// A client that vanished leaves its streams open until the connection is found dead.
TEST_F(SessionTableTest, ASessionThatIsSentMessagesIsNotKeptAliveByOpenStreams) {
  Add(1);
  EXPECT_TRUE(table_.Hold(Key(1), clock_.Now()));
  EXPECT_TRUE(table_.LiveByMessages(Key(1), clock_.Now()));
  clock_.Advance(seconds(5));
  EXPECT_TRUE(table_.Touch(Key(1), clock_.Now()));
  clock_.Advance(seconds(10));
  EXPECT_TRUE(table_.Hold(Key(1), clock_.Now()));
  table_.Release(Key(1), clock_.Now());
  table_.Release(Key(1), clock_.Now());
  clock_.Advance(seconds(9));
  EXPECT_TRUE(table_.Expire(clock_.Now()).empty());
  clock_.Advance(seconds(1));
  EXPECT_EQ(table_.Find(Key(1), clock_.Now()), nullptr);
  EXPECT_EQ(table_.Expire(clock_.Now()).size(), 1u);
  EXPECT_EQ(table_.NextDeadline(), std::nullopt);
  EXPECT_FALSE(table_.LiveByMessages(Key(1), clock_.Now()));
}

TEST_F(SessionTableTest, LoggedInWhileAnyAssistantLivesAndClientsDoNotCount) {
  Add(1);
  Add(2);
  Add(3, SessionKind::kClient);
  EXPECT_EQ(table_.AssistantCount("alice"), 2u);
  table_.Remove(Key(1));
  EXPECT_EQ(table_.AssistantCount("alice"), 1u);
  table_.Remove(Key(2));
  EXPECT_EQ(table_.AssistantCount("alice"), 0u);
  EXPECT_EQ(table_.OfUser("alice").size(), 1u);
  EXPECT_EQ(table_.RemoveUser("alice"), 1u);
  EXPECT_EQ(table_.size(), 0u);
  EXPECT_EQ(table_.NextDeadline(), std::nullopt);
}

TEST_F(SessionTableTest, BoundsAreNamed) {
  Add(1);
  Add(2);
  Add(3);
  Session fourth;
  fourth.user = "alice";
  EXPECT_EQ(table_.Add(Key(4), fourth, clock_.Now()).code(), absl::StatusCode::kResourceExhausted);
  fourth.user = "bob";
  EXPECT_TRUE(table_.Add(Key(4), fourth, clock_.Now()).ok());
  EXPECT_EQ(table_.Add(Key(4), fourth, clock_.Now()).code(), absl::StatusCode::kAlreadyExists);
}

}  // namespace
}  // namespace unipresence
