#include "server/service/watch_stream.h"

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
  EXPECT_FALSE(ResumeToken::Decode("\x02" + text.substr(1)));
}

TEST(WatchStreamTest, CurrentWaitsUntilTheLogIsWhereTheSliceWasRead) {
  for (const WatchedUsers& users : {WatchedUsers(), Users({"alice"})}) {
    WatchLog log;
    log.Reset(10);
    WatchStream stream(users, "");
    EXPECT_EQ(stream.Begin({.epoch = kEpoch, .sequence = 10}, log), WatchStream::Start::kFresh);
    GiveEmptySlice(stream, 11);  // the engine was ahead of the log
    EXPECT_FALSE(stream.Next(log, kLimit));
    ASSERT_TRUE(log.Append(*Change(11, "alice")));
    if (users) stream.NoteChange(0, 11);
    const auto response = stream.Next(log, kLimit);
    ASSERT_TRUE(response);
    EXPECT_EQ(Parse(*response).event(), v1::WATCH_EVENT_CURRENT);
    EXPECT_EQ(ResumeToken::Decode(Parse(*response).resume_token())->sequence, 11u);
    EXPECT_FALSE(stream.Next(log, kLimit));
  }
}

// The pipeline may register a stream ahead of batches that are still on their way to the log.
TEST(WatchStreamTest, ChangesFromBeforeItBeganAreNotSent) {
  for (const WatchedUsers& users : {WatchedUsers(), Users({"alice"})}) {
    WatchLog log;
    log.Reset(8);
    WatchStream stream(users, "");
    stream.Begin({.epoch = kEpoch, .sequence = 10}, log);
    GiveEmptySlice(stream, 10);
    for (const std::uint64_t sequence : {9u, 10u}) {
      ASSERT_TRUE(log.Append(*Change(sequence, "alice")));
      if (users) stream.NoteChange(0, sequence);
    }
    const auto response = stream.Next(log, kLimit);
    ASSERT_TRUE(response);
    EXPECT_EQ(Parse(*response).event(), v1::WATCH_EVENT_CURRENT);
    EXPECT_EQ(response->updates, 0u);
  }
}

TEST(WatchStreamTest, AFilteredStreamSendsTheNewestChangeOnce) {
  WatchLog log;
  log.Reset(10);
  WatchStream stream(Users({"alice", "bob"}), "");
  stream.Begin({.epoch = kEpoch, .sequence = 10}, log);
  GiveEmptySlice(stream, 10);
  ASSERT_TRUE(stream.Next(log, kLimit));  // CURRENT
  for (std::uint64_t sequence = 11; sequence <= 15; ++sequence) {
    ASSERT_TRUE(log.Append(*Change(sequence, "alice")));
    stream.NoteChange(0, sequence);
  }
  const auto response = stream.Next(log, kLimit);
  ASSERT_TRUE(response);
  const v1::WatchPresencesResponse parsed = Parse(*response);
  ASSERT_EQ(parsed.updates_size(), 1);
  EXPECT_EQ(parsed.updates(0).sequence(), 15u);
  EXPECT_EQ(parsed.event(), v1::WATCH_EVENT_UPDATES);
  EXPECT_FALSE(stream.Next(log, kLimit));
}

TEST(WatchStreamTest, AResumedStreamGetsWhatItMissed) {
  for (const WatchedUsers& users : {WatchedUsers(), Users({"alice"})}) {
    WatchLog log;
    log.Reset(10);
    WatchStream first(users, "");
    first.Begin({.epoch = kEpoch, .sequence = 10}, log);
    GiveEmptySlice(first, 10);
    const std::string token = Parse(*first.Next(log, kLimit)).resume_token();
    ASSERT_TRUE(log.Append(*Change(11, "alice")));

    WatchStream second(users, token);
    EXPECT_EQ(second.Begin({.epoch = kEpoch, .sequence = 11}, log), WatchStream::Start::kResumed);
    EXPECT_FALSE(second.TakeSliceRequest());
    const v1::WatchPresencesResponse parsed = Parse(*second.Next(log, kLimit));
    EXPECT_EQ(parsed.updates_size(), 1);
    EXPECT_EQ(parsed.event(), v1::WATCH_EVENT_CURRENT);

    WatchStream other_epoch(users, token);
    EXPECT_EQ(other_epoch.Begin({.epoch = kEpoch + 1, .sequence = 11}, log),
              WatchStream::Start::kReset);
    WatchStream other_users(Users({"bob"}), token);
    EXPECT_EQ(other_users.Begin({.epoch = kEpoch, .sequence = 11}, log),
              WatchStream::Start::kReset);
    // Behind the log: read again from the engine, unless somebody was removed meanwhile.
    log.Reset(20);
    WatchStream late(users, token);
    EXPECT_EQ(late.Begin({.epoch = kEpoch, .sequence = 20, .removal_sequence = 10}, log),
              WatchStream::Start::kReread);
    EXPECT_EQ(late.TakeSliceRequest()->unless_up_to, 10u);
    WatchStream removed(users, token);
    EXPECT_EQ(removed.Begin({.epoch = kEpoch, .sequence = 20, .removal_sequence = 11}, log),
              WatchStream::Start::kReset);
  }
}

TEST(WatchStreamTest, StartingOverGivesUpTheSliceOnItsWay) {
  WatchLog log;
  log.Reset(10);
  WatchStream stream(nullptr, "");
  stream.Begin({.epoch = kEpoch, .sequence = 10}, log);
  const std::optional<SliceRequest> first = stream.TakeSliceRequest();
  log.Reset(15);
  stream.StartOver(log);
  InitialSlice stale;
  stale.attempt = first->attempt;
  EXPECT_FALSE(stream.AddSlice(std::move(stale)));
  GiveEmptySlice(stream, 15);
  EXPECT_EQ(Parse(*stream.Next(log, kLimit)).event(), v1::WATCH_EVENT_RESET);
  EXPECT_EQ(Parse(*stream.Next(log, kLimit)).event(), v1::WATCH_EVENT_CURRENT);
}

}  // namespace
}  // namespace unipresence
