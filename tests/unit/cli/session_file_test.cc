#include "clients/cli/session_file.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <cstdlib>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <thread>

#include "tests/testing/temp_folder.h"

namespace unipresence::cli {
namespace {

using ::testing::HasSubstr;

StoredSession AliceSession() {
  return {.server = "127.0.0.1:50051",
          .user = "alice",
          .session = "s1",
          .kind = "ASSISTANT",
          .token = "secret-token",
          .expire_time = "2026-05-01T14:03:22.123456Z"};
}

class SessionFileTest : public ::testing::Test {
 protected:
  testing::TempFolder folder_;
  const std::string path_ = folder_.File("session.json");
};

TEST_F(SessionFileTest, WhatIsWrittenIsRead) {
  ASSERT_TRUE(WriteSessionFile(path_, AliceSession()).ok());
  const auto read = ReadSessionFile(path_);
  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_EQ(*read, AliceSession());
}

TEST_F(SessionFileTest, OnlyTheOwnerMayReadIt) {
  const mode_t former = umask(0);
  ASSERT_TRUE(WriteSessionFile(path_, AliceSession()).ok());
  umask(former);
  struct stat about {};
  ASSERT_EQ(stat(path_.c_str(), &about), 0);
  EXPECT_EQ(about.st_mode & 0777, 0600U);
}

TEST_F(SessionFileTest, ReplacesAFileThatOthersCouldRead) {
  folder_.Write("session.json", "{}");
  chmod(path_.c_str(), 0644);
  ASSERT_TRUE(WriteSessionFile(path_, AliceSession()).ok());
  struct stat about {};
  ASSERT_EQ(stat(path_.c_str(), &about), 0);
  EXPECT_EQ(about.st_mode & 0777, 0600U);
}

TEST_F(SessionFileTest, MakesMissingFoldersForTheOwnerAlone) {
  const std::string deep = folder_.File("a/b/session.json");
  ASSERT_TRUE(WriteSessionFile(deep, AliceSession()).ok());
  struct stat about {};
  ASSERT_EQ(stat(folder_.File("a/b").c_str(), &about), 0);
  EXPECT_EQ(about.st_mode & 0777, 0700U);
}

TEST_F(SessionFileTest, LeavesNothingElseInTheFolder) {
  ASSERT_TRUE(WriteSessionFile(path_, AliceSession()).ok());
  ASSERT_TRUE(WriteSessionFile(path_, AliceSession()).ok());
  const auto begin = std::filesystem::directory_iterator(folder_.File("."));
  EXPECT_EQ(std::distance(begin, std::filesystem::directory_iterator()), 1);
}

TEST_F(SessionFileTest, AReaderNeverSeesHalfOfIt) {
  ASSERT_TRUE(WriteSessionFile(path_, AliceSession()).ok());
  std::atomic<bool> done{false};
  std::thread writer([&] {
    for (int i = 0; i < 300; ++i) {
      StoredSession session = AliceSession();
      session.token = std::string(static_cast<std::size_t>(1 + i * 7 % 500), 'x');
      EXPECT_TRUE(WriteSessionFile(path_, session).ok());
    }
    done = true;
  });
  while (!done) {
    const auto read = ReadSessionFile(path_);
    EXPECT_TRUE(read.ok()) << read.status();
  }
  writer.join();
}

TEST_F(SessionFileTest, NoFileMeansNotLoggedIn) {
  const auto read = ReadSessionFile(path_);
  EXPECT_TRUE(absl::IsUnauthenticated(read.status())) << read.status();
  EXPECT_THAT(std::string(read.status().message()), HasSubstr(path_));
  EXPECT_TRUE(absl::IsUnauthenticated(ReadSessionFile(path_ + "/below").status()));
}

TEST_F(SessionFileTest, RefusesWhatIsNoSessionFile) {
  for (const std::string& text :
       {std::string(), std::string("not json"), std::string("[1, 2]"), std::string("{}"),
        std::string(R"({"token": 7, "server": "x"})"), std::string(R"({"token": "t"})"),
        std::string(R"({"token": "a\nb", "server": "x"})"), std::string(1 << 20, ' ')}) {
    folder_.Write("session.json", text);
    EXPECT_TRUE(absl::IsInvalidArgument(ReadSessionFile(path_).status())) << text.substr(0, 40);
  }
}

TEST_F(SessionFileTest, IgnoresFieldsOfALaterVersion) {
  folder_.Write("session.json", R"({"version": 9, "token": "t", "server": "s", "new": [1]})");
  const auto read = ReadSessionFile(path_);
  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_EQ(read->token, "t");
}

TEST_F(SessionFileTest, AnUnwritablePlaceIsNamed) {
  folder_.Write("file", "");
  const absl::Status status = WriteSessionFile(folder_.File("file/session.json"), AliceSession());
  EXPECT_FALSE(status.ok());
  EXPECT_THAT(std::string(status.message()), HasSubstr("file/session.json"));
}

TEST_F(SessionFileTest, RemovesTheOwnSession) {
  ASSERT_TRUE(WriteSessionFile(path_, AliceSession()).ok());
  EXPECT_TRUE(RemoveSessionFile(path_, "secret-token").ok());
  EXPECT_FALSE(std::filesystem::exists(path_));
  EXPECT_TRUE(RemoveSessionFile(path_, "secret-token").ok()) << "no file is no error";
}

TEST_F(SessionFileTest, KeepsTheSessionOfALaterLogin) {
  ASSERT_TRUE(WriteSessionFile(path_, AliceSession()).ok());
  EXPECT_TRUE(RemoveSessionFile(path_, "another-token").ok());
  EXPECT_TRUE(std::filesystem::exists(path_));
}

class DefaultSessionFileTest : public ::testing::Test {
 protected:
  void TearDown() override {
    setenv("HOME", home_.c_str(), 1);
    unsetenv("XDG_STATE_HOME");
  }
  const std::string home_ = std::getenv("HOME") == nullptr ? "/" : std::getenv("HOME");
};

TEST_F(DefaultSessionFileTest, FollowsTheXdgSpecification) {
  setenv("HOME", "/home/alice", 1);
  unsetenv("XDG_STATE_HOME");
  EXPECT_EQ(*DefaultSessionFile(), "/home/alice/.local/state/unipresence/session.json");
  setenv("XDG_STATE_HOME", "/state", 1);
  EXPECT_EQ(*DefaultSessionFile(), "/state/unipresence/session.json");
  setenv("XDG_STATE_HOME", "relative", 1);
  EXPECT_EQ(*DefaultSessionFile(), "/home/alice/.local/state/unipresence/session.json");
}

TEST_F(DefaultSessionFileTest, SaysWhatIsMissing) {
  unsetenv("HOME");
  unsetenv("XDG_STATE_HOME");
  const auto path = DefaultSessionFile();
  EXPECT_TRUE(absl::IsFailedPrecondition(path.status()));
  EXPECT_THAT(std::string(path.status().message()), HasSubstr("--session-file"));
}

}  // namespace
}  // namespace unipresence::cli
