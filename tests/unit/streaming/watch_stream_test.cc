#include "server/streaming/watch_stream.h"

#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "unipresence/v1/presence.pb.h"

namespace unipresence {
namespace {

constexpr std::size_t kLimit = 64 << 10;
constexpr std::uint64_t kEpoch = 7;
constexpr std::size_t kWindow = 1000;

std::unique_ptr<publish::Batch> Change(std::uint64_t sequence, const std::string& user) {
  v1::PresenceUpdate update;
  update.set_sequence(sequence);
  update.mutable_presence()->set_user(user);
  auto batch = std::make_unique<publish::Batch>(kEpoch);
  batch->Add(user, sequence, sequence, false, update.SerializeAsString());
  return batch;
}

v1::WatchPresencesResponse Parse(const WatchStream::Response& response) {
  std::vector<grpc::Slice> slices;
  EXPECT_TRUE(response.bytes.Dump(&slices).ok());
  std::string bytes;
  for (const grpc::Slice& slice : slices) {
    bytes.append(reinterpret_cast<const char*>(slice.begin()), slice.size());
  }
  v1::WatchPresencesResponse parsed;
  EXPECT_TRUE(parsed.ParseFromString(bytes));
  EXPECT_EQ(static_cast<std::size_t>(parsed.updates_size()), response.updates);
  return parsed;
}

// The users' initial values: none, read at that sequence.
void GiveEmptySlice(WatchStream& stream, std::uint64_t sequence) {
  const std::optional<SliceRequest> request = stream.TakeSliceRequest();
  ASSERT_TRUE(request);
  EXPECT_FALSE(stream.TakeSliceRequest()) << "one at a time";
  InitialSlice slice;
  slice.attempt = request->attempt;
  slice.sequence = sequence;
  ASSERT_TRUE(stream.AddSlice(std::move(slice)));
}

WatchedUsers Users(std::vector<std::string> users) {
  return std::make_shared<const std::vector<std::string>>(std::move(users));
}

TEST(WatchStreamTest, TokensRoundTripAndGarbageIsNone) {
  const ResumeToken token{.epoch = ~std::uint64_t{0}, .sequence = 5, .users_hash = 1};
  const std::string text = token.Encode();
  const auto decoded = ResumeToken::Decode(text);
  ASSERT_TRUE(decoded);
  EXPECT_EQ(decoded->epoch, token.epoch);
  EXPECT_EQ(decoded->sequence, token.sequence);
  EXPECT_EQ(decoded->users_hash, token.users_hash);
  for (std::size_t size = 0; size < text.size(); ++size) {
    EXPECT_FALSE(ResumeToken::Decode(text.substr(0, size)));
  }
  EXPECT_FALSE(ResumeToken::Decode(text + "x"));
  EXPECT_FALSE(ResumeToken::Decode("\x03" + text.substr(1)));
  EXPECT_TRUE(decoded->exact);
  const ResumeToken inexact{.epoch = 1, .sequence = 2, .users_hash = 3, .exact = false};
  EXPECT_FALSE(ResumeToken::Decode(inexact.Encode())->exact);
}

TEST(WatchStreamTest, CurrentWaitsUntilTheLogIsWhereTheSliceWasRead) {
  for (const WatchedUsers& users : {WatchedUsers(), Users({"alice"})}) {
    WatchHistory history(kWindow);
    history.Reset(10);
    WatchStream stream(users, "");
    EXPECT_EQ(stream.Begin({.epoch = kEpoch, .sequence = 10}, history), WatchStream::Start::kFresh);
    GiveEmptySlice(stream, 11);  // the engine was ahead of the history
    EXPECT_FALSE(stream.Next(history, kLimit));
    ASSERT_TRUE(history.Append(*Change(11, "alice")));
    if (users) stream.NoteChange(0, 11, history);
    const auto response = stream.Next(history, kLimit);
    ASSERT_TRUE(response);
    EXPECT_EQ(Parse(*response).event(), v1::WATCH_EVENT_CURRENT);
    EXPECT_EQ(ResumeToken::Decode(Parse(*response).resume_token())->sequence, 11u);
    EXPECT_FALSE(stream.Next(history, kLimit));
  }
}

// The pipeline may register a stream ahead of batches that are still on their way to the history.
TEST(WatchStreamTest, ChangesFromBeforeItBeganAreNotSent) {
  for (const WatchedUsers& users : {WatchedUsers(), Users({"alice"})}) {
    WatchHistory history(kWindow);
    history.Reset(8);
    WatchStream stream(users, "");
    stream.Begin({.epoch = kEpoch, .sequence = 10}, history);
    GiveEmptySlice(stream, 10);
    for (const std::uint64_t sequence : {9u, 10u}) {
      ASSERT_TRUE(history.Append(*Change(sequence, "alice")));
      if (users) stream.NoteChange(0, sequence, history);
    }
    const auto response = stream.Next(history, kLimit);
    ASSERT_TRUE(response);
    EXPECT_EQ(Parse(*response).event(), v1::WATCH_EVENT_CURRENT);
    EXPECT_EQ(response->updates, 0u);
  }
}

// Many changes of one user may come within one batch: what one read of a PBX's socket held.
TEST(WatchStreamTest, WhoKeepsUpIsSentEveryChangeOfABatch) {
  for (const WatchedUsers& users : {WatchedUsers(), Users({"alice", "bob"})}) {
    WatchHistory history(kWindow);
    history.Reset(10);
    WatchStream stream(users, "");
    stream.Begin({.epoch = kEpoch, .sequence = 10}, history);
    GiveEmptySlice(stream, 10);
    ASSERT_TRUE(stream.Next(history, kLimit));  // CURRENT
    for (std::uint64_t sequence = 11; sequence <= 15; ++sequence) {
      ASSERT_TRUE(history.Append(*Change(sequence, "alice")));
      if (users) stream.NoteChange(0, sequence, history);
    }
    const auto response = stream.Next(history, kLimit);
    ASSERT_TRUE(response);
    EXPECT_EQ(response->missed, 0u);
    const v1::WatchPresencesResponse parsed = Parse(*response);
    ASSERT_EQ(parsed.updates_size(), 5);
    for (int i = 0; i < 5; ++i) {
      EXPECT_EQ(parsed.updates(i).sequence(), 11u + static_cast<unsigned>(i));
      EXPECT_EQ(parsed.updates(i).merged_changes(), 0u);
    }
    EXPECT_EQ(parsed.event(), v1::WATCH_EVENT_UPDATES);
    EXPECT_FALSE(stream.Next(history, kLimit));
  }
}

// The pipeline may be ahead of the log when it registers a stream: what comes up to there is known.
TEST(WatchStreamTest, AFilteredStreamAheadOfTheLogStaysThere) {
  WatchHistory history(kWindow);
  history.Reset(8);
  WatchStream stream(Users({"alice"}), "");
  stream.Begin({.epoch = kEpoch, .sequence = 10}, history);
  GiveEmptySlice(stream, 10);
  ASSERT_TRUE(stream.Next(history, kLimit));  // CURRENT, as the initial values are all there is
  for (const std::uint64_t sequence : {9u, 10u}) {
    ASSERT_TRUE(history.Append(*Change(sequence, "alice")));
    stream.NoteChange(0, sequence, history);
  }
  EXPECT_FALSE(stream.Next(history, kLimit));
}

TEST(WatchStreamTest, AResumedStreamGetsWhatItMissed) {
  for (const WatchedUsers& users : {WatchedUsers(), Users({"alice"})}) {
    WatchHistory history(kWindow);
    history.Reset(10);
    WatchStream first(users, "");
    first.Begin({.epoch = kEpoch, .sequence = 10}, history);
    GiveEmptySlice(first, 10);
    const std::string token = Parse(*first.Next(history, kLimit)).resume_token();
    ASSERT_TRUE(history.Append(*Change(11, "alice")));

    WatchStream second(users, token);
    EXPECT_EQ(second.Begin({.epoch = kEpoch, .sequence = 11}, history),
              WatchStream::Start::kResumed);
    EXPECT_FALSE(second.TakeSliceRequest());
    const v1::WatchPresencesResponse parsed = Parse(*second.Next(history, kLimit));
    EXPECT_EQ(parsed.updates_size(), 1);
    EXPECT_EQ(parsed.event(), v1::WATCH_EVENT_CURRENT);

    WatchStream other_epoch(users, token);
    EXPECT_EQ(other_epoch.Begin({.epoch = kEpoch + 1, .sequence = 11}, history),
              WatchStream::Start::kReset);
    WatchStream other_users(Users({"bob"}), token);
    EXPECT_EQ(other_users.Begin({.epoch = kEpoch, .sequence = 11}, history),
              WatchStream::Start::kReset);
    // Behind the history: read again from the engine, unless somebody was removed meanwhile.
    history.Reset(20);
    WatchStream late(users, token);
    EXPECT_EQ(late.Begin({.epoch = kEpoch, .sequence = 20, .removal_sequence = 10}, history),
              WatchStream::Start::kReread);
    EXPECT_EQ(late.TakeSliceRequest()->unless_up_to, 10u);
    WatchStream removed(users, token);
    EXPECT_EQ(removed.Begin({.epoch = kEpoch, .sequence = 20, .removal_sequence = 11}, history),
              WatchStream::Start::kReset);
  }
}

TEST(WatchStreamTest, StartingOverGivesUpTheSliceOnItsWay) {
  WatchHistory history(kWindow);
  history.Reset(10);
  WatchStream stream(nullptr, "");
  stream.Begin({.epoch = kEpoch, .sequence = 10}, history);
  const std::optional<SliceRequest> first = stream.TakeSliceRequest();
  history.Reset(15);
  stream.StartOver(history);
  InitialSlice stale;
  stale.attempt = first->attempt;
  EXPECT_FALSE(stream.AddSlice(std::move(stale)));
  GiveEmptySlice(stream, 15);
  EXPECT_EQ(Parse(*stream.Next(history, kLimit)).event(), v1::WATCH_EVENT_RESET);
  EXPECT_EQ(Parse(*stream.Next(history, kLimit)).event(), v1::WATCH_EVENT_CURRENT);
}

}  // namespace
}  // namespace unipresence
