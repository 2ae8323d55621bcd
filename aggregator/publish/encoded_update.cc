#include "aggregator/publish/encoded_update.h"

#include <cstddef>

#include "aggregator/publish/wire.h"
#include "unipresence/v1/presence.pb.h"

namespace unipresence::publish {
namespace {

constexpr std::uint32_t kSequenceField = v1::PresenceUpdate::kSequenceFieldNumber;
constexpr std::uint32_t kPresenceField = v1::PresenceUpdate::kPresenceFieldNumber;
constexpr std::uint32_t kRemovedField = v1::PresenceUpdate::kRemovedFieldNumber;
constexpr std::uint32_t kPreviousStateField = v1::PresenceUpdate::kPreviousStateFieldNumber;
constexpr std::uint32_t kCauseField = v1::PresenceUpdate::kCauseFieldNumber;
constexpr std::uint32_t kRefreshField = v1::PresenceUpdate::kRefreshFieldNumber;
constexpr std::uint32_t kMergedChangesField = v1::PresenceUpdate::kMergedChangesFieldNumber;
constexpr std::uint32_t kStateField = v1::Presence::kStateFieldNumber;
// The value comes first.
static_assert(kSequenceField < kPreviousStateField && kPresenceField < kPreviousStateField &&
              kRemovedField < kPreviousStateField);

std::uint32_t StateOf(std::string_view presence) {
  wire::FieldReader fields(presence);
  while (fields.Next()) {
    if (fields.tag() == wire::Tag(kStateField, wire::kVarint)) {
      return static_cast<std::uint32_t>(fields.number());
    }
  }
  return 0;
}

}  // namespace

EncodedUpdate ReadUpdate(std::string_view bytes) {
  EncodedUpdate update;
  wire::FieldReader fields(bytes);
  for (std::size_t begin = 0; fields.Next(); begin = fields.at()) {
    if (fields.tag() >> 3 < kPreviousStateField) update.value = bytes.substr(0, fields.at());
    switch (fields.tag()) {
      case wire::Tag(kPresenceField, wire::kLength):
        update.state = StateOf(fields.content());
        break;
      case wire::Tag(kPreviousStateField, wire::kVarint):
        update.previous_state = static_cast<std::uint32_t>(fields.number());
        break;
      case wire::Tag(kCauseField, wire::kLength):
        update.cause = bytes.substr(begin, fields.at() - begin);
        break;
      default:
        break;
    }
  }
  return update;
}

void AppendMerged(const EncodedUpdate& newest, std::string_view cause, std::uint32_t previous_state,
                  std::uint32_t changes, ByteBuffer& out) {
  out.Append(newest.value);
  if (previous_state != 0) {
    out.Commit(wire::PutVarintField<kPreviousStateField>(out.Reserve(1 + wire::kMaxVarint),
                                                         previous_state));
  }
  out.Append(cause);
  if (changes < 2) return;
  out.Commit(wire::PutVarintField<kMergedChangesField>(out.Reserve(1 + wire::kMaxVarint), changes));
}

void AppendAsRefresh(const EncodedUpdate& newest, ByteBuffer& out) {
  out.Append(newest.value);
  out.Commit(wire::PutVarintField<kRefreshField>(out.Reserve(1 + wire::kMaxVarint), 1));
}

}  // namespace unipresence::publish
