#include "aggregator/publish/decoder.h"

#include <cstddef>
#include <string>

#include "aggregator/base/valid_text.h"
#include "aggregator/publish/codec.h"
#include "aggregator/publish/wire.h"

namespace unipresence::publish {
namespace {

using wire::FieldReader;
using wire::kFixed64;
using wire::kLength;
using wire::kVarint;
using wire::Tag;

// As an enum of the API, which may be one that this build does not know.
template <typename Enum>
Enum As(std::uint64_t number) {
  return static_cast<Enum>(static_cast<std::int32_t>(number));
}

bool ReadText(std::string_view text, std::string& out) {
  out.assign(text);
  return IsUtf8(text);
}

bool ReadLine(std::string_view bytes, LineValue& out) {
  out.kind = std::nullopt;
  out.state = DeviceState::kUnknown;
  out.holding = false;
  out.held = false;
  out.pbx.clear();
  out.device.clear();
  bool valid = true;
  FieldReader fields(bytes);
  while (fields.Next()) {
    switch (fields.tag()) {
      case Tag(v1::LinePresence::kKindFieldNumber, kVarint):
        out.kind = FromProto(As<v1::LineKind>(fields.number()));
        break;
      case Tag(v1::LinePresence::kDeviceFieldNumber, kLength):
        valid &= ReadText(fields.content(), out.device);
        break;
      case Tag(v1::LinePresence::kStateFieldNumber, kVarint):
        out.state = FromProto(As<v1::DeviceState>(fields.number())).value_or(DeviceState::kUnknown);
        break;
      case Tag(v1::LinePresence::kHoldingFieldNumber, kVarint):
        out.holding = fields.number() != 0;
        break;
      case Tag(v1::LinePresence::kHeldFieldNumber, kVarint):
        out.held = fields.number() != 0;
        break;
      case Tag(v1::LinePresence::kPbxFieldNumber, kLength):
        valid &= ReadText(fields.content(), out.pbx);
        break;
      default:
        break;
    }
  }
  return valid && fields.ok();
}

bool ReadTimestamp(std::string_view bytes, WallTimeMicros& out) {
  std::uint64_t seconds = 0;
  std::int32_t nanos = 0;
  FieldReader fields(bytes);
  while (fields.Next()) {
    switch (fields.tag()) {
      case Tag(google::protobuf::Timestamp::kSecondsFieldNumber, kVarint):
        seconds = fields.number();
        break;
      case Tag(google::protobuf::Timestamp::kNanosFieldNumber, kVarint):
        nanos = static_cast<std::int32_t>(fields.number());
        break;
      default:
        break;
    }
  }
  // In unsigned numbers, because a stranger's seconds may overflow.
  out = static_cast<WallTimeMicros>(seconds * 1'000'000 + static_cast<std::uint64_t>(nanos / 1000));
  return fields.ok();
}

void AddForwarding(std::uint64_t number, ForwardingConditions& out) {
  const auto condition = FromProto(As<v1::ForwardingCondition>(number));
  if (condition.has_value()) out.Add(*condition);
}

// Everything but strings and lines, which keep their memory.
void ClearNumbers(PresenceValue& out) {
  out.state = PresenceState::kUnknown;
  out.device_in_use = std::nullopt;
  out.selected_device = std::nullopt;
  out.rule = std::nullopt;
  out.logged_in = false;
  out.emitting = false;
  out.do_not_disturb = false;
  out.active_forwardings = {};
  out.stale = false;
  out.revision = 0;
  out.update_time = 0;
}

// The fields of a presence that are numbers; others are not for it.
void ReadNumber(std::uint64_t tag, std::uint64_t number, PresenceValue& out) {
  switch (tag) {
    case Tag(v1::Presence::kStateFieldNumber, kVarint):
      out.state = FromProto(As<v1::PresenceState>(number)).value_or(PresenceState::kUnknown);
      break;
    case Tag(v1::Presence::kDeviceInUseFieldNumber, kVarint):
      out.device_in_use = FromProto(As<v1::LineKind>(number));
      break;
    case Tag(v1::Presence::kRuleFieldNumber, kVarint):
      out.rule = FromProto(As<v1::Rule>(number));
      break;
    case Tag(v1::Presence::kSelectedDeviceFieldNumber, kVarint):
      out.selected_device = FromProto(As<v1::LineKind>(number));
      break;
    case Tag(v1::Presence::kLoggedInFieldNumber, kVarint):
      out.logged_in = number != 0;
      break;
    case Tag(v1::Presence::kEmittingFieldNumber, kVarint):
      out.emitting = number != 0;
      break;
    case Tag(v1::Presence::kDoNotDisturbFieldNumber, kVarint):
      out.do_not_disturb = number != 0;
      break;
    case Tag(v1::Presence::kStaleFieldNumber, kVarint):
      out.stale = number != 0;
      break;
    case Tag(v1::Presence::kRevisionFieldNumber, kVarint):
      out.revision = number;
      break;
    case Tag(v1::Presence::kActiveForwardingsFieldNumber, kVarint):
      AddForwarding(number, out.active_forwardings);
      break;
    default:
      break;
  }
}

bool ReadPacked(std::string_view bytes, ForwardingConditions& out) {
  const char* at = bytes.data();
  const char* end = at + bytes.size();
  while (at != end) {
    std::uint64_t number = 0;
    if (!wire::TakeVarint(at, end, number)) return false;
    AddForwarding(number, out);
  }
  return true;
}

bool ReadRemoved(std::string_view bytes, UpdateView& out) {
  FieldReader fields(bytes);
  while (fields.Next()) {
    switch (fields.tag()) {
      case Tag(v1::UserRemoved::kUserFieldNumber, kLength):
        out.user = fields.content();
        break;
      case Tag(v1::UserRemoved::kRevisionFieldNumber, kVarint):
        out.revision = fields.number();
        break;
      default:
        break;
    }
  }
  return fields.ok() && IsUtf8(out.user);
}

}  // namespace

bool ReadPresence(std::string_view bytes, PresenceValue& out) {
  ClearNumbers(out);
  out.user.clear();
  std::size_t lines = 0;
  bool valid = true;
  FieldReader fields(bytes);
  while (fields.Next()) {
    switch (fields.tag()) {
      case Tag(v1::Presence::kUserFieldNumber, kLength):
        valid &= ReadText(fields.content(), out.user);
        break;
      case Tag(v1::Presence::kLinesFieldNumber, kLength):
        if (lines == out.lines.size()) out.lines.emplace_back();
        valid &= ReadLine(fields.content(), out.lines[lines++]);
        break;
      case Tag(v1::Presence::kUpdateTimeFieldNumber, kLength):
        valid &= ReadTimestamp(fields.content(), out.update_time);
        break;
      case Tag(v1::Presence::kActiveForwardingsFieldNumber, kLength):
        valid &= ReadPacked(fields.content(), out.active_forwardings);
        break;
      default:
        ReadNumber(fields.tag(), fields.number(), out);
        break;
    }
  }
  out.lines.resize(lines);
  return valid && fields.ok();
}

bool ReadUpdate(std::string_view bytes, UpdateView& out, PresenceValue& presence) {
  out = {};
  bool valid = true;
  FieldReader fields(bytes);
  while (fields.Next()) {
    switch (fields.tag()) {
      case Tag(v1::PresenceUpdate::kSequenceFieldNumber, kVarint):
        out.sequence = fields.number();
        break;
      case Tag(v1::PresenceUpdate::kPresenceFieldNumber, kLength):
        out.presence = fields.content();
        out.removed = false;
        valid &= ReadPresence(out.presence, presence);
        out.user = presence.user;
        out.revision = presence.revision;
        break;
      case Tag(v1::PresenceUpdate::kRemovedFieldNumber, kLength):
        out.presence = {};
        out.removed = true;
        out.revision = 0;
        valid &= ReadRemoved(fields.content(), out);
        break;
      case Tag(v1::PresenceUpdate::kCauseFieldNumber, kLength):
        out.cause = fields.content();
        break;
      case Tag(v1::PresenceUpdate::kRefreshFieldNumber, kVarint):
        out.refresh = fields.number() != 0;
        break;
      default:
        break;
    }
  }
  return valid && fields.ok();
}

bool ReadStreamFrame(std::string_view bytes, StreamFrameView& out) {
  out.epoch = 0;
  out.first_sequence = 0;
  out.updates.clear();
  out.heartbeat.reset();
  bool valid = true;
  FieldReader fields(bytes);
  while (fields.Next()) {
    switch (fields.tag()) {
      case Tag(v1::StreamFrame::kEpochFieldNumber, kFixed64):
        out.epoch = fields.number();
        break;
      case Tag(v1::StreamFrame::kFirstSequenceFieldNumber, kVarint):
        out.first_sequence = fields.number();
        break;
      case Tag(v1::StreamFrame::kUpdatesFieldNumber, kLength):
        out.updates.push_back(fields.content());
        break;
      case Tag(v1::StreamFrame::kHeartbeatFieldNumber, kLength):
        valid &= out.heartbeat.emplace().ParseFromArray(fields.content().data(),
                                                        static_cast<int>(fields.content().size()));
        break;
      default:
        break;
    }
  }
  return valid && fields.ok();
}

bool ReadUserFrame(std::string_view bytes, UserFrameView& out) {
  out = {};
  FieldReader fields(bytes);
  while (fields.Next()) {
    switch (fields.tag()) {
      case Tag(v1::UserFrame::kEpochFieldNumber, kFixed64):
        out.epoch = fields.number();
        break;
      case Tag(v1::UserFrame::kUpdateFieldNumber, kLength):
        out.update = fields.content();
        break;
      default:
        break;
    }
  }
  return fields.ok();
}

}  // namespace unipresence::publish
