#include "aggregator/base/arguments.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace unipresence {
namespace {

using ::testing::ElementsAre;

TEST(ArgumentsTest, AnEmptyValueIsAWordOfItsOwn) {
  const std::vector<std::string> arguments = {
      "on", "--user=", "--a==", "-x=", "--b=c", "--", "--d="};
  EXPECT_THAT(SeparateEmptyValues(arguments),
              ElementsAre("on", "--user", "", "--a==", "-x=", "--b=c", "--", "--d="));
}

}  // namespace
}  // namespace unipresence
