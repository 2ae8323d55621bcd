#include "aggregator/base/text_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <set>

#include "tests/testing/temp_folder.h"

namespace unipresence {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

const std::vector<std::string> kPaths = {"a.conf", "b.conf"};

class TextFileTest : public ::testing::Test {
 protected:
  std::vector<FileState> Now() {
    const auto files = ReadFiles(folder_.path(), kPaths, 100);
    EXPECT_TRUE(files.ok()) << files.status();
    return files.ok() ? *files : std::vector<FileState>();
  }
  std::set<std::string> Names() {
    std::set<std::string> names;
    for (const auto& entry : std::filesystem::directory_iterator(folder_.path())) {
      names.insert(entry.path().filename().string());
    }
    return names;
  }
  mode_t Mode(const std::string& name) {
    struct stat file {};
    EXPECT_EQ(stat(folder_.File(name).c_str(), &file), 0);
    return file.st_mode & 07777;
  }

  testing::TempFolder folder_;
};

TEST_F(TextFileTest, FilesAreReplacedMadeAndRemoved) {
  folder_.Write("a.conf", "old");
  chmod(folder_.File("a.conf").c_str(), 0604);
  EXPECT_THAT(Now(), ElementsAre(FileState{"a.conf", "old"}, FileState{"b.conf", std::nullopt}));
  const std::vector<FileState> next = {{"a.conf", std::string("n\0w", 3)}, {"b.conf", ""}};
  ASSERT_TRUE(ReplaceFiles(folder_.path(), next, 0640).ok());
  EXPECT_EQ(Now(), next);
  EXPECT_EQ(Mode("a.conf"), 0640u) << "whatever it was: a file of secrets";
  EXPECT_EQ(Mode("b.conf"), 0640u);
  const std::vector<FileState> gone = {{"a.conf", std::nullopt}, {"b.conf", std::nullopt}};
  ASSERT_TRUE(ReplaceFiles(folder_.path(), gone, 0640).ok());
  EXPECT_TRUE(Names().empty()) << "no temporary files either";
}

TEST_F(TextFileTest, EveryFormerModeBecomesTheOneThatIsAskedFor) {
  for (const mode_t former : {0600u, 0604u, 0644u, 0666u, 0777u, 0400u}) {
    folder_.Write("a.conf", "old");
    chmod(folder_.File("a.conf").c_str(), former);
    const std::vector<std::string> paths = {"a.conf", "none.conf"};
    ASSERT_TRUE(SetModes(folder_.path(), paths, 0640).ok());
    EXPECT_EQ(Mode("a.conf"), 0640u) << former;
    chmod(folder_.File("a.conf").c_str(), former);
    const std::vector<FileState> next = {{"a.conf", "new"}};
    ASSERT_TRUE(ReplaceFiles(folder_.path(), next, 0640).ok());
    EXPECT_EQ(Mode("a.conf"), 0640u) << former;
    std::filesystem::remove(folder_.File("a.conf"));
  }
}

TEST_F(TextFileTest, ALinkIsNeitherReadNorFollowed) {
  folder_.Write("elsewhere", "keep");
  std::filesystem::create_symlink(folder_.File("elsewhere"), folder_.File("a.conf"));
  const std::vector<FileState> next = {{"a.conf", "new"}};
  const absl::Status status = ReplaceFiles(folder_.path(), next, 0640);
  EXPECT_TRUE(absl::IsUnavailable(status)) << status;
  EXPECT_THAT(std::string(status.message()), HasSubstr("symbolic link"));
  std::ifstream file(folder_.File("elsewhere"));
  std::string content;
  file >> content;
  EXPECT_EQ(content, "keep");
}

TEST_F(TextFileTest, WhatAKilledWriterLeftIsGoneAfterTheNext) {
  folder_.Write(".a.conf.next", "half");
  std::filesystem::create_symlink(folder_.File("victim"), folder_.File(".a.conf.former"));
  folder_.Write("a.conf", "old");
  const std::vector<FileState> next = {{"a.conf", "new"}};
  ASSERT_TRUE(ReplaceFiles(folder_.path(), next, 0640).ok());
  EXPECT_THAT(Names(), ElementsAre("a.conf"));
}

TEST_F(TextFileTest, AllOrNone) {
  folder_.Write("a.conf", "old");
  // A folder that is not empty cannot be replaced by a file.
  std::filesystem::create_directories(folder_.File("b.conf") + "/x");
  const std::vector<FileState> next = {{"a.conf", "new"}, {"b.conf", "new"}};
  const absl::Status status = ReplaceFiles(folder_.path(), next, 0640);
  EXPECT_TRUE(absl::IsUnavailable(status)) << status;
  EXPECT_THAT(std::string(status.message()), HasSubstr(folder_.File("b.conf")));
  EXPECT_THAT(Names(), ElementsAre("a.conf", "b.conf"));
  std::ifstream file(folder_.File("a.conf"));
  std::string content;
  file >> content;
  EXPECT_EQ(content, "old");
}

TEST_F(TextFileTest, AFolderThatIsNotThereIsNamed) {
  const std::vector<FileState> next = {{"a.conf", "new"}};
  const absl::Status status = ReplaceFiles(folder_.path() + "/none", next, 0640);
  EXPECT_TRUE(absl::IsUnavailable(status));
  EXPECT_THAT(std::string(status.message()), HasSubstr("/none/a.conf"));
}

TEST_F(TextFileTest, PathsLeadNowhereElse) {
  for (const char* path : {"", ".", "..", ".hidden", "../a", "x/a", "/etc/passwd"}) {
    const std::vector<FileState> files = {{path, "x"}};
    EXPECT_TRUE(absl::IsInvalidArgument(ReplaceFiles(folder_.path(), files, 0640))) << path;
    const std::vector<std::string> paths = {path};
    EXPECT_TRUE(absl::IsInvalidArgument(ReadFiles(folder_.path(), paths, 1).status())) << path;
  }
  EXPECT_TRUE(Names().empty());
}

TEST_F(TextFileTest, ALongFileIsNotRead) {
  folder_.Write("a.conf", std::string(101, 'x'));
  EXPECT_TRUE(absl::IsResourceExhausted(ReadFiles(folder_.path(), kPaths, 100).status()));
}

}  // namespace
}  // namespace unipresence
