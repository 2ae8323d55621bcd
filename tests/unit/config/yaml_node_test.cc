#include "server/config/yaml_node.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

namespace unipresence::config {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::SizeIs;
using ::testing::StartsWith;
using Kind = YamlNode::Kind;

YamlNode Parsed(std::string_view text) {
  auto node = ParseYaml(text, "a.yaml");
  EXPECT_TRUE(node.ok()) << node.status();
  return node.ok() ? *std::move(node) : YamlNode();
}

std::string ErrorOf(std::string_view text) {
  const auto node = ParseYaml(text, "a.yaml");
  EXPECT_TRUE(absl::IsInvalidArgument(node.status())) << text;
  return std::string(node.status().message());
}

TEST(YamlNodeTest, KeepsTextKindsAndLines) {
  const YamlNode node = Parsed("a: 0123\nb: 'x: y'\nc:\n  - one\n  - {d: null, e: ~}\nf:\n");
  ASSERT_EQ(node.kind, Kind::kMap);
  EXPECT_THAT(node.keys, ElementsAre("a", "b", "c", "f"));
  EXPECT_EQ(node.items[0].scalar, "0123");
  EXPECT_EQ(node.items[0].line, 1);
  EXPECT_EQ(node.items[1].scalar, "x: y");
  ASSERT_EQ(node.items[2].kind, Kind::kSequence);
  EXPECT_EQ(node.items[2].items[0].line, 4);
  EXPECT_EQ(node.items[2].items[1].kind, Kind::kMap);
  EXPECT_EQ(node.items[2].items[1].items[0].kind, Kind::kNull);
  EXPECT_EQ(node.items[2].items[1].items[1].kind, Kind::kNull);
  EXPECT_EQ(node.items[3].kind, Kind::kNull);
}

TEST(YamlNodeTest, AnEmptyDocumentIsNull) {
  for (const char* text : {"", "\n\n", "# only a comment\n", "---\n", "--- ~"}) {
    EXPECT_EQ(Parsed(text).kind, Kind::kNull) << text;
  }
}

TEST(YamlNodeTest, RefusesWhatItDoesNotSupport) {
  EXPECT_THAT(ErrorOf("a: &x 1\nb: *x\n"), AllOf(StartsWith("a.yaml:1:"), HasSubstr("anchors")));
  EXPECT_THAT(ErrorOf("a: !secret x"), HasSubstr("tags (!secret)"));
  EXPECT_THAT(ErrorOf("a: 1\nb: 2\na: 3\n"),
              AllOf(StartsWith("a.yaml:3:"), HasSubstr("'a' is set twice")));
  EXPECT_THAT(ErrorOf("{[a]: 1}"), HasSubstr("where a key should be"));
  EXPECT_THAT(ErrorOf("a: 1\n---\nb: 2\n"), HasSubstr("second document"));
  EXPECT_THAT(ErrorOf("a: [1, 2\nb: 3\n"), HasSubstr("a.yaml:"));
  EXPECT_THAT(ErrorOf("a: \"\\0\"\n"), HasSubstr("zero byte"));
  EXPECT_THAT(ErrorOf("~: 1\n"), HasSubstr("key"));
}

TEST(YamlNodeTest, DeepNestingIsAnErrorAndNotACrash) {
  for (const int depth : {17, 1000, 100'000}) {
    EXPECT_THAT(ErrorOf(std::string(static_cast<std::size_t>(depth), '[')), HasSubstr("a.yaml:"));
    std::string text;
    for (int i = 0; i < depth && i < 2000; ++i) {
      text += std::string(static_cast<std::size_t>(i), ' ') + "a:\n";
    }
    EXPECT_THAT(ErrorOf(text + std::string(2000, ' ') + "b"), HasSubstr("a.yaml:"));
  }
}

TEST(YamlNodeTest, AMapOfTooManyKeysIsAnError) {
  std::string text;
  for (int i = 0; i < 1000; ++i) text += "k" + std::to_string(i) + ": 1\n";
  EXPECT_THAT(ErrorOf(text), HasSubstr("more than 100 keys"));
}

// Whatever the bytes, the answer is a node or INVALID_ARGUMENT.
TEST(YamlNodeTest, EveryCutAndEveryDamagedByteIsAnswered) {
  const std::string text =
      "pbx:\n  - {name: main, host: \"a\\tb\", secret: 's''s'}\n  - name: |\n      block\n"
      "grpc: {listen: [1, {a: b}]}\n? x\n: y\n";
  ASSERT_TRUE(ParseYaml(text, "a.yaml").ok());
  for (std::size_t cut = 0; cut < text.size(); ++cut)
    (void)ParseYaml(text.substr(0, cut), "a.yaml");
  for (std::size_t at = 0; at < text.size(); ++at) {
    for (const char c : {'\0', '\xff', '\n', '[', '}', '"', '\'', '*', '&', '!', '%', '\t', '|'}) {
      std::string damaged = text;
      damaged[at] = c;
      const auto node = ParseYaml(damaged, "a.yaml");
      EXPECT_TRUE(node.ok() || absl::IsInvalidArgument(node.status())) << node.status();
    }
  }
}

TEST(YamlItemsTest, VisitsOneItemAfterTheOther) {
  std::vector<std::string> seen;
  const absl::Status status =
      ParseYamlItems("- a\n- {b: c}\n- [d, e]\n-\n", "a.yaml", [&](YamlNode&& node) {
        seen.push_back(node.kind == Kind::kScalar ? node.scalar
                                                  : std::to_string(node.items.size()));
      });
  EXPECT_TRUE(status.ok()) << status;
  EXPECT_THAT(seen, ElementsAre("a", "1", "2", "0"));
}

TEST(YamlItemsTest, WantsAListOrNothing) {
  const auto count = [](std::string_view text) -> absl::StatusOr<int> {
    int items = 0;
    const absl::Status status = ParseYamlItems(text, "a.yaml", [&](YamlNode&&) { ++items; });
    if (!status.ok()) return status;
    return items;
  };
  EXPECT_EQ(count("").value(), 0);
  EXPECT_EQ(count("[]").value(), 0);
  EXPECT_EQ(count("~").value(), 0);
  EXPECT_THAT(std::string(count("a: 1").status().message()), HasSubstr("must be a list"));
  EXPECT_THAT(std::string(count("text").status().message()),
              AllOf(HasSubstr("must be a list"), StartsWith("a.yaml:1:")));
}

TEST(YamlItemsTest, ItemsBeforeAnErrorWereVisited) {
  int items = 0;
  const absl::Status status =
      ParseYamlItems("- a\n- b\n- [c\n", "a.yaml", [&](YamlNode&&) { ++items; });
  EXPECT_TRUE(absl::IsInvalidArgument(status));
  EXPECT_EQ(items, 2);
}

}  // namespace
}  // namespace unipresence::config
