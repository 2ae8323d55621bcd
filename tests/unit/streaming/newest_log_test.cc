#include "server/streaming/newest_log.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <memory>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "unipresence/v1/presence.pb.h"

namespace unipresence {
namespace {

constexpr std::size_t kNoLimit = std::size_t{1} << 30;

bool SkipNone(std::string_view, std::uint64_t) { return false; }

std::unique_ptr<publish::Batch> MakeBatch(std::uint64_t first,
                                          const std::vector<std::string>& users) {
  auto batch = std::make_unique<publish::Batch>(1);
  for (const std::string& user : users) {
    v1::Mailbox mailbox;
    mailbox.set_user(user);
    mailbox.set_new_message_count(static_cast<std::uint32_t>(first));
    batch->Add(user, first, 0, false, mailbox.SerializeAsString());
    ++first;
  }
  return batch;
}

using Changes = std::vector<std::pair<std::uint64_t, std::string>>;

// What a client reads out of the bytes of a piece.
Changes ChangesOf(const WatchPiece& piece) {
  std::string bytes;
  for (const grpc::Slice& slice : piece.slices) {
    bytes.append(reinterpret_cast<const char*>(slice.begin()), slice.size());
  }
  EXPECT_EQ(bytes.size(), piece.bytes);
  v1::WatchPresencesResponse response;
  EXPECT_TRUE(response.ParseFromString(bytes));
  EXPECT_EQ(static_cast<std::size_t>(response.mailboxes_size()), piece.updates);
  Changes changes;
  for (const v1::Mailbox& mailbox : response.mailboxes()) {
    changes.emplace_back(mailbox.new_message_count(), mailbox.user());
  }
  return changes;
}

TEST(NewestLogTest, ANewerChangeTakesThePlaceOfTheOlder) {
  NewestLog log;
  log.Reset(10);
  ASSERT_TRUE(log.Append(*MakeBatch(11, {"alice", "bob", "alice"})));
  ASSERT_TRUE(log.Append(*MakeBatch(14, {"carol", "bob"})));
  EXPECT_EQ(log.entries(), 3u);
  EXPECT_EQ(ChangesOf(log.Read(10, kNoLimit, SkipNone)),
            (Changes{{13, "alice"}, {14, "carol"}, {15, "bob"}}));
  EXPECT_EQ(ChangesOf(log.Read(13, kNoLimit, SkipNone)), (Changes{{14, "carol"}, {15, "bob"}}));
  EXPECT_TRUE(ChangesOf(log.Read(15, kNoLimit, SkipNone)).empty());
  EXPECT_EQ(log.Newest("bob")->sequence, 15u);
  EXPECT_FALSE(log.Newest("dave"));
}

TEST(NewestLogTest, BatchesThatOverlapCountOnceAndHolesAreRefused) {
  NewestLog log;
  log.Reset(0);
  ASSERT_TRUE(log.Append(*MakeBatch(1, {"a", "b", "c"})));
  ASSERT_TRUE(log.Append(*MakeBatch(1, {"a", "b"})));
  ASSERT_TRUE(log.Append(*MakeBatch(2, {"b", "c", "d"})));
  EXPECT_EQ(ChangesOf(log.Read(0, kNoLimit, SkipNone)),
            (Changes{{1, "a"}, {2, "b"}, {3, "c"}, {4, "d"}}));
  EXPECT_FALSE(log.Append(*MakeBatch(6, {"e"})));
  EXPECT_EQ(log.end(), 4u);
  EXPECT_EQ(log.entries(), 4u);
}

TEST(NewestLogTest, OneChangeComesHoweverSmallTheLimit) {
  NewestLog log;
  log.Reset(0);
  ASSERT_TRUE(log.Append(*MakeBatch(1, {"a", "b"})));
  const WatchPiece piece = log.Read(0, 1, SkipNone);
  EXPECT_EQ(ChangesOf(piece), (Changes{{1, "a"}}));
  EXPECT_EQ(piece.next, 1u);
}

// Readers at any place, whatever was appended, trimmed and compacted meanwhile, read what a plain
// map would give them.
TEST(NewestLogTest, ReadersSeeTheNewestChangeOfEachUserInOrder) {
  for (unsigned seed = 0; seed < 20; ++seed) {
    SCOPED_TRACE(seed);
    std::mt19937 random(seed);
    const auto below = [&](std::uint64_t limit) { return random() % limit; };
    const std::uint64_t users = 1 + below(seed % 2 == 0 ? 10 : 300);
    NewestLog log;
    std::map<std::string, std::uint64_t> newest;
    std::uint64_t end = 0;
    for (int round = 0; round < 2000; ++round) {
      std::vector<std::string> batch(1 + below(20));
      for (std::string& user : batch) user = "user" + std::to_string(below(users));
      ASSERT_TRUE(log.Append(*MakeBatch(end + 1, batch)));
      for (const std::string& user : batch) newest[user] = ++end;
      ASSERT_EQ(log.end(), end);
      if (below(10) == 0) {
        log.Trim(below(end + 1), below(users));
        std::erase_if(newest, [&](const auto& item) { return item.second <= log.begin(); });
      }
      ASSERT_EQ(log.entries(), newest.size());
      if (below(4) != 0) continue;

      const std::uint64_t start = log.begin() + below(end - log.begin() + 1);
      const std::uint64_t skipped = below(users);
      const auto skip = [&](std::string_view user, std::uint64_t) {
        return user == "user" + std::to_string(skipped);
      };
      Changes expected;
      for (const auto& [user, sequence] : newest) {
        if (sequence > start && !skip(user, sequence)) expected.emplace_back(sequence, user);
      }
      std::sort(expected.begin(), expected.end());
      Changes read;
      std::uint64_t place = start;
      const std::size_t limit = 1 + below(2000);
      while (place < end) {
        const WatchPiece piece = log.Read(place, limit, skip);
        ASSERT_GT(piece.next, place);
        place = piece.next;
        for (auto& change : ChangesOf(piece)) read.push_back(std::move(change));
      }
      ASSERT_EQ(read, expected);
    }
    // The bound that the header promises, with the slack that spares tiny logs the copying.
    EXPECT_LE(log.bytes(), newest.size() * 4 * 64 + (1u << 20) + 4096);
  }
}

}  // namespace
}  // namespace unipresence
