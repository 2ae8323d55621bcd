// Every command that a log line, an error text, a help or a page names is one.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <regex>
#include <string>
#include <vector>

#include "clients/cli/command_line.h"

namespace unipresence::cli {
namespace {

namespace fs = std::filesystem;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

const CommandSpec* Find(const CommandSpec& parent, const std::string& name) {
  const auto found = std::find_if(parent.commands.begin(), parent.commands.end(),
                                  [&](const CommandSpec& it) { return it.name == name; });
  return found == parent.commands.end() ? nullptr : &*found;
}

// Literals that are written in pieces as one.
std::string Joined(const std::string& text) {
  static const std::regex kSeam("\"\\s*\\n\\s*\"");
  return std::regex_replace(text, kSeam, "");
}

// Those that `text` names and that are none. A command is known by what is before it: "unipresence"
// is also the name of the whole, within sentences.
std::vector<std::string> UnknownCommands(const std::string& text) {
  static const CommandSpec kRoot = DescribeCommands();
  static const std::regex kCommand(
      "(?:^|\\n|  |[`\"(]|: |[^\\n]; |&& )unipresence ([a-z][a-z-]*)(?: ([a-z][a-z-]*))?");
  std::vector<std::string> unknown;
  for (std::sregex_iterator it(text.begin(), text.end(), kCommand), end; it != end; ++it) {
    const std::string first = (*it)[1];
    const std::string second = (*it)[2];
    const CommandSpec* command = Find(kRoot, first);
    const bool known = command != nullptr && (command->commands.empty() || second.empty() ||
                                              Find(*command, second) != nullptr);
    if (!known) unknown.push_back(second.empty() ? first : first + " " + second);
  }
  return unknown;
}

TEST(NamedCommandsTest, UnknownOnesAreFound) {
  EXPECT_THAT(UnknownCommands("see `unipresence user update`; unipresence users remove"),
              ElementsAre("user update", "users remove"));
  EXPECT_THAT(UnknownCommands("unipresence watsch\n  unipresence users get alice"),
              ElementsAre("watsch"));
  EXPECT_THAT(UnknownCommands(Joined("\"see `unipresence \"\n  \"user update`\"")),
              ElementsAre("user update"));
  EXPECT_THAT(UnknownCommands("what unipresence needs: `unipresence watch alice`"), IsEmpty());
}

TEST(NamedCommandsTest, SourcesAndPagesNameNoOthers) {
  const fs::path root = UNIPRESENCE_SOURCE_DIR;
  std::vector<fs::path> files = {root / "README.md"};
  for (const char* folder : {"aggregator", "server", "clients", "proto", "deploy"}) {
    for (const auto& entry : fs::recursive_directory_iterator(root / folder)) {
      const std::string name = entry.path().filename();
      if (entry.is_regular_file() && name != "CMakeLists.txt") files.push_back(entry.path());
    }
  }
  ASSERT_GT(files.size(), 100u);
  for (const fs::path& path : files) {
    std::ifstream file(path);
    const std::string text(std::istreambuf_iterator<char>(file), {});
    EXPECT_THAT(UnknownCommands(Joined(text)), IsEmpty()) << path;
  }
}

}  // namespace
}  // namespace unipresence::cli
