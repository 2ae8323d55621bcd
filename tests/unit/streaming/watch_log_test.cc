#include "server/streaming/watch_log.h"

#include <gtest/gtest.h>

#include <memory>
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
    v1::PresenceUpdate update;
    update.set_sequence(first);
    update.mutable_presence()->set_user(user);
    batch->Add(user, first, first, false, update.SerializeAsString());
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
  EXPECT_EQ(static_cast<std::size_t>(response.updates_size()), piece.updates);
  Changes changes;
  for (const v1::PresenceUpdate& update : response.updates()) {
    changes.emplace_back(update.sequence(), update.presence().user());
  }
  return changes;
}

TEST(WatchLogTest, EveryChangeIsReadInOrder) {
  WatchLog log(100);
  log.Reset(10);
  ASSERT_TRUE(log.Append(*MakeBatch(11, {"alice", "bob", "alice"})));
  ASSERT_TRUE(log.Append(*MakeBatch(14, {"carol", "bob"})));
  EXPECT_EQ(ChangesOf(log.Read(10, kNoLimit, SkipNone)),
            (Changes{{11, "alice"}, {12, "bob"}, {13, "alice"}, {14, "carol"}, {15, "bob"}}));
  EXPECT_EQ(ChangesOf(log.Read(13, kNoLimit, SkipNone)), (Changes{{14, "carol"}, {15, "bob"}}));
  EXPECT_TRUE(ChangesOf(log.Read(15, kNoLimit, SkipNone)).empty());
  EXPECT_EQ(log.Newest("bob")->sequence, 15u);
  EXPECT_EQ(log.Newest("bob")->before, 12u);
  EXPECT_FALSE(log.Newest("dave"));
}

TEST(WatchLogTest, BatchesThatOverlapCountOnceAndHolesAreRefused) {
  WatchLog log(100);
  log.Reset(0);
  ASSERT_TRUE(log.Append(*MakeBatch(1, {"a", "b", "c"})));
  ASSERT_TRUE(log.Append(*MakeBatch(1, {"a", "b"})));
  ASSERT_TRUE(log.Append(*MakeBatch(2, {"b", "c", "d"})));
  EXPECT_EQ(ChangesOf(log.Read(0, kNoLimit, SkipNone)),
            (Changes{{1, "a"}, {2, "b"}, {3, "c"}, {4, "d"}}));
  EXPECT_FALSE(log.Append(*MakeBatch(6, {"e"})));
  EXPECT_EQ(log.end(), 4u);
}

TEST(WatchLogTest, OneChangeComesHoweverSmallTheLimit) {
  WatchLog log(100);
  log.Reset(0);
  ASSERT_TRUE(log.Append(*MakeBatch(1, {"a", "b"})));
  const WatchPiece piece = log.Read(0, 1, SkipNone);
  EXPECT_EQ(ChangesOf(piece), (Changes{{1, "a"}}));
  EXPECT_EQ(piece.next, 1u);
}

TEST(WatchLogTest, TheOldestLeaveWhenTheWindowIsFull) {
  WatchLog log(1000);
  log.Reset(0);
  std::uint64_t left = 0;
  for (std::uint64_t sequence = 1; sequence <= 100'000; ++sequence) {
    ASSERT_TRUE(log.Append(*MakeBatch(sequence, {"user" + std::to_string(sequence)})));
    if (!log.full()) continue;
    EXPECT_EQ(log.size(), 1251u);
    log.Trim([&](const WatchLog::Change& change) {
      EXPECT_EQ(change.sequence, ++left);
      EXPECT_EQ(change.user, "user" + std::to_string(left));
    });
    EXPECT_EQ(log.begin(), left);
    EXPECT_EQ(log.size(), 1000u);
    EXPECT_FALSE(log.Newest("user" + std::to_string(left)));
    EXPECT_EQ(log.Newest("user" + std::to_string(left + 1))->sequence, left + 1);
    EXPECT_EQ(ChangesOf(log.Read(left, 1, SkipNone)),
              (Changes{{left + 1, "user" + std::to_string(left + 1)}}));
  }
  EXPECT_GT(left, 98'000u);
  EXPECT_LE(log.bytes(), 4u * (64 << 10)) << "1,251 changes of 40 bytes";
}

}  // namespace
}  // namespace unipresence
