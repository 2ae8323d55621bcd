#include "server/metrics/readiness.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace unipresence {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

TEST(ReadinessTest, IsReadyWhenNobodyIsNot) {
  Readiness readiness;
  EXPECT_TRUE(readiness.IsReady());
  readiness.NotReady("store", "disk full");
  readiness.NotReady("pbx main", "connecting");
  EXPECT_FALSE(readiness.IsReady());
  EXPECT_THAT(readiness.Reasons(), ElementsAre("pbx main: connecting", "store: disk full"));
  readiness.Ready("store");
  EXPECT_FALSE(readiness.IsReady());
  readiness.NotReady("pbx main", "syncing");
  EXPECT_THAT(readiness.Reasons(), ElementsAre("pbx main: syncing"));
  readiness.Ready("pbx main");
  readiness.Ready("somebody unknown");
  EXPECT_TRUE(readiness.IsReady());
  EXPECT_THAT(readiness.Reasons(), IsEmpty());
}

}  // namespace
}  // namespace unipresence
