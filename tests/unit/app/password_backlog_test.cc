#include "server/app/password_backlog.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "server/storage/sqlite_store.h"
#include "tests/testing/answer.h"
#include "tests/testing/fake_clock.h"
#include "tests/testing/log_capture.h"
#include "tests/testing/users.h"

namespace unipresence {
namespace {

using testing::Answer;
using ::testing::HasSubstr;
using testing::Moment;
using testing::UniqueAccount;

constexpr int kUsers = 200;  // of some seconds

PasswordTask Task(const std::string& user, const std::string& password) {
  return {.user = user, .password = password, .held = std::string(kPasswordPending)};
}

class PasswordBacklogTest : public ::testing::Test {
 protected:
  PasswordBacklogTest() : store_(SqliteStore::Open({.path = ":memory:"}).value()) {
    for (int i = 0; i < kUsers; ++i) {
      EXPECT_TRUE(store_->CreateUser({UniqueAccount(i), std::string(kPasswordPending)}).ok());
    }
    thread_ = std::make_unique<StoreThread>(StoreThread::Options{}, *store_);
    backlog_ = std::make_unique<PasswordBacklog>(
        PasswordBacklog::Ports{.store = *thread_,
                               .hasher = hasher_,
                               .clock = clock_,
                               .changed = [](const StoredUser&) {},
                               .idle = [this] { idle_.Reach(); }});
  }

  static std::string Id(int i) { return UniqueAccount(i).id; }
  void AwaitHashed(const std::string& user) {
    Moment done;
    backlog_->WhenHashed(user, [done] { done.Reach(); });
    done.Wait();
  }
  // What is hashed meanwhile cannot be stored before that.
  void HoldStore(Moment until) {
    thread_->Submit(
        [until](Store&) {
          until.Wait();
          return absl::OkStatus();
        },
        [](absl::Status) {});
  }
  std::string HashOf(const std::string& user) {
    Answer<absl::StatusOr<StoredUser>> answer;
    thread_->Call<StoredUser>([user](Store& store) { return store.GetUser(user); }, answer);
    return answer.Wait().value().password_hash;
  }
  bool IsPassword(const std::string& user, const std::string& password) {
    Answer<absl::StatusOr<bool>> answer;
    hasher_.Verify(HashOf(user), password, answer);
    return answer.Wait().value();
  }

  testing::LogCapture log_;
  testing::FakeClock clock_;
  auth::PasswordHasher hasher_{{}};
  std::unique_ptr<SqliteStore> store_;
  std::unique_ptr<StoreThread> thread_;
  Moment idle_;
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
  idle_.Wait();
  for (int i = 0; i < 4; ++i) EXPECT_TRUE(IsPassword(Id(i), "a password"));
}

// A newer file that comes while the task of the older one runs and the other hasher is free.
TEST_F(PasswordBacklogTest, TheNewerFileCountsThoughTheOlderTaskRuns) {
  Moment added;
  HoldStore(added);
  backlog_->Add({Task(Id(0), "the old password")});
  backlog_->Add({Task(Id(0), "the new password")});
  added.Reach();
  idle_.Wait();
  EXPECT_TRUE(IsPassword(Id(0), "the new password"));
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
