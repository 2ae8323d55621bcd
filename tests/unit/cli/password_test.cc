#include "clients/cli/password.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/testing/temp_folder.h"

namespace unipresence::cli {
namespace {

using ::testing::HasSubstr;

class PasswordTest : public ::testing::Test {
 protected:
  absl::StatusOr<std::string> ReadOf(const std::string& text) {
    return ReadPassword({.file = folder_.Write("password", text), .from_stdin = false}, "");
  }
  testing::TempFolder folder_;
};

TEST_F(PasswordTest, IsTheFirstLine) {
  EXPECT_EQ(*ReadOf("correct horse\n"), "correct horse");
  EXPECT_EQ(*ReadOf("correct horse"), "correct horse");
  EXPECT_EQ(*ReadOf("correct horse\r\n"), "correct horse");
  EXPECT_EQ(*ReadOf("one\ntwo\n"), "one");
}

TEST_F(PasswordTest, BlanksBelongToIt) { EXPECT_EQ(*ReadOf(" a b \t\n"), " a b \t"); }

TEST_F(PasswordTest, EmptyOnesAreRefused) {
  EXPECT_TRUE(absl::IsInvalidArgument(ReadOf("").status()));
  EXPECT_TRUE(absl::IsInvalidArgument(ReadOf("\nsecond\n").status()));
}

TEST_F(PasswordTest, AnotherKindOfFileIsRefused) {
  EXPECT_TRUE(absl::IsInvalidArgument(ReadOf(std::string(100'000, 'x')).status()));
}

TEST_F(PasswordTest, WhatCannotBeSentIsRefused) {
  const auto password = ReadOf("p\xe9ssw\xf6rdlong\n");
  EXPECT_TRUE(absl::IsInvalidArgument(password.status()));
  EXPECT_THAT(std::string(password.status().message()), HasSubstr("UTF-8"));
}

TEST_F(PasswordTest, AMissingFileIsNamed) {
  const auto password = ReadPassword({.file = folder_.File("none"), .from_stdin = false}, "");
  EXPECT_TRUE(absl::IsNotFound(password.status()));
  EXPECT_THAT(std::string(password.status().message()), HasSubstr("none"));
}

}  // namespace
}  // namespace unipresence::cli
