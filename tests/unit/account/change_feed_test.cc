#include "server/account/change_feed.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "tests/testing/account_room.h"
#include "tests/testing/answer.h"
#include "tests/testing/users.h"

namespace unipresence {
namespace {

using testing::AccountRoom;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using testing::UniqueAccount;

using Published = std::pair<std::string, CauseKind>;

class ChangeFeedTest : public ::testing::Test {
 protected:
  ChangeFeedTest() {
    room_.AddUser(UniqueAccount("alice", "101"), "hash");
    room_.AddUser(UniqueAccount("bob", "102"), "hash");
    Told();
  }

  // What was published since the last call.
  std::vector<Published> Told() {
    std::vector<Published> told;
    const auto& updates = room_.sink().updates;
    for (; seen_ < updates.size(); ++seen_) {
      told.emplace_back(updates[seen_].user, updates[seen_].cause);
    }
    return told;
  }
  void Change(const std::function<absl::Status(Transaction&)>& work) {
    const absl::Status status = room_.Change(work);
    EXPECT_TRUE(status.ok()) << status;
  }
  void LogIn(const std::string& user) {
    StoredSession session;
    session.key.fill(static_cast<std::uint8_t>(user.front()));
    session.id = "session of " + user;
    session.user = user;
    Change([&](Transaction& t) { return t.sessions.Save(session); });
    EXPECT_TRUE(room_.keeper().Begin(room_.core(), session).ok());
  }
  bool Known(const std::string& user) {
    return room_.engine().Read(user, [](const PresenceSource::Entry&) {});
  }

