#ifndef UNIPRESENCE_AGGREGATOR_PUBLISH_CODEC_H_
#define UNIPRESENCE_AGGREGATOR_PUBLISH_CODEC_H_

// Between the model and unipresence.v1: the one place that knows both.
//
// Two encoders give the same bytes: AppendUpdate and AppendPresence write the wire format by hand
// (each change of a running server passes here, and the generated classes take half as long again),
// ToProto fills generated messages. Thread-safe, without state.

#include <cstdint>
#include <optional>
#include <string_view>

#include "aggregator/model/mailbox.h"
#include "aggregator/model/presence.h"
#include "aggregator/publish/byte_buffer.h"
#include "unipresence/v1/mailbox.pb.h"
#include "unipresence/v1/presence.pb.h"

namespace unipresence::publish {

// Appends a serialized unipresence.v1.PresenceUpdate, without tag and length.
void AppendUpdate(const PresenceUpdate& update, ByteBuffer& out);

// The same for a repetition of a user's current value (PresenceUpdate.refresh): `sequence` is that
// of his last change; the state before and the cause are left out.
void AppendRefresh(const Presence& presence, std::uint64_t sequence, ByteBuffer& out);

// The same for a user that does not exist (UserRemoved with revision 0) as of `sequence`.
void AppendRefreshOfUnknown(std::string_view user, std::uint64_t sequence, ByteBuffer& out);

// Appends a serialized unipresence.v1.Presence as an element of the repeated field number `field`
// (below 16), with tag and length.
void AppendPresenceField(std::uint32_t field, const Presence& presence, ByteBuffer& out);

// Appends a serialized unipresence.v1.Mailbox, without tag and length.
void AppendMailbox(const Mailbox& mailbox, ByteBuffer& out);

// Into generated messages; what they held is cleared.
void ToProto(const Presence& presence, v1::Presence& out);
void ToProto(const PresenceUpdate& update, v1::PresenceUpdate& out);
void ToProto(const Mailbox& mailbox, v1::Mailbox& out);

// The values of enums, for messages that are filled elsewhere.
v1::PresenceState ToProto(PresenceState state);
v1::DeviceState ToProto(DeviceState state);
v1::LineKind ToProto(LineKind kind);
v1::LineType ToProto(LineType type);
v1::Rule ToProto(Rule rule);
v1::CauseKind ToProto(CauseKind kind);
v1::ForwardingCondition ToProto(ForwardingCondition condition);

// nullopt for UNSPECIFIED and for values of a newer server.
std::optional<PresenceState> FromProto(v1::PresenceState state);
std::optional<DeviceState> FromProto(v1::DeviceState state);
std::optional<LineKind> FromProto(v1::LineKind kind);
std::optional<LineType> FromProto(v1::LineType type);
std::optional<Rule> FromProto(v1::Rule rule);
std::optional<CauseKind> FromProto(v1::CauseKind kind);
std::optional<ForwardingCondition> FromProto(v1::ForwardingCondition condition);

}  // namespace unipresence::publish

#endif  // UNIPRESENCE_AGGREGATOR_PUBLISH_CODEC_H_
