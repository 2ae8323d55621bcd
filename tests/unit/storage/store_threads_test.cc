#include "server/storage/store_threads.h"

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

#include "server/storage/sqlite/sqlite_database.h"
#include "tests/testing/answer.h"
#include "tests/testing/sync_sqlite_store.h"
#include "tests/testing/temp_folder.h"
#include "tests/testing/users.h"

namespace unipresence {
namespace {

using testing::Answer;
using ::testing::ElementsAre;
using testing::Moment;
using testing::SyncSqliteStore;
using testing::TempFolder;
using testing::UniqueAccount;

// For a command that has to be accepted.
void Submit(Store& store, Store::Work work, Store::Done done) {
  const absl::Status refused = store.Submit(std::move(work), std::move(done));
  EXPECT_TRUE(refused.ok()) << refused;
}

// A command that keeps the store thread busy until it is released, so that others gather behind it.
class Blocker {
 public:
  explicit Blocker(Store& thread) {
    Moment started;
    Submit(
        thread,
        [started, released = released_](Transaction&) {
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
absl::Status RunAndWait(Store& thread, Store::Work work) {
  Answer<absl::Status> answer;
  Submit(thread, std::move(work), answer);
  return answer.Wait();
}

class StoreThreadsTest : public ::testing::Test {
 protected:
  static Store::Work Create(int i) {
    return [i](Transaction& store) { return store.users.Create({UniqueAccount(i), ""}); };
  }
  std::uint64_t Users() { return store_->CountUsers(std::nullopt).value(); }

  // Opens the store again.
  Store& Open(StoreOptions options) {
    store_.reset();
    options.path = folder_.File("a.db");
    store_ = SyncSqliteStore::Open(std::move(options)).value();
    return store_->store();
  }

  TempFolder folder_;
  std::unique_ptr<SyncSqliteStore> store_ =
      SyncSqliteStore::Open({.path = folder_.File("a.db")}).value();
};

TEST_F(StoreThreadsTest, AnswersAfterTheCommit) {
  Store& thread = store_->store();
  auto reader = SqliteDatabase::Open({.path = folder_.File("a.db")}).value();
  for (int i = 0; i < 20; ++i) {
    ASSERT_TRUE(RunAndWait(thread, Create(i)).ok());
    // Another connection sees only what is committed.
    SqliteStatement count = reader->Prepare("SELECT count(*) FROM users");
    ASSERT_TRUE(count.Step().value());
    EXPECT_EQ(count.Int(0), i + 1);
  }
}

TEST_F(StoreThreadsTest, GathersWhatWaitsIntoOneTransactionAndAnswersInOrder) {
  std::vector<int> answers;
  {
    Store& thread = store_->store();
    Blocker blocker(thread);
    for (int i = 0; i < 100; ++i) {
      Submit(thread, Create(i), [&, i](absl::Status status) {
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

TEST_F(StoreThreadsTest, OneFailureUndoesItselfOnly) {
  std::vector<absl::StatusCode> codes;
  Store& thread = store_->store();
  Blocker blocker(thread);
  const auto note = [&](absl::Status status) { codes.push_back(status.code()); };
  Submit(thread, Create(1), note);
  Submit(
      thread,
      [](Transaction& store) -> absl::Status {
        EXPECT_TRUE(store.users.Create({UniqueAccount(2), ""}).ok());
        return store.settings.SetDoNotDisturb("nobody", true);
      },
      note);
  Submit(thread, Create(1), note);
  Submit(thread, Create(3), note);
  blocker.Release();
  thread.Stop();
  EXPECT_THAT(codes, ElementsAre(absl::StatusCode::kOk, absl::StatusCode::kNotFound,
                                 absl::StatusCode::kAlreadyExists, absl::StatusCode::kOk));
  EXPECT_EQ(Users(), 2u);
  EXPECT_FALSE(store_->GetUser("user2").ok());
}

TEST_F(StoreThreadsTest, NobodyIsToldOkWhenTheCommitFails) {
  std::vector<absl::Status> answers;
  Store& thread = store_->store();
  Blocker blocker(thread);
  const auto note = [&](absl::Status status) { answers.push_back(std::move(status)); };
  Submit(thread, Create(1), note);
  Submit(
      thread,
      [&](Transaction&) {
        return store_->database().Execute(
            "PRAGMA defer_foreign_keys = ON; INSERT INTO settings (user_number) VALUES (99)");
      },
      note);
  Moment answered;
  Submit(
      thread, [](Transaction& store) { return store.users.Delete("nobody"); },
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

TEST_F(StoreThreadsTest, NobodyIsToldOkWhenTheDatabaseUndidTheTransaction) {
  std::vector<bool> answers;
  Store& thread = store_->store();
  Blocker blocker(thread);
  const auto note = [&](absl::Status status) { answers.push_back(status.ok()); };
  Submit(thread, Create(1), note);
  Submit(
      thread,
      [&](Transaction&) {
        return store_->database().Execute(
            "INSERT OR ROLLBACK INTO write_check (number, time) VALUES (1, 0)");
      },
      note);
  Submit(thread, Create(2), note);
  blocker.Release();
  thread.Stop();
  EXPECT_THAT(answers, ElementsAre(false, false, false));
  EXPECT_EQ(Users(), 0u);
}

TEST_F(StoreThreadsTest, NobodyIsToldOkWhenTheTransactionCannotBegin) {
  auto store = SyncSqliteStore::Open(
                   {.path = folder_.File("b.db"), .busy_timeout = std::chrono::milliseconds(1)})
                   .value();
  auto other = SqliteDatabase::Open({.path = folder_.File("b.db")}).value();
  Store& thread = store->store();
  ASSERT_TRUE(other->Execute("BEGIN IMMEDIATE").ok());
  bool ran = false;
  EXPECT_TRUE(absl::IsUnavailable(RunAndWait(thread, [&](Transaction&) {
    ran = true;
    return absl::OkStatus();
  })));
  EXPECT_FALSE(ran);
  ASSERT_TRUE(other->Execute("ROLLBACK").ok());
  EXPECT_TRUE(RunAndWait(thread, Create(1)).ok());
}

TEST_F(StoreThreadsTest, AFullQueueRefusesAtOnceAndNothingElseHappens) {
  Store& thread = Open({.queue_capacity = 2});
  Blocker blocker(thread);
  Submit(thread, Create(1), [](absl::Status status) { EXPECT_TRUE(status.ok()); });
  Submit(thread, Create(2), [](absl::Status status) { EXPECT_TRUE(status.ok()); });
  const absl::Status refusal = thread.Submit(
      Create(3), [](absl::Status) { ADD_FAILURE() << "called though the command was refused"; });
  EXPECT_TRUE(absl::IsResourceExhausted(refusal)) << refusal;
  EXPECT_EQ(thread.probe().refused.value(), 1u);
  blocker.Release();
  thread.Stop();
  EXPECT_EQ(Users(), 2u);
}

TEST_F(StoreThreadsTest, StopsAfterWhatWaitsAndRefusesTheRest) {
  int answered = 0;
  Store& thread = Open({.max_batch = 3});
  Blocker blocker(thread);
  for (int i = 0; i < 10; ++i) {
    Submit(thread, Create(i), [&](absl::Status status) {
      EXPECT_TRUE(status.ok()) << status;
      ++answered;
    });
  }
  blocker.Release();
  thread.Stop();
  EXPECT_EQ(answered, 10);
  thread.Stop();
  const absl::Status refusal = thread.Submit(
      Create(11), [](absl::Status) { ADD_FAILURE() << "called though the command was refused"; });
  EXPECT_TRUE(absl::IsUnavailable(refusal)) << refusal;
  EXPECT_EQ(Users(), 10u);
}

TEST_F(StoreThreadsTest, AnAnswerMaySubmitTheNextCommand) {
  Answer<absl::Status> second;
  Store& thread = store_->store();
  Submit(thread, Create(1), [&](absl::Status) { Submit(thread, Create(2), second); });
  EXPECT_TRUE(second.Wait().ok());
}

TEST_F(StoreThreadsTest, CallHandsOverTheResultOrTheError) {
  Store& thread = store_->store();
  ASSERT_TRUE(RunAndWait(thread, Create(1)).ok());
  const auto get = [&](const std::string& id) {
    Answer<absl::StatusOr<StoredUser>> answer;
    const absl::Status refused =
        thread.Call<StoredUser>([id](Transaction& store) { return store.users.Get(id); }, answer);
    EXPECT_TRUE(refused.ok()) << refused;
    return answer.Wait();
  };
  EXPECT_EQ(get("user1")->user, UniqueAccount(1));
  EXPECT_TRUE(absl::IsNotFound(get("user2").status()));
}

TEST_F(StoreThreadsTest, EachOfManySubmittersGetsEachAnswerOnce) {
  constexpr int kThreads = 4;
  constexpr int kCommands = 500;
  std::atomic<int> ok = 0;
  std::atomic<int> refused = 0;
  {
    Store& thread = Open({.queue_capacity = 64});
    ASSERT_TRUE(RunAndWait(thread, Create(0)).ok());
    std::vector<std::thread> submitters;
    for (int t = 0; t < kThreads; ++t) {
      submitters.emplace_back([&] {
        for (int i = 0; i < kCommands; ++i) {
          const absl::Status refusal = thread.Submit(
              [i](Transaction& store) {
                return store.settings.SetDoNotDisturb("user0", i % 2 == 0);
              },
              [&](const absl::Status& status) {
                EXPECT_TRUE(status.ok()) << status;
                ++ok;
              });
          if (!refusal.ok()) ++refused;
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
TEST_F(StoreThreadsTest, WritesManySelections) {
  const char* asked = std::getenv("UNIPRESENCE_STORE_WRITES");
  const int writes = asked != nullptr ? std::atoi(asked) : 2'000;
  constexpr int kUsers = 100;
  for (int i = 0; i < kUsers; ++i) {
    ASSERT_TRUE(store_->CreateUser({UniqueAccount(i), ""}).ok());
  }
  const auto select = [](int i) {
    return [i](Transaction& store) {
      return store.settings.SetSelectedDevice(
          UniqueAccount(i % kUsers).id,
          i / kUsers % 2 == 0 ? LineKind::kWebrtc : LineKind::kDeskphone);
    };
  };
  const auto seconds_since = [](std::chrono::steady_clock::time_point begin) {
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  };
  Store& thread = Open({.queue_capacity = static_cast<std::size_t>(writes)});
  auto begin = std::chrono::steady_clock::now();
  for (int i = 0; i < writes / 10; ++i) ASSERT_TRUE(RunAndWait(thread, select(i)).ok());
  fmt::print("one at a time: {:.0f} writes/s\n", writes / 10 / seconds_since(begin));

  std::atomic<int> answered = 0;
  begin = std::chrono::steady_clock::now();
  for (int i = 0; i < writes; ++i) {
    Submit(thread, select(i), [&](absl::Status status) { answered += status.ok() ? 1 : 0; });
  }
  thread.Stop();
  fmt::print("all at once: {:.0f} writes/s\n", writes / seconds_since(begin));
  EXPECT_EQ(answered, writes);
}

}  // namespace
}  // namespace unipresence
