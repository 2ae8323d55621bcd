// A command stands with its flags in a file of its own: flags/users_add.cc has `users add`.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <regex>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include "clients/cli/command_line.h"

namespace unipresence::cli {
namespace {

using ::testing::ElementsAre;

std::filesystem::path Folder() {
  return std::filesystem::path(UNIPRESENCE_SOURCE_DIR) / "clients/cli";
}

std::string TextOf(const std::filesystem::path& file) {
  std::stringstream text;
  text << std::ifstream(file).rdbuf();
  return text.str();
}

// The commands and groups below this one, by the name of their file: "users", "users_add".
void AddNodes(const CommandSpec& spec, const std::string& prefix,
              std::map<std::string, const CommandSpec*>& nodes) {
  for (const CommandSpec& child : spec.commands) {
    const std::string name = prefix + child.name;
    nodes[name] = &child;
    AddNodes(child, name + "_", nodes);
  }
}

std::vector<std::string> Matches(const std::string& text, const std::string& pattern) {
  const std::regex regex(pattern);
  std::vector<std::string> found;
  for (std::sregex_iterator it(text.begin(), text.end(), regex), end; it != end; ++it) {
    found.push_back((*it)[1].str());
  }
  return found;
}

TEST(CommandFilesTest, EachCommandAndGroupHasItsFile) {
  const CommandSpec root = DescribeCommands();
  std::map<std::string, const CommandSpec*> nodes;
  AddNodes(root, "", nodes);
  ASSERT_GT(nodes.size(), 30u);
  std::set<std::string> files;
  for (const auto& entry : std::filesystem::directory_iterator(Folder() / "flags")) {
    files.insert(entry.path().stem().string());
  }
  std::set<std::string> names;
  for (const auto& [name, spec] : nodes) names.insert(name);
  EXPECT_EQ(files, names);
  for (const auto& [name, spec] : nodes) {
    const std::string text = TextOf(Folder() / "flags" / (name + ".cc"));
    const auto commands = Matches(text, R"re(\bCommand\(\s*\w+,\s*"([^"]+)")re");
    const auto groups = Matches(text, R"re(\bGroup\(\s*"([^"]+)")re");
    if (spec->commands.empty()) {
      EXPECT_THAT(commands, ElementsAre(spec->name)) << name;
      EXPECT_THAT(groups, ElementsAre()) << name;
    } else {
      EXPECT_THAT(groups, ElementsAre(spec->name)) << name;
      EXPECT_THAT(commands, ElementsAre()) << name;
    }
  }
}

// But for those of all commands, and what several share.
TEST(CommandFilesTest, FlagsAreNowhereElse) {
  for (const auto& entry : std::filesystem::recursive_directory_iterator(Folder())) {
    const std::filesystem::path file = entry.path().lexically_relative(Folder());
    if (!entry.is_regular_file() || file.parent_path() == "flags") continue;
    if (file.stem() == "command_tree") continue;
    EXPECT_THAT(Matches(TextOf(entry.path()), R"((\badd_option|\badd_flag|CLI/CLI))"),
                ElementsAre())
        << file;
  }
}

}  // namespace
}  // namespace unipresence::cli
