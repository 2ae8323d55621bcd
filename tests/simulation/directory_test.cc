#include "tests/simulation/directory.h"

#include <unistd.h>

#include <cstdio>
#include <fstream>
#include <string>

#include "aggregator/base/strings.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace unipresence::simulation {
namespace {

using ::testing::HasSubstr;

TEST(DirectoryTest, GeneratedDevicesAreFoundByName) {
  const Directory directory = Directory::Generated(1'000'000);
  EXPECT_EQ(directory.endpoint_count(), 2'000'000U);
  for (const EndpointId id : {0U, 1U, 20U, 1'999'998U, 1'999'999U}) {
    EXPECT_EQ(directory.FindEndpoint(directory.EndpointName(id)), id);
    EXPECT_EQ(directory.FindEndpoint("PJSIP/" + directory.EndpointName(id)), id);
  }
  EXPECT_EQ(directory.EndpointName(15), "user7_w");
  EXPECT_EQ(directory.FindNumber("from-users", "1007"), 7U);
}

TEST(DirectoryTest, WhatDoesNotExistIsNotFound) {
  const Directory directory = Directory::Generated(10);
  for (const char* name : {"", "user", "user10", "user01", "user_w", "user1_x", "alice", "user1 ",
                           "SIP/user1", "user99999999999"}) {
    EXPECT_EQ(directory.FindEndpoint(name), std::nullopt) << name;
  }
  for (const char* number : {"", "999", "1010", "01000", "10 00", "abc"}) {
    EXPECT_EQ(directory.FindNumber("from-users", number), std::nullopt) << number;
  }
  EXPECT_EQ(directory.FindNumber("elsewhere", "1000"), std::nullopt);
}

class UsersFileTest : public ::testing::Test {
 protected:
  absl::StatusOr<Directory> Read(const std::string& text, const char* pbx = "pbx") {
    std::ofstream(path_) << text;
    return Directory::FromUsersFile(path_, pbx);
  }
  std::string Error(const std::string& text) {
    return std::string(FromAbsl(Read(text).status().message()));
  }

  std::string path_ = ::testing::TempDir() + "/directory_test_" + std::to_string(::getpid()) + "_" +
                      ::testing::UnitTest::GetInstance()->current_test_info()->name() + ".yaml";
  ~UsersFileTest() override { std::remove(path_.c_str()); }
};

TEST_F(UsersFileTest, WhatWasWrittenIsReadBack) {
  const Directory generated = Directory::Generated(3);
  ASSERT_TRUE(WriteUsersFile(generated, "pbx", path_).ok());
  const absl::StatusOr<Directory> read = Directory::FromUsersFile(path_, "pbx");
  ASSERT_TRUE(read.ok()) << read.status();
  ASSERT_EQ(read->user_count(), 3U);
  for (UserIndex i = 0; i < 3; ++i) {
    EXPECT_EQ(read->User(i).id, generated.User(i).id);
    EXPECT_EQ(read->User(i).exten, generated.User(i).exten);
    EXPECT_EQ(read->User(i).password, generated.User(i).password);
    EXPECT_EQ(read->EndpointsOf(i), generated.EndpointsOf(i));
    EXPECT_EQ(read->FindNumber("from-users", generated.User(i).exten), i);
  }
  EXPECT_EQ(read->FindEndpoint("PJSIP/user2_w"), 5U);
}

TEST_F(UsersFileTest, ManyUsersShareOneHash) {
  ASSERT_TRUE(WriteUsersFile(Directory::Generated(3), "pbx", path_, /*hash_from=*/2).ok());
  std::ifstream file(path_);
  std::string line;
  std::getline(file, line);
  EXPECT_THAT(line, HasSubstr("password_hash: \"$argon2id$"));
}

TEST_F(UsersFileTest, LinesOfOtherPbxsAreLeftOut) {
  const auto directory = Read(R"(
- {id: a, exten: "1", context: c, line_type: unique_account,
   lines: [{kind: webrtc, pbx: pbx, device: PJSIP/a_w}, {kind: deskphone, pbx: other, device: PJSIP/a}]}
)");
  ASSERT_TRUE(directory.ok()) << directory.status();
  EXPECT_EQ(directory->endpoint_count(), 1U);
  EXPECT_EQ(directory->EndpointName(0), "a_w");
}

TEST_F(UsersFileTest, MistakesAreNamed) {
  EXPECT_THAT(Error("{}"), HasSubstr("is no YAML list of users"));
  EXPECT_THAT(Error("- {id: a}"), HasSubstr("entry 1: id, exten and context are needed"));
  EXPECT_THAT(Error("- {id: a, exten: 1, context: c, line_type: x}"), HasSubstr("line_type"));
  EXPECT_THAT(Error("- [\n"), HasSubstr(".yaml"));
  const std::string one = R"(- {id: a, exten: "1", context: c, line_type: sip, lines: []})";
  EXPECT_THAT(Error(one + "\n" + one), HasSubstr("number 1 exists twice in c"));
  EXPECT_EQ(Directory::FromUsersFile("/nowhere/users.yaml", "").status().code(),
            absl::StatusCode::kNotFound);
}

}  // namespace
}  // namespace unipresence::simulation
