#include "server/account/user_counter.h"

#include <gtest/gtest.h>

#include <optional>

#include "aggregator/engine/engine.h"
#include "tests/testing/fake_clock.h"
#include "tests/testing/recording_sink.h"
#include "tests/testing/users.h"

namespace unipresence {
namespace {

// Runs what is posted when told to; refuses while `full`.
class Posted final : public Executor {
 public:
  bool Post(Command command) override {
    if (full) return false;
    waiting.push_back(std::move(command));
    return true;
  }
  void RunAll(Core& core) {
    while (!waiting.empty()) {
      Command next = std::move(waiting.front());
      waiting.erase(waiting.begin());
      std::move(next)(core);
      ++ran;
    }
  }

  std::vector<Command> waiting;
  bool full = false;
  int ran = 0;
};

class UserCounterTest : public ::testing::Test {
 protected:
  UserCounterTest() {
    const PbxIndex main = engine_.pbxs().Add("main", "127.0.0.1:5038");
    engine_.pbxs().Add("other", "127.0.0.1:5039");
    engine_.BeginResync(main, "22");
    engine_.EndResync(main);
    // More than one slice. Some have a line on the PBX that is not heard.
    for (int i = 0; i < 600; ++i) {
      User user = testing::UniqueAccount(i);
      if (i < 100) user.lines[1].pbx = "other";
      EXPECT_TRUE(engine_.AddUser(user, {}).ok());
    }
  }

  testing::FakeClock clock_;
  testing::RecordingSink sink_;
  Engine engine_{Engine::Options{.epoch = 7}, clock_, sink_};
  SessionTable sessions_{{}};
  Core core_{engine_, sessions_, clock_};
  Posted executor_;
  UserCounter counter_{executor_};
};

TEST_F(UserCounterTest, CountsByPbxInSlices) {
  std::optional<UserCounter::Result> result;
  counter_.Count(core_, [&](Core&, const UserCounter::Result& counted) { result = counted; });
  EXPECT_FALSE(result) << "all in one slice";
  executor_.RunAll(core_);
  ASSERT_TRUE(result);
  EXPECT_GE(executor_.ran, 2);
  ASSERT_EQ(result->by_pbx.size(), 2u);
  EXPECT_EQ(result->by_pbx[0].users, 600u);
  EXPECT_EQ(result->by_pbx[0].stale, 100u);
  EXPECT_EQ(result->by_pbx[1].users, 100u);
  EXPECT_EQ(result->by_pbx[1].stale, 100u);
  EXPECT_EQ(result->stale, 100u);
}

TEST_F(UserCounterTest, OneCountServesAllWhoAskMeanwhileAndForAWhile) {
  int answers = 0;
  const auto count = [&](Core&, const UserCounter::Result&) { ++answers; };
  counter_.Count(core_, count);
  counter_.Count(core_, count);
  executor_.RunAll(core_);
  EXPECT_EQ(answers, 2);
  const int ran = executor_.ran;
  counter_.Count(core_, count);
  EXPECT_EQ(answers, 3);
  EXPECT_TRUE(executor_.waiting.empty());
  clock_.Advance(UserCounter::kFresh);
  counter_.Count(core_, count);
  executor_.RunAll(core_);
  EXPECT_EQ(answers, 4);
  EXPECT_GT(executor_.ran, ran);
}

TEST_F(UserCounterTest, WithoutRoomThoseWhoAskAreDroppedAndTheNextIsServed) {
  auto held = std::make_shared<int>(0);
  executor_.full = true;
  counter_.Count(core_, [held](Core&, const UserCounter::Result&) { ++*held; });
  EXPECT_EQ(held.use_count(), 1) << "still waiting";
  EXPECT_EQ(*held, 0);
  executor_.full = false;
  counter_.Count(core_, [held](Core&, const UserCounter::Result&) { ++*held; });
  executor_.RunAll(core_);
  EXPECT_EQ(*held, 1);
}

}  // namespace
}  // namespace unipresence
