#include "aggregator/ami/line_index.h"

#include <gtest/gtest.h>

#include <random>
#include <string>
#include <vector>

namespace unipresence::ami {
namespace {

std::vector<std::uint32_t> Naive(const std::string& data) {
  std::vector<std::uint32_t> ends;
  for (std::size_t i = 1; i < data.size(); ++i) {
    if (data[i] == '\n' && data[i - 1] == '\r') ends.push_back(static_cast<std::uint32_t>(i - 1));
  }
  return ends;
}

// The first byte of `data` is the one ahead of the indexed bytes.
std::vector<std::uint32_t> Indexed(LineIndexer indexer, const std::string& data) {
  // Exactly as large as promised, so that the address sanitizer sees a read or write beyond.
  const std::vector<char> exact(data.begin(), data.end());
  std::vector<std::uint32_t> out((data.size() - 1) / 2 + 1 + kLineIndexSlack);
  out.resize(indexer(exact.data() + 1, data.size() - 1, 0, out.data()));
  return out;
}

TEST(LineIndexTest, AllIndexersAgreeWithAPlainLoop) {
  NamedLineIndexer indexers[kMaxLineIndexers];
  const std::size_t count = ListLineIndexers(indexers);
  std::mt19937 random(3);
  for (int round = 0; round < 3000; ++round) {
    // From nearly all line ends to nearly none.
    const unsigned rare = 1u << (random() % 9);
    std::string data(1 + random() % 400, 'x');
    for (char& c : data) {
      const auto roll = random() % (3 * rare);
      c = roll == 0 ? '\r' : roll == 1 ? '\n' : 'x';
    }
    for (std::size_t i = 0; i + 1 < data.size(); ++i) {
      if (random() % (rare * 4) == 0) data.replace(i, 2, "\r\n");
    }
    const auto expected = Naive(data);
    for (std::size_t i = 0; i < count; ++i) {
      if (!indexers[i].supported) continue;
      ASSERT_EQ(Indexed(indexers[i].function, data), expected)
          << indexers[i].name << " round " << round;
    }
  }
}

TEST(LineIndexTest, OnlyLineEnds) {
  NamedLineIndexer indexers[kMaxLineIndexers];
  const std::size_t count = ListLineIndexers(indexers);
  std::string data = "\r";  // the CR of the first LF lies ahead
  for (int i = 0; i < 64; ++i) data += "\n\r";
  data.pop_back();
  for (std::size_t i = 0; i < count; ++i) {
    if (indexers[i].supported) {
      EXPECT_EQ(Indexed(indexers[i].function, data).size(), 64u) << indexers[i].name;
    }
  }
}

TEST(LineIndexTest, BaseIsAdded) {
  NamedLineIndexer indexers[kMaxLineIndexers];
  const std::size_t count = ListLineIndexers(indexers);
  const std::string data = "." + std::string(70, 'x') + "\r\n" + std::string(70, 'x') + "\r\n";
  for (std::size_t i = 0; i < count; ++i) {
    if (!indexers[i].supported) continue;
    std::uint32_t out[128];
    ASSERT_EQ(indexers[i].function(data.data() + 1, data.size() - 1, 1000, out), 2u);
    EXPECT_EQ(out[0], 1071u) << indexers[i].name;
    EXPECT_EQ(out[1], 1143u) << indexers[i].name;
  }
}

TEST(LineIndexTest, TheBestIsSupported) {
  NamedLineIndexer indexers[kMaxLineIndexers];
  const std::size_t count = ListLineIndexers(indexers);
  bool found = false;
  for (std::size_t i = 0; i < count; ++i) {
    if (indexers[i].function == BestLineIndexer()) found = indexers[i].supported;
  }
  EXPECT_TRUE(found);
}

}  // namespace
}  // namespace unipresence::ami
