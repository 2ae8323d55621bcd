#include "server/account/session_keeper.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "server/account/failure.h"
#include "tests/testing/account_room.h"
#include "tests/testing/answer.h"
#include "tests/testing/users.h"

namespace unipresence {
namespace {

using std::chrono::seconds;
using testing::AccountRoom;
using ::testing::ElementsAre;
using testing::UniqueAccount;
using ::testing::UnorderedElementsAre;

StoredSession SessionOf(const std::string& user, const std::string& id,
                        SessionKind kind = SessionKind::kAssistant) {
  StoredSession session;
  session.key.fill(static_cast<std::uint8_t>(id.back()));
  session.key.front() = static_cast<std::uint8_t>(id.front());
  session.id = id;
  session.user = user;
  session.kind = kind;
  session.create_time = id.back();
  return session;
}

class SessionKeeperTest : public ::testing::Test {
 protected:
  SessionKeeperTest() {
    room_.AddUser(UniqueAccount("alice", "101"));
    room_.AddUser(UniqueAccount("bob", "102"));
  }

  // As a log-in does.
  absl::Status Begin(const StoredSession& session) {
    EXPECT_TRUE(room_.InStore([&](Transaction& t) { return t.sessions.Save(session); }).ok());
    return keeper_.Begin(core_, session);
  }
  std::vector<std::string> InStore() {
    std::vector<std::string> ids;
    EXPECT_TRUE(room_
                    .InStore([&](Transaction& transaction) {
                      const auto sessions = transaction.sessions.List();
                      for (const StoredSession& session : *sessions) {
                        ids.push_back(session.id);
                      }
                      return absl::OkStatus();
                    })
                    .ok());
    return ids;
  }
  bool LoggedIn(const std::string& user) { return room_.PresenceOf(user).logged_in; }
  absl::StatusOr<Caller> Authenticate(const StoredSession& session) {
    return keeper_.Authenticate(core_, session.key);
  }

