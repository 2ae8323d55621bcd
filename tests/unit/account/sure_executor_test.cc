#include "server/account/sure_executor.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <vector>

#include "tests/testing/account_room.h"

namespace unipresence {
namespace {

using ::testing::ElementsAre;

class SureExecutorTest : public ::testing::Test {
 protected:
  // Posts a command that says its number; `*held` lives as long as the command.
  bool Post(int number) {
    return executor_.Post([this, number, held = held_](Core&) { ran_.push_back(number); });
  }
  void RunAll() {
    while (pipeline_.size() > 0) pipeline_.Take()(room_.core());
  }
  long held() const { return held_.use_count() - 1; }

  testing::AccountRoom room_;
  testing::WaitingCommands pipeline_;
  SureExecutor executor_{pipeline_};
  std::vector<int> ran_;
  std::shared_ptr<int> held_ = std::make_shared<int>();
};

TEST_F(SureExecutorTest, PassesOnWhatThePipelineTakes) {
  EXPECT_TRUE(Post(1));
  EXPECT_TRUE(Post(2));
  EXPECT_EQ(pipeline_.size(), 2u);
  EXPECT_TRUE(ran_.empty());
  RunAll();
  EXPECT_THAT(ran_, ElementsAre(1, 2));
  EXPECT_EQ(held(), 0);
}

TEST_F(SureExecutorTest, WhatIsRefusedComesLaterInOrder) {
  EXPECT_TRUE(Post(1));
  pipeline_.Refuse(true);
  EXPECT_TRUE(Post(2));
  EXPECT_TRUE(Post(3));
  executor_.Retry();
  pipeline_.Refuse(false);
  EXPECT_EQ(pipeline_.size(), 1u);
  // The next one does not overtake them.
  EXPECT_TRUE(Post(4));
  RunAll();
  EXPECT_THAT(ran_, ElementsAre(1, 2, 3, 4));
  pipeline_.Refuse(true);
  EXPECT_TRUE(Post(5));
  pipeline_.Refuse(false);
  executor_.Retry();
  RunAll();
  EXPECT_THAT(ran_, ElementsAre(1, 2, 3, 4, 5));
}

TEST_F(SureExecutorTest, AServerThatStopsWaitsForNothing) {
  pipeline_.Refuse(true);
  EXPECT_TRUE(Post(1));
  EXPECT_EQ(held(), 1);
  executor_.Stop();
  EXPECT_EQ(held(), 0) << "destroyed unrun, which answers it";
  EXPECT_FALSE(Post(2));
  EXPECT_EQ(held(), 0);
  pipeline_.Refuse(false);
  EXPECT_TRUE(Post(3)) << "there is room";
  RunAll();
  EXPECT_THAT(ran_, ElementsAre(3));
}

}  // namespace
}  // namespace unipresence
