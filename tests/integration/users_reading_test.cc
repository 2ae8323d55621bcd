// When a users file is read again: the file, what the store remembers of it, and what happened to
// its users since.

#include "server/app/users_reading.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <fstream>
#include <string>
#include <thread>

#include "server/app/users_sync.h"
#include "server/storage/open_store.h"
#include "tests/testing/sync_store.h"
#include "tests/testing/temp_folder.h"

namespace unipresence {
namespace {

using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::Not;
using testing::SyncStore;
using testing::TempFolder;

std::string Row(const std::string& id, const std::string& exten, const std::string& more = "") {
  return fmt::format(
      "- {{id: {0}, exten: \"{1}\", context: default, line_type: sip, username: {0}{2}, "
      "lines: [{{kind: deskphone, pbx: main, device: PJSIP/{0}}}]}}\n",
      id, exten, more);
}

class UsersReadingTest : public ::testing::Test {
 protected:
  UsersReadingTest() {
    config_.pbxs.emplace_back().name = "main";
    Write(Row("alice", "1001") + Row("bob", "1002"));
  }

  void Write(const std::string& yaml) { config_.users_file = folder_.Write("users.yaml", yaml); }
  UsersReading Read() { return ReadUsersFile(config_, store_.GetUsersFile().value()).value(); }
  bool Needed() { return Read().needed; }
  UsersSync Take() {
    const UsersReading reading = Read();
    EXPECT_TRUE(reading.needed);
    UsersSync sync;
    const absl::Status status =
        opened_->SubmitAndWait([&](Transaction& transaction) -> absl::Status {
          auto synced = SyncUsers(transaction, reading.users, config_.users_file, reading.digest,
                                  config_.users_file_wins);
          if (synced.ok()) sync = *std::move(synced);
          return synced.status();
        });
    EXPECT_TRUE(status.ok()) << status;
    return sync;
  }
  void Complete(std::uint64_t reading) {
    EXPECT_TRUE(opened_
                    ->SubmitAndWait([&](Transaction& transaction) {
                      return CompleteUsersFile(transaction, reading);
                    })
                    .ok());
  }
  void Rename(const std::string& id) {
    User user = store_.GetUser(id)->user;
    user.display_name += " renamed";
    EXPECT_TRUE(store_.UpdateUser(user).ok());
  }

