#ifndef UNIPRESENCE_TESTS_TESTING_ACCOUNT_ROOM_H_
#define UNIPRESENCE_TESTS_TESTING_ACCOUNT_ROOM_H_

// What the accounts stand on, for tests of them: a store, an engine, and a pipeline that is the
// test's own thread, which runs commands when the test says so.
//
//   AccountRoom room;
//   room.AddUser(UniqueAccount("alice", "101"));
//   SettingsCommands settings(room.context());
//   const auto stored = room.Run<absl::StatusOr<StoredUser>>([&](auto done) { ... });

#include <gtest/gtest.h>

#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/functional/function_ref.h"
#include "aggregator/base/mutex.h"
#include "aggregator/engine/engine.h"
#include "aggregator/engine/session_table.h"
#include "aggregator/pipeline/executor.h"
#include "server/account/account_context.h"
#include "server/account/change_feed.h"
#include "server/account/session_keeper.h"
#include "server/account/stored_leases.h"
#include "server/storage/open_store.h"
#include "tests/testing/fake_clock.h"
#include "tests/testing/recording_sink.h"
#include "tests/testing/temp_folder.h"

namespace unipresence::testing {

// Commands wait until the test runs them. Post is thread-safe.
class WaitingCommands final : public Executor {
 public:
  bool Post(Command command) override {
    {
      MutexLock lock(mutex_);
      if (refusing_) {
        ++refused_;
        return false;
      }
      queue_.push_back(std::move(command));
    }
    posted_.notify_one();
    return true;
  }
  // The next one; waits for it.
  Command Take() {
    MutexLock lock(mutex_);
    while (queue_.empty()) posted_.wait(mutex_);
    Command command = std::move(queue_.front());
    queue_.pop_front();
    return command;
  }
  std::size_t size() {
    MutexLock lock(mutex_);
    return queue_.size();
  }
  // While true every Post is refused, as with a full queue.
  void Refuse(bool refuse) {
    MutexLock lock(mutex_);
    refusing_ = refuse;
  }
  std::size_t refused() {
    MutexLock lock(mutex_);
    return refused_;
  }

 private:
  Mutex mutex_;
  ConditionVariable posted_;
  std::deque<Command> queue_ ABSL_GUARDED_BY(mutex_);
  bool refusing_ ABSL_GUARDED_BY(mutex_) = false;
  std::size_t refused_ ABSL_GUARDED_BY(mutex_) = 0;
};

class AccountRoom {
 public:
  // `store` needs no path and no clock.
  explicit AccountRoom(SessionTable::Options sessions = {}, StoreOptions store = {})
      : sessions_(WithJumps(sessions)), core_{engine_, sessions_, clock_} {
    engine_.pbxs().Add("main", "127.0.0.1:5038");
    store.path = folder_.File("store.db");
    store.clock = &clock_;
    auto opened = OpenStore(std::move(store));
    EXPECT_TRUE(opened.ok()) << opened.status();
    store_ = *std::move(opened);
    leases_ = std::make_unique<StoredLeases>(*store_, commands_);
    keeper_ = std::make_unique<SessionKeeper>(*leases_, probe_,
                                              [this](std::string id) { ended_.push_back(id); });
    feed_ = std::make_unique<ChangeFeed>(*store_, commands_, *keeper_);
    context_ = std::make_unique<AccountContext>(
        AccountContext{commands_, *store_, *feed_, clock_, *keeper_, probe_});
  }
  ~AccountRoom() { store_->Stop(); }

  const AccountContext& context() const { return *context_; }
  Core& core() { return core_; }
  Engine& engine() { return engine_; }
  FakeClock& clock() { return clock_; }
  SessionKeeper& keeper() { return *keeper_; }
  ChangeFeed& feed() { return *feed_; }
  const RecordingSink& sink() const { return sink_; }
  Store& store() { return *store_; }
  WaitingCommands& commands() { return commands_; }
  const AccountProbe& probe() const { return probe_; }
  // Sessions that ended, in order.
  const std::vector<std::string>& ended() const { return ended_; }

  // To the store and, by the feed, to the engine.
  void AddUser(const User& user, const std::string& password_hash = {}) {
    const absl::Status added = Change([&](Transaction& transaction) {
      return transaction.users.Create({.user = user, .password_hash = password_hash});
    });
    EXPECT_TRUE(added.ok()) << added;
  }
  // A command of the store, until the engine goes by it.
  absl::Status Change(const std::function<absl::Status(Transaction&)>& work) {
    return Run<absl::Status>([&](std::function<void(absl::Status)> done) {
      feed_->Call<bool>(
          [&](Transaction& transaction) -> absl::StatusOr<bool> {
            if (absl::Status status = work(transaction); !status.ok()) return status;
            return true;
          },
          [done = std::move(done)](Core*, const absl::StatusOr<bool>& changed) {
            done(changed.status());
          });
    });
  }

  // A command of the store, which the engine does not learn of before the commands are run.
  absl::Status InStore(absl::FunctionRef<absl::Status(Transaction&)> work) {
    return store_->SubmitAndWait(work);
  }
  StoredUser Stored(const std::string& id) {
    StoredUser user;
    EXPECT_TRUE(InStore([&](Transaction& transaction) {
                  absl::StatusOr<StoredUser> got = transaction.users.Get(id);
                  if (got.ok()) user = *got;
                  return got.status();
                }).ok());
    return user;
  }
  Presence PresenceOf(const std::string& id) {
    Presence presence;
    engine_.Read(id, [&](const PresenceSource::Entry& entry) { presence = entry.presence; });
    return presence;
  }

  // Runs the next command, which it waits for.
  void RunNext() { commands_.Take()(core_); }
  // Calls `start(done)` and runs commands until `done` was called with a T.
  template <typename T>
  T Run(const std::function<void(std::function<void(T)>)>& start) {
    auto result = std::make_shared<std::optional<T>>();
    start([this, result](T value) {
      // Whatever thread it comes on, it is seen on the test's.
      commands_.Post(
          [result, value = std::move(value)](Core&) mutable { *result = std::move(value); });
    });
    while (!result->has_value()) RunNext();
    return **result;
  }

 private:
  // The fake clock jumps, which is no pause.
  static SessionTable::Options WithJumps(SessionTable::Options options) {
    options.longest_pause = Duration::max();
    return options;
  }

  TempFolder folder_;
  FakeClock clock_;
  RecordingSink sink_;
  Engine engine_{Engine::Options{.epoch = 7}, clock_, sink_};
  SessionTable sessions_;
  Core core_;
  WaitingCommands commands_;
  AccountProbe probe_;
  std::vector<std::string> ended_;
  std::unique_ptr<Store> store_;
  std::unique_ptr<StoredLeases> leases_;
  std::unique_ptr<SessionKeeper> keeper_;
  std::unique_ptr<ChangeFeed> feed_;
  std::unique_ptr<AccountContext> context_;
};

}  // namespace unipresence::testing

#endif  // UNIPRESENCE_TESTS_TESTING_ACCOUNT_ROOM_H_