  AccountRoom room_{SessionTable::Options{.time_to_live = seconds(20)}};
  SessionKeeper& keeper_ = room_.keeper();
  Core& core_ = room_.core();
};

TEST_F(SessionKeeperTest, AnAssistantLogsInAClientDoesNot) {
  EXPECT_TRUE(Begin(SessionOf("alice", "a1")).ok());
  EXPECT_TRUE(Begin(SessionOf("bob", "b1", SessionKind::kClient)).ok());
  EXPECT_TRUE(LoggedIn("alice"));
  EXPECT_FALSE(LoggedIn("bob"));
  EXPECT_EQ(keeper_.size(), 2u);
  EXPECT_EQ(keeper_.logged_in_users(), 1u);
  EXPECT_EQ(keeper_.CountOfUser(core_, "bob"), (std::pair<std::uint32_t, std::uint32_t>(0, 1)));
  const auto caller = Authenticate(SessionOf("alice", "a1"));
  ASSERT_TRUE(caller.ok());
  EXPECT_EQ(caller->user, "alice");
}

TEST_F(SessionKeeperTest, TheLastAssistantThatLeavesLogsTheUserOut) {
  ASSERT_TRUE(Begin(SessionOf("alice", "a1")).ok());
  ASSERT_TRUE(Begin(SessionOf("alice", "a2")).ok());
  testing::Moment forgotten;
  EXPECT_TRUE(keeper_.End(core_, "a1", [forgotten] { forgotten.Reach(); }));
  forgotten.Wait();
  EXPECT_THAT(InStore(), ElementsAre("a2"));
  EXPECT_THAT(room_.ended(), ElementsAre("a1"));
  EXPECT_TRUE(LoggedIn("alice"));
  EXPECT_TRUE(keeper_.End(core_, "a2", nullptr));
  EXPECT_FALSE(LoggedIn("alice"));
  EXPECT_FALSE(keeper_.End(core_, "a2", nullptr)) << "it has ended already";
  EXPECT_EQ(ProblemAs<AccountProblem>(Authenticate(SessionOf("alice", "a2")).status()),
            AccountProblem::kSessionEnded);
  EXPECT_EQ(room_.probe().logouts.value(), 2u);
}

TEST_F(SessionKeeperTest, SilentSessionsExpireAndHeldOnesDoNot) {
  ASSERT_TRUE(Begin(SessionOf("alice", "a1")).ok());
  ASSERT_TRUE(Begin(SessionOf("bob", "b1")).ok());
  const Caller bob = *Authenticate(SessionOf("bob", "b1"));
  ASSERT_TRUE(keeper_.OpenStream(core_, bob, 1, /*hold=*/true).ok());
  room_.clock().Advance(seconds(21));
  keeper_.Expire(core_);
  EXPECT_THAT(room_.ended(), ElementsAre("a1"));
  EXPECT_FALSE(LoggedIn("alice"));
  EXPECT_TRUE(LoggedIn("bob"));
  EXPECT_THAT(InStore(), ElementsAre("b1"));
  keeper_.CloseStream(core_, bob, /*hold=*/true);
  room_.clock().Advance(seconds(21));
  keeper_.Expire(core_);
  EXPECT_FALSE(LoggedIn("bob"));
  EXPECT_EQ(room_.probe().expired_sessions.value(), 2u);
}

TEST_F(SessionKeeperTest, AStreamWhoseMessagesCountDoesNotHoldTheSession) {
  ASSERT_TRUE(Begin(SessionOf("alice", "a1")).ok());
  const Caller alice = *Authenticate(SessionOf("alice", "a1"));
  ASSERT_TRUE(keeper_.OpenStream(core_, alice, 2, /*hold=*/true).ok());
  ASSERT_TRUE(keeper_.OpenStream(core_, alice, 2, /*hold=*/false).ok());
  room_.clock().Advance(seconds(21));
  keeper_.Expire(core_);
  EXPECT_THAT(room_.ended(), ElementsAre("a1"));
}

TEST_F(SessionKeeperTest, ASessionHasAsManyStreamsAsItMay) {
  ASSERT_TRUE(Begin(SessionOf("alice", "a1")).ok());
  const Caller alice = *Authenticate(SessionOf("alice", "a1"));
  EXPECT_TRUE(keeper_.OpenStream(core_, alice, 1, true).ok());
  EXPECT_EQ(ProblemAs<AccountProblem>(keeper_.OpenStream(core_, alice, 1, true)),
            AccountProblem::kTooManyStreams);
  keeper_.CloseStream(core_, alice, true);
  EXPECT_TRUE(keeper_.OpenStream(core_, alice, 1, true).ok());
  // Of a session that is over: nothing to balance.
  keeper_.EndOfUser(core_, "alice", CauseKind::kLogout);
  keeper_.CloseStream(core_, alice, true);
  EXPECT_EQ(ProblemAs<AccountProblem>(keeper_.OpenStream(core_, alice, 1, true)),
            AccountProblem::kSessionEnded);
}

TEST_F(SessionKeeperTest, AllOfAUserEndAtOnce) {
  ASSERT_TRUE(Begin(SessionOf("alice", "a1")).ok());
  ASSERT_TRUE(Begin(SessionOf("alice", "a2")).ok());
  ASSERT_TRUE(Begin(SessionOf("bob", "b1")).ok());
  keeper_.EndOfUser(core_, "alice", CauseKind::kLogout);
  EXPECT_THAT(room_.ended(), UnorderedElementsAre("a1", "a2"));
  EXPECT_THAT(InStore(), ElementsAre("b1"));
}

TEST_F(SessionKeeperTest, AfterARestartSessionsLiveOnAndThoseOfNobodyAreForgotten) {
  const std::vector<StoredSession> kept = {SessionOf("alice", "a1"), SessionOf("gone", "g1")};
  ASSERT_TRUE(room_
                  .InStore([&](Transaction& t) {
                    // The engine does not know the user.
                    const NewUser gone = {.user = UniqueAccount("gone", "103"),
                                          .password_hash = {}};
                    return t.users.Create(gone);
                  })
                  .ok());
  for (const StoredSession& session : kept) {
    ASSERT_TRUE(room_.InStore([&](Transaction& t) { return t.sessions.Save(session); }).ok());
  }
  EXPECT_THAT(InStore(), ElementsAre("a1", "g1"));
  keeper_.Load(core_, kept);
  EXPECT_TRUE(LoggedIn("alice"));
  EXPECT_EQ(keeper_.size(), 1u);
  EXPECT_THAT(InStore(), ElementsAre("a1"));
}

TEST_F(SessionKeeperTest, ListsInOrderOfCreationPageByPage) {
  for (const char* id : {"s3", "s1", "s2"}) ASSERT_TRUE(Begin(SessionOf("alice", id)).ok());
  ASSERT_TRUE(Begin(SessionOf("bob", "b9")).ok());
  SessionKeeper::Place place;
  std::vector<std::string> seen;
  const auto visit = [&](const StoredSession& session) { seen.push_back(session.id); };
  EXPECT_TRUE(keeper_.List("alice", 2, 100, place, visit));
  EXPECT_THAT(seen, ElementsAre("s1", "s2"));
  EXPECT_FALSE(keeper_.List("alice", 2, 100, place, visit));
  EXPECT_THAT(seen, ElementsAre("s1", "s2", "s3"));
  // Looks at no more than it is told to.
  place = {};
  seen.clear();
  EXPECT_TRUE(keeper_.List("bob", 10, 3, place, visit));
  EXPECT_TRUE(seen.empty());
}

}  // namespace
}  // namespace unipresence
