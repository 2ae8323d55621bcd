#include "server/storage/store_thread.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdlib>
#include <string>
#include <thread>
#include <vector>

#include "server/storage/sqlite_database.h"
#include "server/storage/sqlite_store.h"
#include "tests/testing/answer.h"
#include "tests/testing/temp_folder.h"
#include "tests/testing/users.h"

namespace unipresence {
namespace {

using testing::Answer;
using ::testing::ElementsAre;
using testing::Moment;
using testing::TempFolder;
using testing::UniqueAccount;

// A command that keeps the store thread busy until it is released, so that others gather behind it.
class Blocker {
 public:
  explicit Blocker(StoreThread& thread) {
    Moment started;
    thread.Submit(
        [started, released = released_](Store&) {
          started.Reach();
          released.Wait();
          return absl::OkStatus();
        },
        [](absl::Status) {});
    started.Wait();
  }
  void Release() { released_.Reach(); }

 private:
  Moment released_;
};

// Submits and waits for the answer.
absl::Status RunAndWait(StoreThread& thread, StoreThread::Work work) {
  Answer<absl::Status> answer;
  thread.Submit(std::move(work), answer);
  return answer.Wait();
}

class StoreThreadTest : public ::testing::Test {
 protected:
  static StoreThread::Work Create(int i) {
    return [i](Store& store) { return store.CreateUser({UniqueAccount(i), ""}); };
  }
  std::uint64_t Users() { return store_->CountUsers(std::nullopt).value(); }

