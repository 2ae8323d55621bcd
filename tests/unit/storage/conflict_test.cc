#include "server/storage/conflict.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/strings/cord.h"

namespace unipresence {
namespace {

TEST(ConflictTest, TravelsWithTheStatus) {
  for (const Conflict& conflict :
       {Conflict{Conflict::Field::kId, "alice", "", "alice"},
        Conflict{Conflict::Field::kUsername, "al", "", "alice"},
        Conflict{Conflict::Field::kExten, "1001", "default", "alice"},
        Conflict{Conflict::Field::kDevice, "PJSIP/alice", "main", "alice"},
        Conflict{Conflict::Field::kMailbox, "1001", "default", "alice"}}) {
    const absl::Status status = ConflictError(conflict);
    EXPECT_TRUE(absl::IsAlreadyExists(status));
    EXPECT_EQ(ConflictOf(status), conflict);
    EXPECT_THAT(std::string(status.message()), ::testing::HasSubstr(conflict.value));
  }
}

TEST(ConflictTest, OtherStatusesCarryNone) {
  EXPECT_EQ(ConflictOf(absl::OkStatus()), std::nullopt);
  EXPECT_EQ(ConflictOf(absl::AlreadyExistsError("session")), std::nullopt);
}

TEST(ConflictTest, AMalformedPayloadIsNone) {
  for (const std::string& payload :
       {std::string(), std::string("1"), std::string("9\0a\0b\0c", 7), std::string("1\0a\0b", 5)}) {
    absl::Status status = absl::AlreadyExistsError("x");
    status.SetPayload("unipresence/conflict", absl::Cord(payload));
    EXPECT_EQ(ConflictOf(status), std::nullopt);
  }
}

}  // namespace
}  // namespace unipresence