  AccountRoom room_;
  std::size_t seen_ = 0;
};

TEST_F(ChangeFeedTest, EachChangeIsPublishedWithItsCause) {
  const User erin = UniqueAccount("erin", "105");
  User moved = UniqueAccount("alice", "101");
  moved.lines[1].device = "PJSIP/alice_browser";
  Forwardings forwardings;
  forwardings[ForwardingCondition::kUnconditional] = {.destination = "2000", .enabled = true};
  LogIn("alice");
  Told();
  const struct {
    const char* row;
    std::vector<Published> published;
    std::function<absl::Status(Transaction&)> work;
  } kRows[] = {
      {"created",
       {{"erin", CauseKind::kUserCreated}},
       [&](Transaction& t) {
         return t.users.Create({erin, ""});
       }},
      {"updated",
       {{"alice", CauseKind::kUserUpdated}},
       [&](Transaction& t) { return t.users.Update(moved); }},
      {"updated to the same", {}, [&](Transaction& t) { return t.users.Update(moved); }},
      {"selected",
       {{"alice", CauseKind::kSelectDevice}},
       [](Transaction& t) { return t.settings.SetSelectedDevice("alice", LineKind::kDeskphone); }},
      {"selected again",
       {},
       [](Transaction& t) { return t.settings.SetSelectedDevice("alice", LineKind::kDeskphone); }},
      {"do not disturb",
       {{"alice", CauseKind::kSetDoNotDisturb}},
       [](Transaction& t) { return t.settings.SetDoNotDisturb("alice", true); }},
      {"both, forwards first",
       {{"alice", CauseKind::kSetForwarding}, {"alice", CauseKind::kSetDoNotDisturb}},
       [&](Transaction& t) {
         EXPECT_TRUE(t.settings.SetDoNotDisturb("alice", false).ok());
         return t.settings.SetForwardings("alice", forwardings);
       }},
      {"sessions",
       {{"alice", CauseKind::kLogout}},
       [](Transaction& t) { return t.sessions.DeleteOfUser("alice").status(); }},
      {"a password", {}, [](Transaction& t) { return t.users.SetPasswordHash("bob", "b"); }},
      {"deleted",
       {{"erin", CauseKind::kUserDeleted}},
       [](Transaction& t) { return t.users.Delete("erin"); }},
      {"deleted and added",
       {{"bob", CauseKind::kUserDeleted}, {"bob", CauseKind::kUserCreated}},
       [](Transaction& t) {
         EXPECT_TRUE(t.users.Delete("bob").ok());
         return t.users.Create({UniqueAccount("bob", "102"), ""});
       }},
  };
  for (const auto& row : kRows) {
    Change(row.work);
    EXPECT_EQ(Told(), row.published) << row.row;
  }
}

TEST_F(ChangeFeedTest, WhatSomethingElseCommitsComesIntoTheEngineWithItsSettings) {
  Change([](Transaction& t) {
    EXPECT_TRUE(t.users.Create({UniqueAccount("erin", "105"), ""}).ok());
    return t.settings.SetDoNotDisturb("erin", true);
  });
  EXPECT_TRUE(room_.PresenceOf("erin").do_not_disturb);
  LogIn("alice");
  Change(
      [](Transaction& t) { return t.settings.SetSelectedDevice("alice", LineKind::kDeskphone); });
  EXPECT_EQ(room_.PresenceOf("alice").selected_device, LineKind::kDeskphone);
  EXPECT_EQ(room_.keeper().size(), 1u);
  Change([](Transaction& t) { return t.sessions.DeleteOfUser("alice").status(); });
  EXPECT_EQ(room_.keeper().size(), 0u);
}

TEST_F(ChangeFeedTest, ASessionThatIsSavedBegins) {
  StoredSession session;
  session.id = "a1";
  session.user = "alice";
  Change([&](Transaction& t) { return t.sessions.Save(session); });
  EXPECT_THAT(Told(), ElementsAre(Published("alice", CauseKind::kLogin)));
  ASSERT_NE(room_.keeper().Find("a1"), nullptr);
  // Who asks for it again is told that it lives; it counts once.
  EXPECT_TRUE(room_.keeper().Begin(room_.core(), session).ok());
  EXPECT_EQ(room_.probe().logins.value(), 1u);
  EXPECT_EQ(room_.keeper().size(), 1u);
}

TEST_F(ChangeFeedTest, AUserWhoIsDeletedIsGoneWithTheSessions) {
  LogIn("alice");
  Change([](Transaction& t) { return t.users.Delete("alice"); });
  EXPECT_FALSE(Known("alice"));
  EXPECT_THAT(room_.ended(), ElementsAre("session of alice"));
}

TEST_F(ChangeFeedTest, NothingIsAnsweredBeforeItsRevisionIsApplied) {
  std::vector<int> answered;
  const std::size_t before = room_.commands().size();
  constexpr int kCommands = 30;
  for (int i = 0; i < kCommands; ++i) {
    room_.feed().Call<int>(
        [i](Transaction& t) -> absl::StatusOr<int> {
          if (i % 3 == 2) return i;  // changes nothing: answered with what was changed before
          absl::Status status = t.settings.SetDoNotDisturb("alice", i % 3 == 0);
          if (!status.ok()) return status;
          return i;
        },
        [&, i](Core* core, absl::StatusOr<int> result) {
          EXPECT_EQ(core, &room_.core());
          ASSERT_TRUE(result.ok());
          EXPECT_EQ(*result, i);
          answered.push_back(i);
          EXPECT_EQ(room_.PresenceOf("alice").do_not_disturb, i % 3 == 0) << i;
        });
  }
  room_.store().Stop();
  EXPECT_THAT(answered, IsEmpty());
  // A change and the answer to it are one command of the pipeline.
  EXPECT_LE(room_.commands().size() - before, static_cast<std::size_t>(kCommands));
  while (room_.commands().size() > 0) room_.RunNext();
  EXPECT_EQ(answered.size(), static_cast<std::size_t>(kCommands));
  EXPECT_TRUE(std::is_sorted(answered.begin(), answered.end()));
}

TEST_F(ChangeFeedTest, AChangeAndItsAnswerAreOneHandOff) {
  bool answered = false;
  room_.feed().Call<bool>(
      [](Transaction& t) -> absl::StatusOr<bool> {
        return t.settings.SetDoNotDisturb("alice", true).ok();
      },
      [&](Core*, absl::StatusOr<bool>) { answered = true; });
  room_.store().Stop();
  EXPECT_EQ(room_.commands().size(), 1u);
  room_.RunNext();
  EXPECT_TRUE(answered);
}

TEST_F(ChangeFeedTest, AnErrorOrARefusalIsToldWithoutACore) {
  std::vector<absl::StatusCode> told;
  const auto call = [&](testing::Answer<absl::StatusCode> answer) {
    room_.feed().Call<bool>(
        [](Transaction& t) -> absl::StatusOr<bool> {
          return t.settings.SetDoNotDisturb("nobody", true);
        },
        [answer](Core* core, const absl::StatusOr<bool>& result) {
          EXPECT_EQ(core, nullptr);
          answer(result.status().code());
        });
    return answer.Wait();
  };
  EXPECT_EQ(call({}), absl::StatusCode::kNotFound);
  room_.store().Stop();
  EXPECT_EQ(call({}), absl::StatusCode::kUnavailable);
}

TEST_F(ChangeFeedTest, ManyUsersAreAppliedInStepsAndThenAnswered) {
  constexpr int kUsers = 1000;
  bool answered = false;
  room_.feed().Call<bool>(
      [](Transaction& t) -> absl::StatusOr<bool> {
        for (int i = 0; i < kUsers; ++i) {
          const absl::Status part = t.InPart([&] {
            return t.users.Create({UniqueAccount(i), ""});
          });
          if (!part.ok()) return part;
        }
        return true;
      },
      [&](Core*, absl::StatusOr<bool>) { answered = true; });
  room_.store().Stop();
  std::size_t steps = 0;
  std::size_t most = 0;
  for (; room_.commands().size() > 0; ++steps) {
    EXPECT_FALSE(answered);
    const std::size_t before = room_.engine().user_count();
    room_.RunNext();
    most = std::max(most, room_.engine().user_count() - before);
  }
  EXPECT_TRUE(answered);
  EXPECT_EQ(room_.engine().user_count(), kUsers + 2u);
  EXPECT_GT(steps, 10u);
  EXPECT_LE(most, 64u);
}

// Whoever gets what another one had is brought in with him: a step between would leave the number
// with nobody.
TEST_F(ChangeFeedTest, UsersOfOnePartAreOneStep) {
  constexpr int kUsers = 200;
  Change([](Transaction& t) -> absl::Status {
    for (int i = 0; i < kUsers; ++i) {
      if (absl::Status one = t.users.Create({UniqueAccount(i), ""}); !one.ok()) return one;
    }
    return absl::OkStatus();
  });
  Told();
  room_.feed().Call<bool>(
      [](Transaction& t) -> absl::StatusOr<bool> {
        for (int i = 0; i < 100; ++i) {
          EXPECT_TRUE(t.InPart([&] { return t.users.Delete(UniqueAccount(i).id); }).ok());
        }
        return t
            .InPart([&]() -> absl::Status {
              for (int i = 100; i < kUsers; ++i) {
                const absl::Status one = t.users.Delete(UniqueAccount(i).id);
                if (!one.ok()) return one;
              }
              return absl::OkStatus();
            })
            .ok();
      },
      [](Core*, absl::StatusOr<bool>) {});
  room_.store().Stop();
  const auto known = [&] {
    int count = 0;
    for (int i = 100; i < kUsers; ++i) count += Known(UniqueAccount(i).id) ? 1 : 0;
    return count;
  };
  while (room_.commands().size() > 0) {
    room_.RunNext();
    EXPECT_TRUE(known() == 0 || known() == kUsers - 100) << known();
  }
  EXPECT_EQ(known(), 0);
}

TEST_F(ChangeFeedTest, WhatThePipelineDropsAtTheEndIsNotAnswered) {
  auto held = std::make_shared<int>(0);
  const std::weak_ptr<int> obligation = held;
  room_.commands().Refuse(true);
  room_.feed().Call<bool>(
      [](Transaction& t) -> absl::StatusOr<bool> {
        return t.settings.SetDoNotDisturb("alice", true).ok();
      },
      [held = std::move(held)](Core*, absl::StatusOr<bool>) { FAIL() << "answered"; });
  room_.store().Stop();
  EXPECT_TRUE(obligation.expired());
}

}  // namespace
}  // namespace unipresence
