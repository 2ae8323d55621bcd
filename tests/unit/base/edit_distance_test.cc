#include "aggregator/base/edit_distance.h"

#include <gtest/gtest.h>

namespace unipresence {
namespace {

TEST(EditDistanceTest, CountsLetters) {
  EXPECT_EQ(EditDistance("list", "list"), 0U);
  EXPECT_EQ(EditDistance("LIST", "list"), 0U);
  EXPECT_EQ(EditDistance("no_answer", "no-answer"), 0U);
  EXPECT_EQ(EditDistance("lst", "list"), 1U);
  EXPECT_EQ(EditDistance("lsit", "list"), 1U) << "exchanged";
  EXPECT_EQ(EditDistance("", "list"), 4U);
  EXPECT_EQ(EditDistance("", ""), 0U);
}

}  // namespace
}  // namespace unipresence
