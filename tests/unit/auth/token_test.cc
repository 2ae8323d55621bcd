#include "server/auth/token.h"

#include <gtest/gtest.h>

#include <set>
#include <string>

namespace unipresence::auth {
namespace {

TEST(TokenTest, TheKeyOfATokenIsFoundAgain) {
  const SessionToken token = NewSessionToken().value();
  EXPECT_EQ(token.text.size(), kTokenLength);
  EXPECT_EQ(KeyOfToken(token.text), token.key);
}

TEST(TokenTest, TokensAndIdsAreAllDifferent) {
  std::set<std::string> seen;
  std::set<SessionKey> keys;
  for (int i = 0; i < 1000; ++i) {
    const SessionToken token = NewSessionToken().value();
    EXPECT_TRUE(seen.insert(token.text).second);
    EXPECT_TRUE(keys.insert(token.key).second);
    const std::string id = NewSessionId().value();
    EXPECT_EQ(id.size(), 22u);
    EXPECT_TRUE(seen.insert(id).second);
    const std::string secret = NewSipSecret().value();
    EXPECT_EQ(secret.size(), 24u);
    EXPECT_TRUE(seen.insert(secret).second);
  }
}

TEST(TokenTest, EveryCharacterOfATokenCounts) {
  const SessionToken token = NewSessionToken().value();
  for (std::size_t i = 0; i < token.text.size(); ++i) {
    std::string other = token.text;
    other[i] = other[i] == 'A' ? 'B' : 'A';
    ASSERT_TRUE(KeyOfToken(other).has_value());
    EXPECT_NE(KeyOfToken(other), token.key) << "position " << i;
  }
}

TEST(TokenTest, WhatCannotBeATokenHasNoKey) {
  const std::string good(kTokenLength, 'a');
  ASSERT_TRUE(KeyOfToken(good).has_value());
  for (const std::string& text :
       {std::string(), good + "a", good.substr(1), good.substr(1) + "=", good.substr(1) + "+",
        good.substr(1) + "/", good.substr(1) + " ", good.substr(1) + std::string(1, '\0'),
        good.substr(1) + "\xc3", std::string(100'000, 'a')}) {
    EXPECT_EQ(KeyOfToken(text), std::nullopt) << text.substr(0, 60);
  }
}

}  // namespace
}  // namespace unipresence::auth
