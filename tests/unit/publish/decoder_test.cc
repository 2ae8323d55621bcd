// What an encoder writes comes back by the tests of codec.h; here is what none of ours writes.
#include "aggregator/publish/decoder.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <string_view>

namespace unipresence::publish {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

v1::PresenceUpdate AnUpdate() {
  v1::PresenceUpdate update;
  update.set_sequence(300);
  v1::Presence& presence = *update.mutable_presence();
  presence.set_user("alice");
  presence.set_state(v1::PRESENCE_STATE_IN_USE);
  presence.set_hint(1);
  presence.set_rule(v1::RULE_SELECTED_WEBRTC);
  presence.set_logged_in(true);
  for (const char* device : {"PJSIP/alice", "PJSIP/alice_w"}) {
    v1::LinePresence& line = *presence.add_lines();
    line.set_kind(v1::LINE_KIND_WEBRTC);
    line.set_device(device);
    line.set_state(v1::DEVICE_STATE_INUSE);
    line.set_pbx("main");
  }
  presence.set_revision(1'000'000);
  presence.mutable_update_time()->set_seconds(1'764'500'000);
  presence.mutable_update_time()->set_nanos(123'000);
  presence.add_active_forwardings(v1::FORWARDING_CONDITION_BUSY);
  presence.add_active_forwardings(v1::FORWARDING_CONDITION_NO_ANSWER);
  update.set_previous_state(v1::PRESENCE_STATE_AVAILABLE);
  return update;
}

TEST(DecoderTest, EveryPieceOfAnUpdateIsReadAsTheGeneratedParserReadsIt) {
  const std::string whole = AnUpdate().SerializeAsString();
  int understood = 0;
  for (std::size_t size = 0; size <= whole.size(); ++size) {
    const std::string_view piece = std::string_view(whole).substr(0, size);
    v1::PresenceUpdate parsed;
    const bool parses = parsed.ParseFromArray(piece.data(), static_cast<int>(piece.size()));
    UpdateView view;
    PresenceValue value;
    ASSERT_EQ(ReadUpdate(piece, view, value), parses) << size;
    if (!parses) continue;
    ++understood;
    UpdateView again;
    PresenceValue same;
    const std::string bytes = parsed.SerializeAsString();
    ASSERT_TRUE(ReadUpdate(bytes, again, same));
    EXPECT_EQ(value, same) << size;
    EXPECT_EQ(view.sequence, parsed.sequence()) << size;
    EXPECT_EQ(view.user, parsed.presence().user()) << size;
    EXPECT_EQ(view.revision, parsed.presence().revision()) << size;
  }
  EXPECT_EQ(understood, 4);  // nothing, and behind each of the three fields
}

TEST(DecoderTest, FieldsOfANewerServerArePassedOver) {
  const std::string unknown(
      "\xa0\x06\x01"                              // 100: a varint
      "\xa1\x06\x01\x02\x03\x04\x05\x06\x07\x08"  // fixed64
      "\xa2\x06\x03xyz"                           // bytes
      "\xa5\x06\x01\x02\x03\x04",                 // fixed32
      3 + 10 + 6 + 6);
  const v1::PresenceUpdate update = AnUpdate();
  PresenceValue expected;
  ASSERT_TRUE(ReadPresence(update.presence().SerializeAsString(), expected));

  v1::PresenceUpdate other;
  ASSERT_TRUE(other.ParseFromString(unknown));
  for (const std::string& bytes : {unknown + update.presence().SerializeAsString(),
                                   update.presence().SerializeAsString() + unknown}) {
    PresenceValue value;
    ASSERT_TRUE(ReadPresence(bytes, value));
    EXPECT_EQ(value, expected);
  }
  StreamFrameView frame;
  ASSERT_TRUE(ReadStreamFrame(unknown, frame));
  EXPECT_EQ(frame.epoch, 0u);
  EXPECT_THAT(frame.updates, IsEmpty());
}

TEST(DecoderTest, AFieldOfAnotherTypeIsNotTakenForTheKnownOne) {
  UpdateView view;
  PresenceValue value;
  // `presence` as a varint, `sequence` as bytes.
  ASSERT_TRUE(ReadUpdate("\x10\x05\x0a\x01z", view, value));
  EXPECT_THAT(view.user, IsEmpty());
  EXPECT_EQ(view.sequence, 0u);
}

TEST(DecoderTest, WhatIsNoMessageIsRefused) {
  const struct {
    const char* name;
    std::string bytes;
  } rows[] = {
      {"half a tag", "\x80"},
      {"a tag without a value", "\x08"},
      {"field 0", std::string("\x00\x01", 2)},
      {"a varint of eleven bytes", "\x08" + std::string(10, '\xff') + "\x01"},
      {"a length beyond the end",
       "\x12\x05"
       "ab"},
      {"a length of 2^64 - 1", "\x12" + std::string(9, '\xff') + "\x01"},
      {"a group", "\x0b\x0c"},
      {"the end of a group", "\x0c"},
      {"type 6", "\x0e\x01"},
      {"type 7", "\x0f\x01"},
      {"half a fixed64", "\x09\x01\x02"},
      {"half a fixed32", "\x0d\x01\x02"},
  };
  for (const auto& row : rows) {
    SCOPED_TRACE(row.name);
    StreamFrameView frame;
    UserFrameView user_frame;
    UpdateView view;
    PresenceValue value;
    EXPECT_FALSE(ReadStreamFrame(row.bytes, frame));
    EXPECT_FALSE(ReadUserFrame(row.bytes, user_frame));
    EXPECT_FALSE(ReadUpdate(row.bytes, view, value));
    EXPECT_FALSE(ReadPresence(row.bytes, value));
  }
}

TEST(DecoderTest, TextsAreUtf8) {
  const std::string bad = "caf\xe9";
  const std::string user = std::string("\x0a\x04") + bad;
  const std::string line = std::string("\x5a\x06\x12\x04") + bad;
  const std::string line_pbx = std::string("\x5a\x06\x32\x04") + bad;
  for (const std::string& bytes : {user, line, line_pbx}) {
    PresenceValue value;
    EXPECT_FALSE(ReadPresence(bytes, value));
  }
  UpdateView view;
  PresenceValue value;
  EXPECT_FALSE(ReadUpdate(std::string("\x1a\x06") + user, view, value));  // removed
}

TEST(DecoderTest, OfTwoChangesTheLastCounts) {
  v1::PresenceUpdate removed;
  removed.mutable_removed()->set_user("bob");
  removed.mutable_removed()->set_revision(9);
  const std::string first = AnUpdate().SerializeAsString();
  const std::string second = removed.SerializeAsString();
  UpdateView view;
  PresenceValue value;
  const std::string removed_last = first + second;
  ASSERT_TRUE(ReadUpdate(removed_last, view, value));
  EXPECT_TRUE(view.removed);
  EXPECT_EQ(view.user, "bob");
  EXPECT_EQ(view.revision, 9u);
  const std::string removed_first = second + first;
  ASSERT_TRUE(ReadUpdate(removed_first, view, value));
  EXPECT_FALSE(view.removed);
  EXPECT_EQ(view.user, "alice");
  EXPECT_EQ(view.revision, 1'000'000u);
}

TEST(DecoderTest, FramesAreTakenApart) {
  v1::StreamFrame frame;
  frame.set_epoch(7);
  frame.set_first_sequence(300);
  *frame.add_updates() = AnUpdate();
  frame.add_updates()->set_sequence(301);
  frame.mutable_heartbeat()->set_sequence(301);
  const std::string bytes = frame.SerializeAsString();
  StreamFrameView view;
  view.updates = {"of the frame before"};
  ASSERT_TRUE(ReadStreamFrame(bytes, view));
  EXPECT_EQ(view.epoch, 7u);
  EXPECT_EQ(view.first_sequence, 300u);
  EXPECT_THAT(view.updates, ElementsAre(frame.updates(0).SerializeAsString(),
                                        frame.updates(1).SerializeAsString()));
  ASSERT_TRUE(view.heartbeat.has_value());
  EXPECT_EQ(view.heartbeat->sequence(), 301u);
  ASSERT_TRUE(ReadStreamFrame({}, view));
  EXPECT_EQ(view.epoch, 0u);
  EXPECT_FALSE(view.heartbeat.has_value());

  v1::UserFrame of_user;
  of_user.set_epoch(8);
  *of_user.mutable_update() = AnUpdate();
  const std::string user_bytes = of_user.SerializeAsString();
  UserFrameView user_view;
  ASSERT_TRUE(ReadUserFrame(user_bytes, user_view));
  EXPECT_EQ(user_view.epoch, 8u);
  EXPECT_EQ(user_view.update, AnUpdate().SerializeAsString());
}

}  // namespace
}  // namespace unipresence::publish
