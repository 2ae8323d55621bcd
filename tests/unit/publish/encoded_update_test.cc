#include "aggregator/publish/encoded_update.h"

#include <gtest/gtest.h>

#include <string>

#include "aggregator/publish/codec.h"

namespace unipresence::publish {
namespace {

std::string Encode(PresenceState before, PresenceState after, CauseKind cause,
                   std::uint64_t revision, bool removed = false) {
  PresenceUpdate update{.sequence = 1'000 + revision,
                        .removed = removed,
                        .presence = {},
                        .previous_state = before,
                        .cause = {.kind = cause}};
  update.presence.user = "alice";
  update.presence.state = after;
  update.presence.revision = revision;
  ByteBuffer bytes;
  AppendUpdate(update, bytes);
  return std::string(bytes.view());
}

TEST(EncodedUpdateTest, TellsWhatBroughtTheState) {
  const auto brings = [](const std::string& bytes) { return ReadUpdate(bytes).brings_state(); };
  EXPECT_TRUE(
      brings(Encode(PresenceState::kInUse, PresenceState::kAvailable, CauseKind::kHangup, 5)));
  EXPECT_FALSE(brings(Encode(PresenceState::kAvailable, PresenceState::kAvailable,
                             CauseKind::kDeviceStateChange, 6)));
  EXPECT_TRUE(
      brings(Encode(PresenceState::kUnknown, PresenceState::kUnknown, CauseKind::kUserCreated, 7)));
  EXPECT_TRUE(brings(Encode(PresenceState::kAvailable, PresenceState::kAvailable,
                            CauseKind::kUserDeleted, 8, /*removed=*/true)));
}

TEST(EncodedUpdateTest, AMergedUpdateHasTheNewestValueAndTheCauseOfItsState) {
  const std::string hangup =
      Encode(PresenceState::kInUse, PresenceState::kAvailable, CauseKind::kHangup, 5);
  const std::string newest = Encode(PresenceState::kAvailable, PresenceState::kAvailable,
                                    CauseKind::kDeviceStateChange, 6);
  ByteBuffer bytes;
  AppendMerged(ReadUpdate(newest), ReadUpdate(hangup).cause, v1::PRESENCE_STATE_RINGING, 3, bytes);
  v1::PresenceUpdate merged;
  ASSERT_TRUE(merged.ParseFromArray(bytes.data(), static_cast<int>(bytes.size())));
  v1::PresenceUpdate expected;
  ASSERT_TRUE(expected.ParseFromString(newest));
  expected.set_previous_state(v1::PRESENCE_STATE_RINGING);
  expected.mutable_cause()->set_kind(v1::CAUSE_KIND_HANGUP);
  expected.set_merged_changes(3);
  EXPECT_EQ(merged.SerializeAsString(), expected.SerializeAsString());
}

TEST(EncodedUpdateTest, OneChangeIsItself) {
  const std::string change =
      Encode(PresenceState::kInUse, PresenceState::kAvailable, CauseKind::kHangup, 5);
  const EncodedUpdate update = ReadUpdate(change);
  ByteBuffer bytes;
  AppendMerged(update, update.cause, update.previous_state, 1, bytes);
  EXPECT_EQ(bytes.view(), change);
}

TEST(EncodedUpdateTest, ARefreshHasTheValueAlone) {
  const std::string change =
      Encode(PresenceState::kInUse, PresenceState::kAvailable, CauseKind::kHangup, 5);
  ByteBuffer bytes;
  AppendAsRefresh(ReadUpdate(change), bytes);
  v1::PresenceUpdate refresh;
  ASSERT_TRUE(refresh.ParseFromArray(bytes.data(), static_cast<int>(bytes.size())));
  v1::PresenceUpdate expected;
  ASSERT_TRUE(expected.ParseFromString(change));
  expected.clear_previous_state();
  expected.clear_cause();
  expected.set_refresh(true);
  EXPECT_EQ(refresh.SerializeAsString(), expected.SerializeAsString());
}

TEST(EncodedUpdateTest, AnyBytesAreSurvived) {
  const std::string change =
      Encode(PresenceState::kInUse, PresenceState::kAvailable, CauseKind::kHangup, 5);
  for (std::size_t size = 0; size < change.size(); ++size) {
    for (const char byte : {'\0', '\x12', '\x7f', '\xff'}) {
      const std::string bytes = change.substr(0, size) + byte + byte;
      const EncodedUpdate update = ReadUpdate(bytes);
      EXPECT_LE(update.value.size(), bytes.size());
      EXPECT_LE(update.cause.size(), bytes.size());
    }
  }
}

}  // namespace
}  // namespace unipresence::publish
