#include "aggregator/publish/codec.h"

#include <string>

#include "aggregator/publish/wire.h"

namespace unipresence::publish {
namespace {

// The enums of the model have the order of those of the API, which keep 0 for UNSPECIFIED.
template <typename Model>
constexpr std::uint32_t Number(Model value) {
  return static_cast<std::uint32_t>(value) + 1;
}
static_assert(Number(PresenceState::kAvailable) == v1::PRESENCE_STATE_AVAILABLE);
static_assert(Number(PresenceState::kInUse) == v1::PRESENCE_STATE_IN_USE);
static_assert(Number(PresenceState::kBusy) == v1::PRESENCE_STATE_BUSY);
static_assert(Number(PresenceState::kUnavailable) == v1::PRESENCE_STATE_UNAVAILABLE);
static_assert(Number(PresenceState::kRinging) == v1::PRESENCE_STATE_RINGING);
static_assert(Number(PresenceState::kRingingInUse) == v1::PRESENCE_STATE_RINGING_IN_USE);
static_assert(Number(PresenceState::kOnHold) == v1::PRESENCE_STATE_ON_HOLD);
static_assert(Number(PresenceState::kUnknown) == v1::PRESENCE_STATE_UNKNOWN);
static_assert(Number(DeviceState::kUnknown) == v1::DEVICE_STATE_UNKNOWN);
static_assert(Number(DeviceState::kNotInUse) == v1::DEVICE_STATE_NOT_INUSE);
static_assert(Number(DeviceState::kInUse) == v1::DEVICE_STATE_INUSE);
static_assert(Number(DeviceState::kBusy) == v1::DEVICE_STATE_BUSY);
static_assert(Number(DeviceState::kInvalid) == v1::DEVICE_STATE_INVALID);
static_assert(Number(DeviceState::kUnavailable) == v1::DEVICE_STATE_UNAVAILABLE);
static_assert(Number(DeviceState::kRinging) == v1::DEVICE_STATE_RINGING);
static_assert(Number(DeviceState::kRingInUse) == v1::DEVICE_STATE_RINGINUSE);
static_assert(Number(DeviceState::kOnHold) == v1::DEVICE_STATE_ONHOLD);
static_assert(Number(Rule::kLoggedOut) == v1::RULE_LOGGED_OUT);
static_assert(Number(Rule::kDeskphoneEmittedCall) == v1::RULE_DESKPHONE_EMITTED_CALL);
static_assert(Number(Rule::kSelectedWebrtc) == v1::RULE_SELECTED_WEBRTC);
static_assert(Number(Rule::kWebrtcUnreachable) == v1::RULE_WEBRTC_UNREACHABLE);
static_assert(Number(Rule::kWebrtcCall) == v1::RULE_WEBRTC_CALL);
static_assert(Number(Rule::kSelectedDeskphone) == v1::RULE_SELECTED_DESKPHONE);
static_assert(Number(Rule::kSingleLine) == v1::RULE_SINGLE_LINE);
static_assert(Number(kLastRule) == v1::Rule_MAX);
static_assert(Number(ForwardingCondition::kUnconditional) ==
              v1::FORWARDING_CONDITION_UNCONDITIONAL);
static_assert(Number(ForwardingCondition::kBusy) == v1::FORWARDING_CONDITION_BUSY);
static_assert(Number(ForwardingCondition::kNoAnswer) == v1::FORWARDING_CONDITION_NO_ANSWER);
// Of these a test compares all names.
static_assert(Number(kLineKinds.back()) == v1::LineKind_MAX);
static_assert(Number(kLineTypes.back()) == v1::LineType_MAX);
static_assert(Number(CauseKind::kSetForwarding) == v1::CAUSE_KIND_SET_FORWARDING);

template <typename Model>
std::optional<Model> FromNumber(int number, Model last) {
  if (number < 1 || number > static_cast<int>(Number(last))) return std::nullopt;
  return static_cast<Model>(number - 1);
}

// --- What is left out --------------------------------------------------------------------------

std::uint32_t DeviceInUseNumber(const Presence& presence) {
  return presence.lines.empty() ? 0 : Number(presence.device_in_use);
}

std::uint32_t PreviousStateNumber(const PresenceUpdate& update) {
  const bool first_value = !update.removed && (update.presence.revision <= 1 ||
                                               update.cause.kind == CauseKind::kUserCreated ||
                                               update.cause.kind == CauseKind::kServerStart);
  return first_value ? 0 : Number(update.previous_state);
}

std::uint32_t CauseDeviceStateNumber(const Cause& cause) {
  const bool reports_state = cause.kind == CauseKind::kDeviceStateChange ||
                             cause.kind == CauseKind::kResync ||
                             cause.kind == CauseKind::kReconcile;
  return reports_state && !cause.device.empty() ? Number(cause.device_state) : 0;
}

// A point in time as google.protobuf.Timestamp has it; nanoseconds are never negative.
struct Timestamp {
  explicit Timestamp(WallTimeMicros micros)
      : seconds(micros / 1'000'000), nanos(micros % 1'000'000 * 1000) {
    if (nanos < 0) {
      nanos += 1'000'000'000;
      --seconds;
    }
  }
  std::int64_t seconds;
  std::int64_t nanos;
};

// --- Sizes -------------------------------------------------------------------------------------

std::size_t OptionalVarintSize(std::uint64_t value) {
  return value == 0 ? 0 : wire::VarintFieldSize(value);
}

std::size_t OptionalBytesSize(std::string_view bytes) {
  return bytes.empty() ? 0 : wire::LengthFieldSize(bytes.size());
}

std::size_t TimestampSize(const Timestamp& time) {
  return OptionalVarintSize(static_cast<std::uint64_t>(time.seconds)) +
         OptionalVarintSize(static_cast<std::uint64_t>(time.nanos));
}

std::size_t LineSize(const LinePresence& line) {
  // Two bytes for each enum and each flag that is set.
  return 4 + 2 * static_cast<std::size_t>(line.holding + line.held) +
         OptionalBytesSize(line.device) + OptionalBytesSize(line.pbx);
}

std::size_t PresenceSize(const Presence& presence) {
  const auto flags = static_cast<std::size_t>(presence.logged_in + presence.emitting +
                                              presence.do_not_disturb + presence.stale);
  std::size_t size = OptionalBytesSize(presence.user) + 2 /* state */ +
                     OptionalVarintSize(static_cast<std::uint64_t>(HintNumber(presence.state))) +
                     OptionalVarintSize(DeviceInUseNumber(presence)) + 2 /* rule */ +
                     2 /* selected device */ + 2 * flags + OptionalVarintSize(presence.revision) +
                     wire::LengthFieldSize(TimestampSize(Timestamp(presence.update_time)));
  for (const LinePresence& line : presence.lines) size += wire::LengthFieldSize(LineSize(line));
  if (!presence.active_forwardings.empty()) {
    size += wire::LengthFieldSize(presence.active_forwardings.size());  // packed, one byte each
  }
  return size;
}

std::size_t CauseSize(const Cause& cause) {
  return 2 /* kind */ + OptionalBytesSize(cause.pbx) + OptionalBytesSize(cause.device) +
         wire::LengthFieldSize(TimestampSize(Timestamp(cause.time))) +
         OptionalVarintSize(CauseDeviceStateNumber(cause));
}

std::size_t RemovedSize(std::string_view user, std::uint64_t revision) {
  return OptionalBytesSize(user) + OptionalVarintSize(revision);
}

// --- Writers, fields in the order of their numbers as generated code has them ------------------

template <std::uint32_t kField>
char* PutOptionalVarint(char* out, std::uint64_t value) {
  return value == 0 ? out : wire::PutVarintField<kField>(out, value);
}

template <std::uint32_t kField>
char* PutOptionalBytes(char* out, std::string_view bytes) {
  return bytes.empty() ? out : wire::PutBytesField<kField>(out, bytes);
}

template <std::uint32_t kField>
char* PutTimestampField(char* out, WallTimeMicros micros) {
  const Timestamp time(micros);
  out = wire::PutLengthField<kField>(out, TimestampSize(time));
  out = PutOptionalVarint<1>(out, static_cast<std::uint64_t>(time.seconds));
  return PutOptionalVarint<2>(out, static_cast<std::uint64_t>(time.nanos));
}

char* PutLine(char* out, const LinePresence& line) {
  out = wire::PutVarintField<1>(out, Number(line.kind));
  out = PutOptionalBytes<2>(out, line.device);
  out = wire::PutVarintField<3>(out, Number(line.state));
  out = PutOptionalVarint<4>(out, line.holding);
  out = PutOptionalVarint<5>(out, line.held);
  return PutOptionalBytes<6>(out, line.pbx);
}

char* PutPresence(char* out, const Presence& presence) {
  out = PutOptionalBytes<1>(out, presence.user);
  out = wire::PutVarintField<2>(out, Number(presence.state));
  out = PutOptionalVarint<3>(out, static_cast<std::uint64_t>(HintNumber(presence.state)));
  out = PutOptionalVarint<4>(out, DeviceInUseNumber(presence));
  out = wire::PutVarintField<5>(out, Number(presence.rule));
  out = wire::PutVarintField<6>(out, Number(presence.selected_device));
  out = PutOptionalVarint<7>(out, presence.logged_in);
  out = PutOptionalVarint<8>(out, presence.emitting);
  out = PutOptionalVarint<9>(out, presence.do_not_disturb);
  out = PutOptionalVarint<10>(out, presence.stale);
  for (const LinePresence& line : presence.lines) {
    out = PutLine(wire::PutLengthField<11>(out, LineSize(line)), line);
  }
  out = PutOptionalVarint<12>(out, presence.revision);
  out = PutTimestampField<13>(out, presence.update_time);
  if (presence.active_forwardings.empty()) return out;
  out = wire::PutLengthField<14>(out, presence.active_forwardings.size());
  for (ForwardingCondition condition : kForwardingConditions) {
    if (presence.active_forwardings.Contains(condition)) {
      out = wire::PutVarint(out, Number(condition));
    }
  }
  return out;
}

char* PutCause(char* out, const Cause& cause) {
  out = wire::PutVarintField<1>(out, Number(cause.kind));
  out = PutOptionalBytes<2>(out, cause.pbx);
  out = PutOptionalBytes<3>(out, cause.device);
  out = PutTimestampField<4>(out, cause.time);
  return PutOptionalVarint<5>(out, CauseDeviceStateNumber(cause));
}

char* PutRemoved(char* out, std::string_view user, std::uint64_t revision) {
  out = PutOptionalBytes<1>(out, user);
  return PutOptionalVarint<2>(out, revision);
}

// Room for tags, lengths and numbers of a PresenceUpdate beside its nested messages.
constexpr std::size_t kUpdateOverhead = 5 * (1 + wire::kMaxVarint);

}  // namespace

void AppendUpdate(const PresenceUpdate& update, ByteBuffer& out) {
  const std::size_t change_size = update.removed
                                      ? RemovedSize(update.presence.user, update.presence.revision)
                                      : PresenceSize(update.presence);
  const std::size_t cause_size = CauseSize(update.cause);
  char* end = out.Reserve(change_size + cause_size + kUpdateOverhead);
  end = PutOptionalVarint<1>(end, update.sequence);
  if (update.removed) {
    end = wire::PutLengthField<3>(end, change_size);
    end = PutRemoved(end, update.presence.user, update.presence.revision);
  } else {
    end = wire::PutLengthField<2>(end, change_size);
    end = PutPresence(end, update.presence);
  }
  end = PutOptionalVarint<4>(end, PreviousStateNumber(update));
  end = PutCause(wire::PutLengthField<5>(end, cause_size), update.cause);
  out.Commit(end);
}

void AppendRefresh(const Presence& presence, std::uint64_t sequence, ByteBuffer& out) {
  const std::size_t size = PresenceSize(presence);
  char* end = out.Reserve(size + kUpdateOverhead);
  end = PutOptionalVarint<1>(end, sequence);
  end = PutPresence(wire::PutLengthField<2>(end, size), presence);
  out.Commit(wire::PutVarintField<6>(end, 1));
}

void AppendRefreshOfUnknown(std::string_view user, std::uint64_t sequence, ByteBuffer& out) {
  const std::size_t size = RemovedSize(user, 0);
  char* end = out.Reserve(size + kUpdateOverhead);
  end = PutOptionalVarint<1>(end, sequence);
  end = PutRemoved(wire::PutLengthField<3>(end, size), user, 0);
  out.Commit(wire::PutVarintField<6>(end, 1));
}

void AppendPresenceField(std::uint32_t field, const Presence& presence, ByteBuffer& out) {
  const std::size_t size = PresenceSize(presence);
  char* end = out.Reserve(1 + wire::kMaxVarint + size);
  *end++ = static_cast<char>(field << 3 | wire::kLength);
  out.Commit(PutPresence(wire::PutVarint(end, size), presence));
}

// --- Generated messages ------------------------------------------------------------------------

v1::PresenceState ToProto(PresenceState state) {
  return static_cast<v1::PresenceState>(Number(state));
}
v1::DeviceState ToProto(DeviceState state) { return static_cast<v1::DeviceState>(Number(state)); }
v1::LineKind ToProto(LineKind kind) { return static_cast<v1::LineKind>(Number(kind)); }
v1::LineType ToProto(LineType type) { return static_cast<v1::LineType>(Number(type)); }
v1::Rule ToProto(Rule rule) { return static_cast<v1::Rule>(Number(rule)); }
v1::CauseKind ToProto(CauseKind kind) { return static_cast<v1::CauseKind>(Number(kind)); }
v1::ForwardingCondition ToProto(ForwardingCondition condition) {
  return static_cast<v1::ForwardingCondition>(Number(condition));
}

std::optional<PresenceState> FromProto(v1::PresenceState state) {
  return FromNumber(state, PresenceState::kUnknown);
}
std::optional<DeviceState> FromProto(v1::DeviceState state) {
  return FromNumber(state, DeviceState::kOnHold);
}
std::optional<LineKind> FromProto(v1::LineKind kind) { return FromNumber(kind, kLineKinds.back()); }
std::optional<LineType> FromProto(v1::LineType type) { return FromNumber(type, kLineTypes.back()); }
std::optional<Rule> FromProto(v1::Rule rule) { return FromNumber(rule, kLastRule); }
std::optional<CauseKind> FromProto(v1::CauseKind kind) {
  const auto cause = FromNumber(kind, CauseKind::kSetForwarding);
  return cause && !ToString(*cause).empty() ? cause : std::nullopt;
}
std::optional<ForwardingCondition> FromProto(v1::ForwardingCondition condition) {
  return FromNumber(condition, ForwardingCondition::kNoAnswer);
}

namespace {

void FillTimestamp(WallTimeMicros micros, google::protobuf::Timestamp& out) {
  const Timestamp time(micros);
  out.set_seconds(time.seconds);
  out.set_nanos(static_cast<std::int32_t>(time.nanos));
}

void FillCause(const Cause& cause, v1::Cause& out) {
  out.set_kind(ToProto(cause.kind));
  out.set_pbx(cause.pbx.data(), cause.pbx.size());
  out.set_device(cause.device.data(), cause.device.size());
  FillTimestamp(cause.time, *out.mutable_time());
  out.set_device_state(static_cast<v1::DeviceState>(CauseDeviceStateNumber(cause)));
}

}  // namespace

void ToProto(const Presence& presence, v1::Presence& out) {
  out.Clear();
  out.set_user(presence.user.data(), presence.user.size());
  out.set_state(ToProto(presence.state));
  out.set_hint(static_cast<std::uint32_t>(HintNumber(presence.state)));
  out.set_device_in_use(static_cast<v1::LineKind>(DeviceInUseNumber(presence)));
  out.set_rule(ToProto(presence.rule));
  out.set_selected_device(ToProto(presence.selected_device));
  out.set_logged_in(presence.logged_in);
  out.set_emitting(presence.emitting);
  out.set_do_not_disturb(presence.do_not_disturb);
  out.set_stale(presence.stale);
  for (const LinePresence& line : presence.lines) {
    v1::LinePresence& line_out = *out.add_lines();
    line_out.set_kind(ToProto(line.kind));
    line_out.set_device(line.device.data(), line.device.size());
    line_out.set_state(ToProto(line.state));
    line_out.set_holding(line.holding);
    line_out.set_held(line.held);
    line_out.set_pbx(line.pbx.data(), line.pbx.size());
  }
  out.set_revision(presence.revision);
  FillTimestamp(presence.update_time, *out.mutable_update_time());
  for (ForwardingCondition condition : kForwardingConditions) {
    if (presence.active_forwardings.Contains(condition)) {
      out.add_active_forwardings(ToProto(condition));
    }
  }
}

void ToProto(const PresenceUpdate& update, v1::PresenceUpdate& out) {
  out.Clear();
  out.set_sequence(update.sequence);
  if (update.removed) {
    v1::UserRemoved& removed = *out.mutable_removed();
    removed.set_user(update.presence.user.data(), update.presence.user.size());
    removed.set_revision(update.presence.revision);
  } else {
    ToProto(update.presence, *out.mutable_presence());
  }
  out.set_previous_state(static_cast<v1::PresenceState>(PreviousStateNumber(update)));
  FillCause(update.cause, *out.mutable_cause());
}

}  // namespace unipresence::publish
