#include "server/config/example.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

#include "aggregator/base/strings.h"
#include "server/config/config_loader.h"
#include "server/config/users_file.h"

namespace unipresence::config {
namespace {

using ::testing::Each;
using ::testing::Lt;

const Overrides kSecret = {.environment = {{"UNIPRESENCED_PBX_MAIN_SECRET", "hush"}}};

std::string FileOf(const std::string& path) {
  std::ifstream file(std::string(UNIPRESENCE_SOURCE_DIR) + "/" + path);
  std::ostringstream content;
  content << file.rdbuf();
  return content.str();
}

std::vector<std::size_t> Widths(const std::string& text) {
  std::vector<std::size_t> widths;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) widths.push_back(line.size());
  return widths;
}

TEST(ExampleTest, TheConfigurationIsReadAndSaysTheDefaults) {
  const auto example = Parse(ExampleConfig(), "example.yaml", kSecret);
  ASSERT_TRUE(example.ok()) << FromAbsl(example.status().message());
  const auto least = Parse("pbx: [{name: main, host: 192.0.2.10, username: unipresence}]",
                           "example.yaml", kSecret);
  ASSERT_TRUE(least.ok()) << FromAbsl(least.status().message());
  EXPECT_EQ(ToYaml(*example), ToYaml(*least));
}

TEST(ExampleTest, TheConfigurationHasEverySetting) {
  const std::string example = ExampleConfig();
  for (const SettingHelp& setting : Settings()) {
    const std::string_view key = setting.path.substr(setting.path.find('.') + 1);
    EXPECT_NE(example.find(std::string(key) + ": "), std::string::npos) << setting.path;
  }
}

TEST(ExampleTest, TheUsersAreRead) {
  const std::vector<std::string> pbxs = {"main"};
  const auto users = ParseUsers(ExampleUsers(), "users.yaml", pbxs);
  ASSERT_TRUE(users.ok()) << FromAbsl(users.status().message());
  ASSERT_EQ(users->size(), 1U);
  const UserSeed& alice = users->front();
  EXPECT_EQ(alice.user.display_name, "Alice Martin");
  EXPECT_FALSE(alice.password.empty());
  EXPECT_TRUE(alice.user.voicemail.has_value());
  EXPECT_EQ(alice.user.lines.size(), 2U);
}

TEST(ExampleTest, ATerminalShowsThem) {
  EXPECT_THAT(Widths(ExampleConfig()), Each(Lt(80U)));
  EXPECT_THAT(Widths(ExampleUsers()), Each(Lt(80U)));
}

TEST(ExampleTest, TheFilesOfTheRepositoryAreThese) {
  EXPECT_EQ(FileOf("deploy/unipresence.example.yaml"), ExampleConfig())
      << "unipresenced --example-config > deploy/unipresence.example.yaml";
  EXPECT_EQ(FileOf("deploy/users.example.yaml"), ExampleUsers())
      << "unipresenced --example-users > deploy/users.example.yaml";
}

}  // namespace
}  // namespace unipresence::config