  TempFolder folder_;
  config::Config config_;
  std::unique_ptr<Store> opened_ = OpenStore({.path = ":memory:"}).value();
  SyncStore store_{*opened_};
};

TEST_F(UsersReadingTest, AnUnchangedFileIsReadOnce) {
  Take();
  EXPECT_FALSE(Needed());
  EXPECT_THAT(Read().lines, Contains(HasSubstr("not read again")));
  Write(Row("alice", "1001") + Row("bob", "1003"));
  EXPECT_TRUE(Needed());
  Take();
  EXPECT_FALSE(Needed());
}

TEST_F(UsersReadingTest, WhatElseDecidesCountsLikeTheFile) {
  Take();
  config_.users_file_wins = true;
  EXPECT_TRUE(Needed());
  config_.users_file_wins = false;
  EXPECT_FALSE(Needed());
  config_.pbxs.emplace_back().name = "branch";
  EXPECT_TRUE(Needed());
  std::swap(config_.pbxs[0], config_.pbxs[1]);
  Take();
  std::swap(config_.pbxs[0], config_.pbxs[1]);
  EXPECT_FALSE(Needed()) << "their order decides nothing";
}

TEST_F(UsersReadingTest, AFileThatWinsIsReadAgainWhenUsersHaveChanged) {
  config_.users_file_wins = true;
  Take();
  EXPECT_FALSE(Needed());
  Rename("alice");
  EXPECT_TRUE(Needed());
  Take();
  EXPECT_EQ(store_.GetUser("alice")->user.display_name, "alice");
  EXPECT_FALSE(Needed());
  ASSERT_TRUE(store_.DeleteUser("bob").ok());
  EXPECT_TRUE(Needed());
  Take();
  EXPECT_TRUE(store_.GetUser("bob").ok());
}

TEST_F(UsersReadingTest, AFileThatDoesNotWinAndHasAddedAllItsUsersHasNothingMoreToSay) {
  Take();
  Rename("alice");
  ASSERT_TRUE(store_.DeleteUser("bob").ok());
  EXPECT_FALSE(Needed());
}

TEST_F(UsersReadingTest, ARefusedUserIsTriedAgainOnceUsersHaveChanged) {
  Take();
  Write(Row("alice", "1001") + Row("bob", "1002") + Row("carol", "1003"));
  User alice = store_.GetUser("alice")->user;
  alice.exten = "1003";
  ASSERT_TRUE(store_.UpdateUser(alice).ok());
  Take();
  EXPECT_FALSE(store_.GetUser("carol").ok());
  EXPECT_FALSE(Needed()) << "nothing that could help has happened";
  EXPECT_THAT(Read().lines, Contains(HasSubstr("carol: not taken")));
  alice.exten = "1001";
  ASSERT_TRUE(store_.UpdateUser(alice).ok());
  EXPECT_TRUE(Needed());
  Take();
  EXPECT_TRUE(store_.GetUser("carol").ok());
}

TEST_F(UsersReadingTest, WhatIsNotAsTheFileSaysIsToldEachTime) {
  Take();
  Write(Row("alice", "1009") + Row("bob", "1002"));
  Take();
  EXPECT_THAT(Read().lines, Contains(HasSubstr("alice: exten: '1001' -> '1009' (not taken)")));
  EXPECT_FALSE(Needed());
  Rename("alice");
  EXPECT_FALSE(Needed());
  EXPECT_THAT(Read().lines, Not(Contains(HasSubstr("1009")))) << "it may be so no more";
  EXPECT_THAT(Read().lines, Contains(HasSubstr("was not compared")));
}

TEST_F(UsersReadingTest, PasswordsThatAreNotDoneAreReadAgain) {
  Write(Row("alice", "1001", ", password: correct horse"));
  const UsersSync first = Take();
  ASSERT_EQ(first.passwords.size(), 1u);
  EXPECT_TRUE(Needed());
  const UsersSync second = Take();
  ASSERT_EQ(second.passwords.size(), 1u);
  Complete(first.passwords[0].reading);
  EXPECT_TRUE(Needed()) << "those of another reading are done";
  Complete(second.passwords[0].reading);
  EXPECT_FALSE(Needed());
}

TEST_F(UsersReadingTest, AFileThatCannotBeReadIsAFaultOfTheConfiguration) {
  Take();
  config_.users_file = folder_.File("other.yaml");
  const auto missing = ReadUsersFile(config_, store_.GetUsersFile().value());
  EXPECT_TRUE(absl::IsInvalidArgument(missing.status())) << missing.status();
  EXPECT_THAT(missing.status().ToString(), HasSubstr("other.yaml"));
  Write("- {id: alice}\n");
  EXPECT_TRUE(
      absl::IsInvalidArgument(ReadUsersFile(config_, store_.GetUsersFile().value()).status()));
}

TEST_F(UsersReadingTest, APipeIsReadOnceAndWhole) {
  Take();
  config_.users_file = folder_.File("pipe");
  ASSERT_EQ(::mkfifo(config_.users_file.c_str(), 0600), 0);
  std::thread writer(
      [&] { std::ofstream(config_.users_file) << Row("alice", "1001") + Row("dave", "1004"); });
  const UsersReading reading = Read();
  writer.join();
  EXPECT_TRUE(reading.needed);
  EXPECT_EQ(reading.users.size(), 2u);
}

TEST_F(UsersReadingTest, WithoutAFileNothingIsNeeded) {
  config_.users_file.clear();
  EXPECT_FALSE(Needed());
  EXPECT_TRUE(Read().lines.empty());
}

}  // namespace
}  // namespace unipresence
