#include "server/auth/password.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

namespace unipresence::auth {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

TEST(PasswordTest, AHashMatchesItsPasswordAlone) {
  const auto hash = HashPassword("correct horse");
  ASSERT_TRUE(hash.ok()) << hash.status();
  EXPECT_THAT(*hash, StartsWith("$argon2id$v=19$m=65536,t=2,p=1$"));
  EXPECT_TRUE(ValidatePasswordHash(*hash).ok());
  EXPECT_TRUE(VerifyPassword(*hash, "correct horse"));
  EXPECT_FALSE(VerifyPassword(*hash, "correct horsf"));
  EXPECT_FALSE(VerifyPassword(*hash, "correct horse "));
  EXPECT_FALSE(VerifyPassword(*hash, ""));
}

TEST(PasswordTest, EqualPasswordsHaveDifferentHashes) {
  EXPECT_NE(HashPassword("correct horse").value(), HashPassword("correct horse").value());
}

TEST(PasswordTest, BytesBehindAZeroCount) {
  const std::string hash = HashPassword(std::string("abcdefgh\0i", 10)).value();
  EXPECT_TRUE(VerifyPassword(hash, std::string("abcdefgh\0i", 10)));
  EXPECT_FALSE(VerifyPassword(hash, std::string("abcdefgh\0j", 10)));
}

TEST(PasswordTest, RefusesPasswordsThatAreTooShortOrTooLongWithoutRepeatingThem) {
  EXPECT_TRUE(ValidatePassword(std::string(kMinPasswordBytes, 'x')).ok());
  EXPECT_TRUE(ValidatePassword(std::string(kMaxPasswordBytes, 'x')).ok());
  const absl::Status status = ValidatePassword("geheim");
  EXPECT_TRUE(absl::IsInvalidArgument(status));
  EXPECT_THAT(status.ToString(), Not(HasSubstr("geheim")));
  const std::string huge(kMaxPasswordBytes + 1, 'x');
  EXPECT_TRUE(absl::IsInvalidArgument(ValidatePassword(huge)));
  EXPECT_TRUE(absl::IsInvalidArgument(HashPassword(huge).status()));
}

TEST(PasswordTest, RefusesWhatNoClientCanSend) {
  EXPECT_TRUE(ValidatePassword("p\xc3\xa9ssw\xc3\xb6rdlong").ok());
  for (const std::string& password :
       {std::string("p\xe9ssw\xf6rdlong"), std::string("two\nlines1"), std::string("zero\0zero", 9),
        std::string("delete\x7f!!"), std::string("cut in the middle\xc3")}) {
    const absl::Status status = ValidatePassword(password);
    EXPECT_TRUE(absl::IsInvalidArgument(status)) << password;
    EXPECT_THAT(status.ToString(), Not(HasSubstr(password)));
  }
}

// Made by libsodium elsewhere, with less cost: m=8192,t=1.
TEST(PasswordTest, HashesOfAnotherCostAreAccepted) {
  EXPECT_TRUE(ValidatePasswordHash("$argon2id$v=19$m=8192,t=1,p=1$c29tZXNhbHQ$"
                                   "Zm9vYmFyYmF6Zm9vYmFyYmF6Zm9vYmFyYmF6Zm9vYmE")
                  .ok());
}

TEST(PasswordTest, MalformedHashesAreRefusedAndNeverMatch) {
  const std::string good = HashPassword("correct horse").value();
  std::vector<std::string> bad = {
      "",
      "correct horse",
      "$2b$12$abcdefghijklmnopqrstuv",
      "$argon2i$v=19$m=65536,t=2,p=1$c2FsdA$aGFzaA",
      "$argon2id$v=16$m=65536,t=2,p=1$c2FsdA$aGFzaA",
      "$argon2id$v=19$m=,t=2,p=1$c2FsdA$aGFzaA",
      "$argon2id$v=19$m=65536,t=2,p=1$c2FsdA",
      "$argon2id$v=19$m=65536,t=2,p=1$$aGFzaA",
      "$argon2id$v=19$m=65536,t=2,p=1$c2FsdA$",
      "$argon2id$v=19$m=65536,t=2,p=1$c2Fs dA$aGFzaA",
      "$argon2id$v=19$m=99999999999999999999,t=2,p=1$c2FsdA$aGFzaA",
      good + std::string(200, 'A'),
      good + std::string(1, '\0'),
  };
  for (std::size_t cut = 0; cut + 44 < good.size(); ++cut) bad.push_back(good.substr(0, cut));
  for (const std::string& hash : bad) {
    EXPECT_TRUE(absl::IsInvalidArgument(ValidatePasswordHash(hash))) << hash;
    EXPECT_FALSE(VerifyPassword(hash, "correct horse")) << hash;
  }
}

TEST(PasswordTest, AHashThatCostsTooMuchIsRefusedAndNamed) {
  for (const char* cost : {"m=4194304,t=2,p=1", "m=65536,t=1000,p=1", "m=65536,t=2,p=4"}) {
    const std::string hash = std::string("$argon2id$v=19$") + cost + "$c29tZXNhbHQ$Zm9vYmFyYmF6";
    const absl::Status status = ValidatePasswordHash(hash);
    EXPECT_TRUE(absl::IsInvalidArgument(status)) << hash;
    EXPECT_THAT(status.ToString(), HasSubstr(cost));
    EXPECT_FALSE(VerifyPassword(hash, "x"));
  }
}

}  // namespace
}  // namespace unipresence::auth
