#include "server/app/password_backlog.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <memory>
#include <string>
#include <vector>

#include "server/app/users_reading.h"
#include "server/auth/password.h"
#include "server/storage/open_store.h"
#include "tests/testing/answer.h"
#include "tests/testing/fake_clock.h"
#include "tests/testing/log_capture.h"
#include "tests/testing/sync_store.h"
#include "tests/testing/users.h"

namespace unipresence {
namespace {

using testing::Answer;
using ::testing::HasSubstr;
using testing::Moment;
using testing::UniqueAccount;

constexpr int kUsers = 200;  // of some seconds

PasswordTask Task(const std::string& user, const std::string& password, std::uint64_t reading = 1) {
  return {.user = user,
          .password = password,
          .held = std::string(kPasswordPending),
          .reading = reading};
}

class PasswordBacklogTest : public ::testing::Test {
 protected:
  PasswordBacklogTest() {
    for (int i = 0; i < kUsers; ++i) {
      EXPECT_TRUE(store_.CreateUser({UniqueAccount(i), std::string(kPasswordPending)}).ok());
    }
    backlog_ = std::make_unique<PasswordBacklog>(PasswordBacklog::Ports{
        .store = *opened_,
        .hasher = hasher_,
        .clock = clock_,
        .idle = [this](std::uint64_t reading) { idle_.at(idles_++)(reading); }});
  }

  static std::string Id(int i) { return UniqueAccount(i).id; }
  void AwaitHashed(const std::string& user) {
    Moment done;
    backlog_->WhenHashed(user, [done] { done.Reach(); });
    done.Wait();
  }
  // What is hashed meanwhile cannot be stored before that.
  void HoldStore(Moment until) {
    const absl::Status refused = opened_->Submit(
        [until](Transaction&) {
          until.Wait();
          return absl::OkStatus();
        },
        [](absl::Status) {});
    ASSERT_TRUE(refused.ok()) << refused;
  }
  std::string HashOf(const std::string& user) { return store_.GetUser(user).value().password_hash; }
  bool IsPassword(const std::string& user, const std::string& password) {
    Answer<absl::StatusOr<bool>> answer;
    hasher_.Verify(HashOf(user), password, answer);
    return answer.Wait().value();
  }

