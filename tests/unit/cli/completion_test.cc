#include "clients/cli/completion.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <cstdio>
#include <cstdlib>
#include <sstream>

#include "clients/cli/command_line.h"
#include "tests/testing/temp_folder.h"

namespace unipresence::cli {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::UnorderedElementsAre;

std::string OutputOf(const std::string& command) {
  std::string text;
  FILE* pipe = popen(command.c_str(), "r");
  std::array<char, 4096> buffer{};
  while (const std::size_t n = fread(buffer.data(), 1, buffer.size(), pipe)) {
    text.append(buffer.data(), n);
  }
  EXPECT_EQ(pclose(pipe), 0) << command << "\n" << text;
  return text;
}

bool HasProgram(const std::string& name) {
  return system(("command -v " + name + " >/dev/null 2>&1").c_str()) == 0;
}

class CompletionTest : public ::testing::Test {
 protected:
  void SetUp() override {
    for (const char* shell : {"bash", "zsh", "fish"}) {
      const auto script = CompletionScript(shell, DescribeCommands());
      ASSERT_TRUE(script.ok()) << script.status();
      folder_.Write(shell, *script);
    }
  }

  // What bash proposes for the last of the words.
  std::vector<std::string> BashProposals(const std::string& words) {
    const std::string script =
        folder_.Write("ask", fmt::format("source {}\n"
                                         "COMP_WORDS=({})\n"
                                         "COMP_CWORD=$((${{#COMP_WORDS[@]}} - 1))\n"
                                         "compopt() {{ :; }}\n"  // only there while completing
                                         "_unipresence\n"
                                         "printf '%s\\n' \"${{COMPREPLY[@]}}\"\n",
                                         folder_.File("bash"), words));
    std::istringstream lines(OutputOf("cd " + folder_.File(".") + " && bash -eu " + script));
    std::vector<std::string> proposals;
    for (std::string line; std::getline(lines, line);) {
      if (!line.empty()) proposals.push_back(line);
    }
    return proposals;
  }

  testing::TempFolder folder_;
};

TEST_F(CompletionTest, BashProposesCommands) {
  EXPECT_THAT(BashProposals("unipresence se"), UnorderedElementsAre("session", "select", "server"));
  EXPECT_THAT(BashProposals("unipresence users ''"), Contains("delete"));
  EXPECT_THAT(BashProposals("unipresence get p"), ElementsAre("presence"));
  EXPECT_THAT(BashProposals("unipresence users ''"), Not(Contains("login")));
}

TEST_F(CompletionTest, BashProposesFlagsOfTheCommandAndTheGlobalOnes) {
  EXPECT_THAT(BashProposals("unipresence login alice --"),
              ::testing::IsSupersetOf({"--hold", "--client", "--password-file", "--server"}));
  EXPECT_THAT(BashProposals("unipresence logout --h"), ElementsAre("--help"));
}

TEST_F(CompletionTest, BashProposesValues) {
  EXPECT_THAT(BashProposals("unipresence -o ''"), ElementsAre("table", "wide", "json"));
  EXPECT_THAT(BashProposals("unipresence list --state RINGING_"), ElementsAre("RINGING_IN_USE"));
  EXPECT_THAT(BashProposals("unipresence select d"), ElementsAre("deskphone"));
  EXPECT_THAT(BashProposals("unipresence wait alice AV"), ElementsAre("AVAILABLE"));
  EXPECT_THAT(BashProposals("unipresence wait --t"), ElementsAre("--timeout"));
  EXPECT_THAT(BashProposals("unipresence watch --all"), ElementsAre("--all-changes"));
  EXPECT_THAT(BashProposals("unipresence completion ''"), ElementsAre("bash", "zsh", "fish"));
}

TEST_F(CompletionTest, BashSkipsTheValuesOfFlags) {
  EXPECT_THAT(BashProposals("unipresence --server users get p"), ElementsAre("presence"));
  EXPECT_THAT(BashProposals("unipresence --server ''"), IsEmpty());
}

TEST_F(CompletionTest, BashProposesFilesWhereFilesGo) {
  folder_.Write("pass word.txt", "");
  EXPECT_THAT(BashProposals("unipresence login alice --password-file pass"),
              ElementsAre("pass word.txt"));
}

TEST_F(CompletionTest, ZshReadsItsScript) {
  if (!HasProgram("zsh")) GTEST_SKIP() << "SKIPPED: zsh is not installed";
  OutputOf("zsh -n " + folder_.File("zsh"));
}

TEST_F(CompletionTest, FishReadsItsScript) {
  if (!HasProgram("fish")) GTEST_SKIP() << "SKIPPED: fish is not installed";
  OutputOf("fish --no-execute " + folder_.File("fish"));
  EXPECT_THAT(OutputOf("fish --no-config -c 'source " + folder_.File("fish") +
                       "; complete -C \"unipresence users a\"'"),
              HasSubstr("add"));
}

TEST_F(CompletionTest, ScriptsKnowEveryCommandAndFlag) {
  for (const char* shell : {"bash", "zsh", "fish"}) {
    const std::string script = folder_.Read(shell);
    for (const char* word : {"login", "watch", "explain", "deskphone"}) {
      EXPECT_THAT(script, HasSubstr(word)) << shell;
    }
    EXPECT_THAT(script,
                HasSubstr(std::string(shell) == "fish" ? "-l no-reconnect" : "--no-reconnect"));
  }
}

TEST(CompletionScriptTest, RefusesAnotherShell) {
  EXPECT_TRUE(absl::IsInvalidArgument(CompletionScript("tcsh", {}).status()));
}

TEST(CompletionScriptTest, RefusesAFlagWithTwoMeanings) {
  CommandSpec root{.name = "x", .description = "", .flags = {}, .argument = {}, .commands = {}};
  FlagSpec flag{.names = {"--f"}, .description = "", .takes_value = true, .value = {}};
  root.flags.push_back(flag);
  flag.value.is_file = true;
  root.commands.push_back(
      {.name = "y", .description = "", .flags = {flag}, .argument = {}, .commands = {}});
  EXPECT_TRUE(absl::IsInvalidArgument(CompletionScript("bash", root).status()));
}

TEST(CompletionScriptTest, QuotesDescriptions) {
  CommandSpec root{.name = "x", .description = "", .flags = {}, .argument = {}, .commands = {}};
  root.commands.push_back(
      {.name = "y", .description = "it's $HOME", .flags = {}, .argument = {}, .commands = {}});
  EXPECT_THAT(*CompletionScript("zsh", root), HasSubstr(R"('y:it'\''s $HOME')"));
  EXPECT_THAT(*CompletionScript("fish", root), HasSubstr(R"('it\'s $HOME')"));
}

}  // namespace
}  // namespace unipresence::cli
