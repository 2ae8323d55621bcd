#include "server/account/unified_diff.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <random>
#include <string>
#include <vector>

namespace unipresence {
namespace {

const auto kAsItIs = [](std::string_view line) { return std::string(line); };

std::string Diff(std::string_view before, std::string_view after) {
  const UnifiedDiff diff = DiffLines("f", before, after, kAsItIs, 1 << 20);
  EXPECT_FALSE(diff.truncated);
  return diff.text;
}

// What `patch` makes of the lines of a text.
std::string Patched(const std::string& before, const std::string& diff) {
  const auto split = [](const std::string& text) {
    std::vector<std::string> lines;
    for (std::size_t at = 0; at < text.size();) {
      const std::size_t end = std::min(text.find('\n', at), text.size());
      lines.push_back(text.substr(at, end - at));
      at = end + 1;
    }
    return lines;
  };
  const std::vector<std::string> old_lines = split(before);
  std::string after;
  std::size_t next = 0;
  for (const std::string& line : split(diff)) {
    if (line.starts_with("---") || line.starts_with("+++")) continue;
    if (line.starts_with("@@")) {
      std::size_t begin = 0;
      std::size_t count = 0;
      EXPECT_EQ(std::sscanf(line.c_str(), "@@ -%zu,%zu", &begin, &count), 2);
      if (count > 0) --begin;
      while (next < begin) after += old_lines.at(next++) + "\n";
      continue;
    }
    if (line[0] != '+') {
      EXPECT_EQ(old_lines.at(next++), line.substr(1)) << diff;
    }
    if (line[0] != '-') after += line.substr(1) + "\n";
  }
  while (next < old_lines.size()) after += old_lines[next++] + "\n";
  return after;
}

TEST(UnifiedDiffTest, ShowsChangesWithThreeLinesAround) {
  EXPECT_EQ(Diff("same\n", "same\n"), "");
  EXPECT_EQ(Diff("", "a\nb\n"), "--- f\n+++ f\n@@ -0,0 +1,2 @@\n+a\n+b\n");
  EXPECT_EQ(Diff("a\n", ""), "--- f\n+++ f\n@@ -1,1 +0,0 @@\n-a\n");
  EXPECT_EQ(Diff("1\n2\n3\n4\n5\n6\n7\n8\n9\n", "1\n2\n3\n4\nfive\n6\n7\n8\n9\n"),
            "--- f\n+++ f\n@@ -2,7 +2,7 @@\n 2\n 3\n 4\n-5\n+five\n 6\n 7\n 8\n");
}

TEST(UnifiedDiffTest, ChangesFarFromEachOtherAreHunksOfTheirOwn) {
  std::string before;
  for (int i = 0; i < 30; ++i) before += fmt::format("{}\n", i);
  std::string after = "new\n" + before + "last\n";
  const std::string diff = Diff(before, after);
  EXPECT_EQ(diff,
            "--- f\n+++ f\n@@ -1,3 +1,4 @@\n+new\n 0\n 1\n 2\n@@ -28,3 +29,4 @@\n 27\n 28\n "
            "29\n+last\n");
}

TEST(UnifiedDiffTest, SecretsThatChangeAreShownMasked) {
  const UnifiedDiff diff = DiffLines(
      "f", "user = a\npassword = old\n", "user = a\npassword = new\n",
      [](std::string_view line) {
        return line.starts_with("password") ? std::string("password = ***") : std::string(line);
      },
      1 << 20);
  EXPECT_EQ(diff.text,
            "--- f\n+++ f\n@@ -1,2 +1,2 @@\n user = a\n-password = ***\n+password = ***\n");
}

TEST(UnifiedDiffTest, IsCutAtALine) {
  std::string after;
  for (int i = 0; i < 1000; ++i) after += fmt::format("line {}\n", i);
  const UnifiedDiff diff = DiffLines("f", "", after, kAsItIs, 100);
  EXPECT_TRUE(diff.truncated);
  EXPECT_LE(diff.text.size(), 100u);
  EXPECT_TRUE(diff.text.ends_with("\n"));
}

TEST(UnifiedDiffTest, APatchOfItGivesTheOther) {
  std::mt19937 random(3);
  for (int turn = 0; turn < 500; ++turn) {
    std::string texts[2];
    for (std::string& text : texts) {
      const int lines = static_cast<int>(random() % 30);
      for (int i = 0; i < lines; ++i)
        text += static_cast<char>('a' + random() % 6) + std::string("\n");
    }
    EXPECT_EQ(Patched(texts[0], Diff(texts[0], texts[1])), texts[1]) << texts[0] << "--\n"
                                                                     << texts[1];
  }
}

TEST(UnifiedDiffTest, TextsThatHaveLittleInCommonAreReplaced) {
  std::string before;
  std::string after;
  for (int i = 0; i < 5'000; ++i) {
    before += fmt::format("old {}\n{}\n", i, i);
    after += fmt::format("new {}\n{}\n", i, i);
  }
  EXPECT_EQ(Patched(before, Diff(before, after)), after);
}

}  // namespace
}  // namespace unipresence