  TempFolder folder_;
  std::unique_ptr<SqliteStore> store_ = SqliteStore::Open({.path = folder_.File("a.db")}).value();
};

TEST_F(StoreThreadTest, AnswersAfterTheCommit) {
  StoreThread thread({}, *store_);
  auto reader = SqliteDatabase::Open({.path = folder_.File("a.db")}).value();
  for (int i = 0; i < 20; ++i) {
    ASSERT_TRUE(RunAndWait(thread, Create(i)).ok());
    // Another connection sees only what is committed.
    SqliteStatement count = reader->Prepare("SELECT count(*) FROM users");
    ASSERT_TRUE(count.Step().value());
    EXPECT_EQ(count.Int(0), i + 1);
  }
}

TEST_F(StoreThreadTest, GathersWhatWaitsIntoOneTransactionAndAnswersInOrder) {
  std::vector<int> answers;
  {
    StoreThread thread({}, *store_);
    Blocker blocker(thread);
    for (int i = 0; i < 100; ++i) {
      thread.Submit(Create(i), [&, i](absl::Status status) {
        EXPECT_TRUE(status.ok()) << status;
        answers.push_back(i);
      });
    }
    EXPECT_EQ(thread.probe().queue_depth.value(), 100);
    blocker.Release();
    thread.Stop();
    EXPECT_EQ(thread.probe().queue_depth.value(), 0);
    EXPECT_EQ(thread.probe().commands.value(), 101u);
    EXPECT_EQ(thread.probe().batch_size.Read().count, 2u);
    EXPECT_EQ(thread.probe().commit_micros.Read().count, 2u);
  }
  ASSERT_EQ(answers.size(), 100u);
  EXPECT_TRUE(std::is_sorted(answers.begin(), answers.end()));
  EXPECT_EQ(Users(), 100u);
}

TEST_F(StoreThreadTest, OneFailureUndoesItselfOnly) {
  std::vector<absl::StatusCode> codes;
  StoreThread thread({}, *store_);
  Blocker blocker(thread);
  const auto note = [&](absl::Status status) { codes.push_back(status.code()); };
  thread.Submit(Create(1), note);
  thread.Submit(
      [](Store& store) -> absl::Status {
        EXPECT_TRUE(store.CreateUser({UniqueAccount(2), ""}).ok());
        return store.SetDoNotDisturb("nobody", true);
      },
      note);
  thread.Submit(Create(1), note);
  thread.Submit(Create(3), note);
  blocker.Release();
  thread.Stop();
  EXPECT_THAT(codes, ElementsAre(absl::StatusCode::kOk, absl::StatusCode::kNotFound,
                                 absl::StatusCode::kAlreadyExists, absl::StatusCode::kOk));
  EXPECT_EQ(Users(), 2u);
  EXPECT_FALSE(store_->GetUser("user2").ok());
}

TEST_F(StoreThreadTest, NobodyIsToldOkWhenTheCommitFails) {
  std::vector<absl::Status> answers;
  StoreThread thread({}, *store_);
  Blocker blocker(thread);
  const auto note = [&](absl::Status status) { answers.push_back(std::move(status)); };
  thread.Submit(Create(1), note);
  thread.Submit(
      [&](Store&) {
        return store_->database().Execute(
            "PRAGMA defer_foreign_keys = ON; INSERT INTO settings (user_number) VALUES (99)");
      },
      note);
  Moment answered;
  thread.Submit([](Store& store) { return store.DeleteUser("nobody"); },
                [&](absl::Status status) {
                  note(std::move(status));
                  answered.Reach();
                });
  blocker.Release();
  answered.Wait();
  EXPECT_TRUE(RunAndWait(thread, Create(5)).ok());  // the next transaction
  thread.Stop();
  ASSERT_EQ(answers.size(), 3u);
  EXPECT_EQ(answers[0].code(), absl::StatusCode::kInternal) << answers[0];
  EXPECT_EQ(answers[1].code(), absl::StatusCode::kInternal);
  EXPECT_EQ(answers[2].code(), absl::StatusCode::kNotFound) << "its own reason is the better one";
  EXPECT_EQ(thread.probe().failed_commits.value(), 1u);
  EXPECT_EQ(Users(), 1u);
}

TEST_F(StoreThreadTest, NobodyIsToldOkWhenTheDatabaseUndidTheTransaction) {
  std::vector<bool> answers;
  StoreThread thread({}, *store_);
  Blocker blocker(thread);
  const auto note = [&](absl::Status status) { answers.push_back(status.ok()); };
  thread.Submit(Create(1), note);
  thread.Submit(
      [&](Store&) {
        return store_->database().Execute(
            "INSERT OR ROLLBACK INTO write_check (number, time) VALUES (1, 0)");
      },
      note);
  thread.Submit(Create(2), note);
  blocker.Release();
  thread.Stop();
  EXPECT_THAT(answers, ElementsAre(false, false, false));
  EXPECT_EQ(Users(), 0u);
}

TEST_F(StoreThreadTest, NobodyIsToldOkWhenTheTransactionCannotBegin) {
  auto store = SqliteStore::Open(
                   {.path = folder_.File("b.db"), .busy_timeout = std::chrono::milliseconds(1)})
                   .value();
  auto other = SqliteDatabase::Open({.path = folder_.File("b.db")}).value();
  StoreThread thread({}, *store);
  ASSERT_TRUE(other->Execute("BEGIN IMMEDIATE").ok());
  bool ran = false;
  EXPECT_TRUE(absl::IsUnavailable(RunAndWait(thread, [&](Store&) {
    ran = true;
    return absl::OkStatus();
  })));
  EXPECT_FALSE(ran);
  ASSERT_TRUE(other->Execute("ROLLBACK").ok());
  EXPECT_TRUE(RunAndWait(thread, Create(1)).ok());
}

TEST_F(StoreThreadTest, AFullQueueRefusesAtOnceAndOnTheCallersThread) {
  StoreThread thread({.queue_capacity = 2}, *store_);
  Blocker blocker(thread);
  thread.Submit(Create(1), [](absl::Status status) { EXPECT_TRUE(status.ok()); });
  thread.Submit(Create(2), [](absl::Status status) { EXPECT_TRUE(status.ok()); });
  absl::Status refusal;
  std::thread::id where;
  thread.Submit(Create(3), [&](absl::Status status) {
    refusal = std::move(status);
    where = std::this_thread::get_id();
  });
  EXPECT_TRUE(absl::IsResourceExhausted(refusal)) << refusal;
  EXPECT_EQ(where, std::this_thread::get_id());
  EXPECT_EQ(thread.probe().refused.value(), 1u);
  blocker.Release();
  thread.Stop();
  EXPECT_EQ(Users(), 2u);
}

TEST_F(StoreThreadTest, StopsAfterWhatWaitsAndRefusesTheRest) {
  int answered = 0;
  StoreThread thread({.max_batch = 3}, *store_);
  Blocker blocker(thread);
  for (int i = 0; i < 10; ++i) {
    thread.Submit(Create(i), [&](absl::Status status) {
      EXPECT_TRUE(status.ok()) << status;
      ++answered;
    });
  }
  blocker.Release();
  thread.Stop();
  EXPECT_EQ(answered, 10);
  thread.Stop();
  absl::Status refusal;
  thread.Submit(Create(11), [&](absl::Status status) { refusal = std::move(status); });
  EXPECT_TRUE(absl::IsUnavailable(refusal)) << refusal;
  EXPECT_EQ(Users(), 10u);
}

TEST_F(StoreThreadTest, AnAnswerMaySubmitTheNextCommand) {
  Answer<absl::Status> second;
  StoreThread thread({}, *store_);
  thread.Submit(Create(1), [&](absl::Status) { thread.Submit(Create(2), second); });
  EXPECT_TRUE(second.Wait().ok());
}

TEST_F(StoreThreadTest, CallHandsOverTheResultOrTheError) {
  StoreThread thread({}, *store_);
  ASSERT_TRUE(RunAndWait(thread, Create(1)).ok());
  const auto get = [&](const std::string& id) {
    Answer<absl::StatusOr<StoredUser>> answer;
    thread.Call<StoredUser>([id](Store& store) { return store.GetUser(id); }, answer);
    return answer.Wait();
  };
  EXPECT_EQ(get("user1")->user, UniqueAccount(1));
  EXPECT_TRUE(absl::IsNotFound(get("user2").status()));
}

TEST_F(StoreThreadTest, EachOfManySubmittersGetsEachAnswerOnce) {
  constexpr int kThreads = 4;
  constexpr int kCommands = 500;
  std::atomic<int> ok = 0;
  std::atomic<int> refused = 0;
  {
    StoreThread thread({.queue_capacity = 64}, *store_);
    ASSERT_TRUE(RunAndWait(thread, Create(0)).ok());
    std::vector<std::thread> submitters;
    for (int t = 0; t < kThreads; ++t) {
      submitters.emplace_back([&] {
        for (int i = 0; i < kCommands; ++i) {
          thread.Submit([i](Store& store) { return store.SetDoNotDisturb("user0", i % 2 == 0); },
                        [&](absl::Status status) { ++(status.ok() ? ok : refused); });
        }
      });
    }
    for (std::thread& submitter : submitters) submitter.join();
    thread.Stop();
    EXPECT_EQ(thread.probe().refused.value(), static_cast<std::uint64_t>(refused));
  }
  EXPECT_EQ(ok + refused, kThreads * kCommands);
  EXPECT_GT(ok, 0);
}

// Prints what group commit gives; UNIPRESENCE_STORE_WRITES sets the number of writes.
TEST_F(StoreThreadTest, WritesManySelections) {
  const char* asked = std::getenv("UNIPRESENCE_STORE_WRITES");
  const int writes = asked != nullptr ? std::atoi(asked) : 2'000;
  constexpr int kUsers = 100;
  for (int i = 0; i < kUsers; ++i) {
    ASSERT_TRUE(store_->CreateUser({UniqueAccount(i), ""}).ok());
  }
  const auto select = [](int i) {
    return [i](Store& store) {
      return store.SetSelectedDevice(UniqueAccount(i % kUsers).id, i / kUsers % 2 == 0
                                                                       ? LineKind::kWebrtc
                                                                       : LineKind::kDeskphone);
    };
  };
  const auto seconds_since = [](std::chrono::steady_clock::time_point begin) {
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  };
  StoreThread thread({.queue_capacity = static_cast<std::size_t>(writes)}, *store_);
  auto begin = std::chrono::steady_clock::now();
  for (int i = 0; i < writes / 10; ++i) ASSERT_TRUE(RunAndWait(thread, select(i)).ok());
  fmt::print("one at a time: {:.0f} writes/s\n", writes / 10 / seconds_since(begin));

  std::atomic<int> answered = 0;
  begin = std::chrono::steady_clock::now();
  for (int i = 0; i < writes; ++i) {
    thread.Submit(select(i), [&](absl::Status status) { answered += status.ok() ? 1 : 0; });
  }
  thread.Stop();
  fmt::print("all at once: {:.0f} writes/s\n", writes / seconds_since(begin));
  EXPECT_EQ(answered, writes);
}

}  // namespace
}  // namespace unipresence
