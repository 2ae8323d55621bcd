#include "clients/cli/nearest.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace unipresence::cli {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

TEST(NearestTest, WhatMayBeMeant) {
  const std::vector<std::string> words = {"list", "login", "logout", "watch", "IN_USE", "dnd"};
  EXPECT_THAT(Nearest("lsit", words), ElementsAre("list"));
  EXPECT_THAT(Nearest("in-us", words), ElementsAre("IN_USE"));
  EXPECT_THAT(Nearest("log", words), ElementsAre("login", "logout")) << "their beginning";
  EXPECT_THAT(Nearest("nonsense", words), IsEmpty());
  EXPECT_THAT(Nearest("", words), IsEmpty());
  EXPECT_THAT(Nearest(std::string(100'000, 'x'), words), IsEmpty());
  EXPECT_EQ(DidYouMean("lsit", words), "; did you mean 'list'?");
  EXPECT_EQ(DidYouMean("log", words), "; did you mean 'login' or 'logout'?");
  EXPECT_EQ(DidYouMean("nonsense", words), "");
}

}  // namespace
}  // namespace unipresence::cli
