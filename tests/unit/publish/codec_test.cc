#include "aggregator/publish/codec.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <limits>
#include <string>

#include "absl/strings/ascii.h"
#include "aggregator/base/strings.h"
#include "aggregator/publish/decoder.h"
#include "tests/testing/fake_presence_table.h"
#include "unipresence/v1/replication.pb.h"

namespace unipresence::publish {
namespace {

using ::unipresence::testing::ToModel;

template <typename Enum>
rc::Gen<Enum> ArbitraryEnum(Enum last) {
  return rc::gen::map(rc::gen::inRange(0, static_cast<int>(last) + 1),
                      [](int number) { return static_cast<Enum>(number); });
}

rc::Gen<std::string> ArbitraryText() {
  return rc::gen::resize(200, rc::gen::container<std::string>(rc::gen::inRange<char>(0x20, 0x7f)));
}

PresenceValue ArbitraryValue() {
  PresenceValue value;
  value.user = *ArbitraryText();
  value.state = *ArbitraryEnum(PresenceState::kUnknown);
  value.selected_device = *ArbitraryEnum(kLineKinds.back());
  value.rule = *ArbitraryEnum(kLastRule);
  value.logged_in = *rc::gen::arbitrary<bool>();
  value.emitting = *rc::gen::arbitrary<bool>();
  value.do_not_disturb = *rc::gen::arbitrary<bool>();
  value.stale = *rc::gen::arbitrary<bool>();
  const int lines = *rc::gen::inRange(0, 4);
  for (int i = 0; i < lines; ++i) {
    value.lines.push_back({.kind = *ArbitraryEnum(kLineKinds.back()),
                           .state = *ArbitraryEnum(DeviceState::kOnHold),
                           .holding = *rc::gen::arbitrary<bool>(),
                           .held = *rc::gen::arbitrary<bool>(),
                           .pbx = *ArbitraryText(),
                           .device = *ArbitraryText()});
  }
  if (lines > 0) value.device_in_use = *ArbitraryEnum(kLineKinds.back());
  value.revision = *rc::gen::arbitrary<std::uint64_t>();
  value.update_time = *rc::gen::arbitrary<WallTimeMicros>();
  for (ForwardingCondition condition : kForwardingConditions) {
    if (*rc::gen::arbitrary<bool>()) value.active_forwardings.Add(condition);
  }
  return value;
}

std::string Encode(const PresenceUpdate& update) {
  ByteBuffer out;
  AppendUpdate(update, out);
  return std::string(out.view());
}

RC_GTEST_PROP(CodecProperty, HandWrittenBytesAreThoseOfGeneratedCode, ()) {
  const PresenceValue value = ArbitraryValue();
  const std::string pbx = *ArbitraryText();
  const std::string device = *ArbitraryText();
  PresenceUpdate update;
  update.sequence = *rc::gen::arbitrary<std::uint64_t>();
  update.removed = *rc::gen::arbitrary<bool>();
  update.presence = ToModel(value);
  update.previous_state = *ArbitraryEnum(PresenceState::kUnknown);
  update.cause = {.kind = *ArbitraryEnum(CauseKind::kSetForwarding),
                  .pbx = pbx,
                  .device = device,
                  .device_state = *ArbitraryEnum(DeviceState::kOnHold),
                  .time = *rc::gen::arbitrary<WallTimeMicros>()};

  v1::PresenceUpdate message;
  ToProto(update, message);
  RC_ASSERT(Encode(update) == message.SerializeAsString());
}

RC_GTEST_PROP(CodecProperty, APresenceComesBackFromTheWire, ()) {
  const PresenceValue value = ArbitraryValue();
  ByteBuffer out;
  AppendPresenceField(v1::SnapshotReply::kPresencesFieldNumber, ToModel(value), out);
  v1::SnapshotReply reply;
  RC_ASSERT(reply.ParseFromArray(out.data(), static_cast<int>(out.size())));
  RC_ASSERT(reply.presences_size() == 1);
  PresenceValue back;
  back.user = "what was there before";
  back.lines.resize(7);
  back.active_forwardings.Add(ForwardingCondition::kBusy);
  RC_ASSERT(ReadPresence(reply.presences(0).SerializeAsString(), back));
  RC_ASSERT(back == value);
}

RC_GTEST_PROP(CodecProperty, ARefreshIsAnUpdateWithoutACause, ()) {
  const PresenceValue value = ArbitraryValue();
  ByteBuffer out;
  AppendRefresh(ToModel(value), 77, out);
  v1::PresenceUpdate update;
  RC_ASSERT(update.ParseFromArray(out.data(), static_cast<int>(out.size())));
  RC_ASSERT(update.refresh());
  RC_ASSERT(update.sequence() == 77u);
  RC_ASSERT(!update.has_cause());
  RC_ASSERT(update.SerializeAsString() == out.view());
  PresenceValue back;
  RC_ASSERT(ReadPresence(update.presence().SerializeAsString(), back));
  RC_ASSERT(back == value);
}

TEST(CodecTest, ARefreshOfAnUnknownUserSaysRemovedWithoutARevision) {
  ByteBuffer out;
  AppendRefreshOfUnknown("alice", 12, out);
  v1::PresenceUpdate update;
  ASSERT_TRUE(update.ParseFromArray(out.data(), static_cast<int>(out.size())));
  EXPECT_EQ(update.removed().user(), "alice");
  EXPECT_EQ(update.removed().revision(), 0u);
  EXPECT_EQ(update.sequence(), 12u);
  EXPECT_TRUE(update.refresh());
  EXPECT_EQ(update.SerializeAsString(), out.view());
}

TEST(CodecTest, AppendsBehindWhatIsThere) {
  ByteBuffer out;
  out.Append("all");
  PresenceUpdate update;
  AppendUpdate(update, out);
  EXPECT_EQ(out.view(), "all" + Encode(update));
}

// The names of the model are those of the API without the prefix, so equal numbers mean equal
// things.
TEST(CodecTest, EnumsHaveTheSameNamesOnBothSides) {
  for (int i = 0; i < kCauseKindCount; ++i) {
    const auto kind = static_cast<CauseKind>(i);
    if (ToString(kind).empty()) {
      EXPECT_EQ(v1::CauseKind_Name(ToProto(kind)), "");
      EXPECT_EQ(FromProto(ToProto(kind)), std::nullopt);
      continue;
    }
    EXPECT_EQ(v1::CauseKind_Name(ToProto(kind)), "CAUSE_KIND_" + std::string(ToString(kind)));
    EXPECT_EQ(FromProto(ToProto(kind)), kind);
  }
  for (int i = 0; i < kDeviceStateCount; ++i) {
    const auto state = static_cast<DeviceState>(i);
    EXPECT_EQ(v1::DeviceState_Name(ToProto(state)), "DEVICE_STATE_" + std::string(ToString(state)));
    EXPECT_EQ(FromProto(ToProto(state)), state);
  }
  for (int i = 0; i <= static_cast<int>(PresenceState::kUnknown); ++i) {
    const auto state = static_cast<PresenceState>(i);
    EXPECT_EQ(v1::PresenceState_Name(ToProto(state)),
              "PRESENCE_STATE_" + std::string(ToString(state)));
    EXPECT_EQ(FromProto(ToProto(state)), state);
  }
  for (int i = 0; i <= static_cast<int>(kLastRule); ++i) {
    const auto rule = static_cast<Rule>(i);
    EXPECT_EQ(v1::Rule_Name(ToProto(rule)), "RULE_" + std::string(ToString(rule)));
    EXPECT_EQ(FromProto(ToProto(rule)), rule);
  }
  for (LineKind kind : kLineKinds) {
    EXPECT_EQ(v1::LineKind_Name(ToProto(kind)), "LINE_KIND_" + std::string(ToString(kind)));
    EXPECT_EQ(FromProto(ToProto(kind)), kind);
  }
  for (LineType type : kLineTypes) {
    EXPECT_EQ(v1::LineType_Name(ToProto(type)),
              "LINE_TYPE_" + absl::AsciiStrToUpper(ToAbsl(ToString(type))));
    EXPECT_EQ(FromProto(ToProto(type)), type);
  }
}

TEST(CodecTest, UnknownEnumValuesOfANewerServerAreNoValues) {
  EXPECT_EQ(FromProto(v1::PRESENCE_STATE_UNSPECIFIED), std::nullopt);
  for (const int number : {-1, 99, std::numeric_limits<int>::max()}) {
    EXPECT_EQ(FromProto(static_cast<v1::PresenceState>(number)), std::nullopt) << number;
    EXPECT_EQ(FromProto(static_cast<v1::LineKind>(number)), std::nullopt) << number;
  }
  v1::Presence presence;
  presence.set_user("alice");
  presence.set_state(static_cast<v1::PresenceState>(99));
  presence.set_rule(static_cast<v1::Rule>(99));
  presence.add_lines()->set_kind(static_cast<v1::LineKind>(v1::LineKind_MAX + 1));
  presence.add_active_forwardings(static_cast<v1::ForwardingCondition>(99));
  presence.add_active_forwardings(v1::FORWARDING_CONDITION_NO_ANSWER);
  ForwardingConditions no_answer;
  no_answer.Add(ForwardingCondition::kNoAnswer);
  PresenceValue value;
  ASSERT_TRUE(ReadPresence(presence.SerializeAsString(), value));
  EXPECT_EQ(value.state, PresenceState::kUnknown);
  EXPECT_EQ(value.rule, std::nullopt);
  EXPECT_EQ(value.device_in_use, std::nullopt);
  EXPECT_EQ(value.active_forwardings, no_answer);
  ASSERT_EQ(value.lines.size(), 1u);
  EXPECT_EQ(value.lines[0].kind, std::nullopt);
  EXPECT_EQ(value.lines[0].state, DeviceState::kUnknown);
}

struct LeftOutRow {
  const char* name;
  PresenceUpdate update;
  v1::PresenceState previous_state;
  v1::DeviceState cause_device_state;
  v1::LineKind device_in_use;
};

PresenceUpdate UpdateWith(CauseKind kind, std::string_view device, std::uint64_t revision,
                          bool lines) {
  PresenceUpdate update;
  update.presence.revision = revision;
  update.presence.device_in_use = LineKind::kWebrtc;
  if (lines) update.presence.lines.resize(1);
  update.previous_state = PresenceState::kRinging;
  update.cause.kind = kind;
  update.cause.device = device;
  update.cause.device_state = DeviceState::kBusy;
  return update;
}

TEST(CodecTest, WhatDoesNotApplyIsUnspecified) {
  constexpr std::string_view kDevice = "PJSIP/alice";
  const LeftOutRow rows[] = {
      {"a report of a device", UpdateWith(CauseKind::kDeviceStateChange, kDevice, 5, true),
       v1::PRESENCE_STATE_RINGING, v1::DEVICE_STATE_BUSY, v1::LINE_KIND_WEBRTC},
      {"a list's report", UpdateWith(CauseKind::kResync, kDevice, 5, true),
       v1::PRESENCE_STATE_RINGING, v1::DEVICE_STATE_BUSY, v1::LINE_KIND_WEBRTC},
      {"a resync of a whole PBX", UpdateWith(CauseKind::kResync, "", 5, true),
       v1::PRESENCE_STATE_RINGING, v1::DEVICE_STATE_UNSPECIFIED, v1::LINE_KIND_WEBRTC},
      {"a hangup reports no state", UpdateWith(CauseKind::kHangup, kDevice, 5, true),
       v1::PRESENCE_STATE_RINGING, v1::DEVICE_STATE_UNSPECIFIED, v1::LINE_KIND_WEBRTC},
      {"a command", UpdateWith(CauseKind::kLogin, "", 5, true), v1::PRESENCE_STATE_RINGING,
       v1::DEVICE_STATE_UNSPECIFIED, v1::LINE_KIND_WEBRTC},
      {"the first value", UpdateWith(CauseKind::kServerStart, "", 1, true),
       v1::PRESENCE_STATE_UNSPECIFIED, v1::DEVICE_STATE_UNSPECIFIED, v1::LINE_KIND_WEBRTC},
      {"the first value after a deletion", UpdateWith(CauseKind::kUserCreated, "", 9, true),
       v1::PRESENCE_STATE_UNSPECIFIED, v1::DEVICE_STATE_UNSPECIFIED, v1::LINE_KIND_WEBRTC},
      {"no lines", UpdateWith(CauseKind::kUserUpdated, "", 5, false), v1::PRESENCE_STATE_RINGING,
       v1::DEVICE_STATE_UNSPECIFIED, v1::LINE_KIND_UNSPECIFIED},
  };
  for (const LeftOutRow& row : rows) {
    SCOPED_TRACE(row.name);
    v1::PresenceUpdate message;
    ASSERT_TRUE(message.ParseFromString(Encode(row.update)));
    EXPECT_EQ(message.previous_state(), row.previous_state);
    EXPECT_EQ(message.cause().device_state(), row.cause_device_state);
    EXPECT_EQ(message.presence().device_in_use(), row.device_in_use);
  }
}

TEST(CodecTest, TimesBefore1970HavePositiveNanoseconds) {
  PresenceUpdate update;
  update.presence.update_time = -1;
  v1::PresenceUpdate message;
  ASSERT_TRUE(message.ParseFromString(Encode(update)));
  EXPECT_EQ(message.presence().update_time().seconds(), -1);
  EXPECT_EQ(message.presence().update_time().nanos(), 999'999'000);
}

}  // namespace
}  // namespace unipresence::publish