  testing::LogCapture log_;
  testing::FakeClock clock_;
  auth::PasswordHasher hasher_{{}};
  std::unique_ptr<Store> opened_ = OpenStore({.path = ":memory:"}).value();
  testing::SyncStore store_{*opened_};
  std::array<Answer<std::uint64_t>, 2> idle_;  // the first times, and of which reading
  std::atomic<std::size_t> idles_ = 0;
  std::unique_ptr<PasswordBacklog> backlog_;
};

TEST_F(PasswordBacklogTest, WhoWaitsIsNextAndTheNewerFileCounts) {
  std::vector<PasswordTask> tasks;
  for (int i = 0; i < kUsers; ++i) tasks.push_back(Task(Id(i), "the old password"));
  Moment added;
  HoldStore(added);
  backlog_->Add(tasks);  // two run, and cannot be stored
  for (PasswordTask& task : tasks) task.password = "the new password";
  backlog_->Add(tasks);
  added.Reach();
  AwaitHashed(Id(kUsers - 1));
  EXPECT_TRUE(IsPassword(Id(kUsers - 1), "the new password"));
  EXPECT_EQ(HashOf(Id(kUsers - 2)), kPasswordPending) << "others wait still";
  // One who was running when the newer file came.
  AwaitHashed(Id(0));
  EXPECT_TRUE(IsPassword(Id(0), "the new password"));
  backlog_->Stop();
  EXPECT_THAT(log_.Take(), HasSubstr("passwords are left for the next start"));
}

TEST_F(PasswordBacklogTest, SeveralMayWaitForOne) {
  backlog_->Add({Task(Id(0), "a password"), Task(Id(1), "a password"), Task(Id(2), "a password"),
                 Task(Id(3), "a password")});
  std::vector<Moment> moments(5);
  for (const Moment& moment : moments) {
    backlog_->WhenHashed(Id(3), [moment] { moment.Reach(); });
  }
  for (const Moment& moment : moments) moment.Wait();
  AwaitHashed("nobody");
  idle_[0].Wait();
  for (int i = 0; i < 4; ++i) EXPECT_TRUE(IsPassword(Id(i), "a password"));
}

// What the file says itself is no change of its users; what it said before is.
TEST_F(PasswordBacklogTest, PasswordsOfTheNewestFileLeaveItsUsersAsItSays) {
  ASSERT_TRUE(store_.PutUsersFile({.digest = "of the file", .reading = 7, .notes = {}}).ok());
  backlog_->Add({Task(Id(0), "a password", 7), Task(Id(1), "a password", 7)});
  EXPECT_EQ(idle_[0].Wait(), 7u);
  const auto file = store_.GetUsersFile().value();
  EXPECT_EQ(file->reading, 7u);
  EXPECT_FALSE(file->users_changed);
  backlog_->Add({Task(Id(2), "a password", 6)});
  EXPECT_EQ(idle_[1].Wait(), 6u);
  EXPECT_TRUE(store_.GetUsersFile().value()->users_changed);
}

// A newer file that comes while the task of the older one runs.
TEST_F(PasswordBacklogTest, TheNewerFileCountsThoughTheOlderTaskRuns) {
  Moment added;
  HoldStore(added);
  backlog_->Add({Task(Id(0), "the old password", 7)});
  backlog_->Add({Task(Id(0), "the new password", 8)});
  added.Reach();
  EXPECT_EQ(idle_[0].Wait(), 8u);
  EXPECT_TRUE(IsPassword(Id(0), "the new password"));
}

TEST_F(PasswordBacklogTest, WhatAnOlderTaskStoresIsNoChangeIfTheNewerFileSaysTheSame) {
  ASSERT_TRUE(store_.PutUsersFile({.digest = "of the file", .reading = 8, .notes = {}}).ok());
  Moment added;
  HoldStore(added);
  backlog_->Add({Task(Id(0), "a password", 7)});
  backlog_->Add({Task(Id(0), "a password", 8)});
  added.Reach();
  EXPECT_EQ(idle_[0].Wait(), 8u);
  EXPECT_FALSE(store_.GetUsersFile().value()->users_changed);
}

TEST_F(PasswordBacklogTest, APasswordThatIsNotTakenIsNotedForTheNextStarts) {
  const std::string held = auth::HashPassword("the own password").value();
  for (int i = 0; i < 2; ++i) ASSERT_TRUE(store_.SetPasswordHash(Id(i), held).ok());
  ASSERT_TRUE(store_.PutUsersFile({.digest = "of the file", .reading = 7, .notes = "x: y"}).ok());
  PasswordTask task{.user = Id(0), .password = "another one", .held = held, .take = false};
  task.reading = 7;
  backlog_->Add({task});
  EXPECT_EQ(idle_[0].Wait(), 7u);
  const std::string line = Id(0) + ": password: another one (not taken)";
  TakenUsersFile file = store_.GetUsersFile().value().value();
  EXPECT_EQ(file.notes, "x: y\n" + line);
  EXPECT_FALSE(file.users_changed);
  EXPECT_THAT(log_.Take(), HasSubstr(line));
  EXPECT_EQ(HashOf(Id(0)), held);
  // Of another reading than the store's nothing is noted.
  task.user = Id(1);
  task.reading = 6;
  backlog_->Add({task});
  EXPECT_EQ(idle_[1].Wait(), 6u);
  EXPECT_EQ(store_.GetUsersFile().value().value(), file);
}

// The only administrator cannot be demoted before the new one has a password: the file has to be
// read again once he has.
TEST_F(PasswordBacklogTest, WhatWasRefusedIsTriedAgainWhenMoreCanLogIn) {
  User root = UniqueAccount("root", "9001");
  root.role = Role::kAdministrator;
  ASSERT_TRUE(store_.CreateUser({root, "$hash of root"}).ok());
  root.role = Role::kUser;
  User alice = UniqueAccount("alice", "9002");
  alice.role = Role::kAdministrator;
  const std::vector<config::UserSeed> seeds = {
      {.user = root, .password = {}, .password_hash = "$hash of root"},
      {.user = alice, .password = "correct horse", .password_hash = {}}};
  for (std::size_t reading = 1; reading <= 2; ++reading) {
    std::vector<PasswordTask> passwords;
    const absl::Status synced = opened_->SubmitAndWait([&](Transaction& store) {
      absl::StatusOr<UsersSync> sync = SyncUsers(store, seeds, "users.yaml", "digest", true);
      if (sync.ok()) passwords = std::move(sync->passwords);
      return sync.status();
    });
    ASSERT_TRUE(synced.ok()) << synced;
    backlog_->Add(std::move(passwords));
    EXPECT_EQ(idle_[reading - 1].Wait(), reading);
    const absl::Status completed = opened_->SubmitAndWait(
        [&](Transaction& store) { return CompleteUsersFile(store, reading); });
    ASSERT_TRUE(completed.ok()) << completed;
    const TakenUsersFile file = store_.GetUsersFile().value().value();
    EXPECT_TRUE(file.complete);
    EXPECT_EQ(IsTaken(file, "digest", true), reading == 2);
    EXPECT_EQ(store_.GetUser("root")->user.role, reading == 1 ? Role::kAdministrator : Role::kUser);
  }
}

TEST_F(PasswordBacklogTest, AStopAnswersWhoWaitsAndTakesNothingMore) {
  std::vector<PasswordTask> tasks;
  for (int i = 0; i < kUsers; ++i) tasks.push_back(Task(Id(i), "a password"));
  backlog_->Add(tasks);
  std::vector<Moment> moments(kUsers);
  for (int i = 0; i < kUsers; ++i) {
    backlog_->WhenHashed(Id(i),
                         [moment = moments[static_cast<std::size_t>(i)]] { moment.Reach(); });
  }
  backlog_->Stop();
  for (const Moment& moment : moments) moment.Wait();
  backlog_->Add(tasks);
  AwaitHashed(Id(0));
}

// Each task that is replaced costs the same, however many wait: in a walk through them these would
// take hours.
TEST_F(PasswordBacklogTest, AFileThatComesAgainIsNoWorkForEachWhoWaits) {
  std::vector<PasswordTask> tasks;
  for (int i = 0; i < 200'000; ++i) tasks.push_back(Task(fmt::format("nobody{}", i), "a password"));
  for (int round = 0; round < 3; ++round) backlog_->Add(tasks);
  for (int i = 0; i < 100'000; ++i)
    backlog_->WhenHashed(tasks[static_cast<std::size_t>(i)].user, [] {});
  backlog_->Stop();
  EXPECT_THAT(log_.Take(), HasSubstr("passwords are left"));
}

}  // namespace
}  // namespace unipresence
