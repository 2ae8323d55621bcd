#include "aggregator/publish/encoded_update.h"

#include <cstddef>
#include <optional>

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

// Passes over the fields of a message.
class FieldReader {
 public:
  explicit FieldReader(std::string_view bytes) : bytes_(bytes) {}

  struct Field {
    std::uint32_t number = 0;
    std::uint64_t varint = 0;
    std::string_view content;  // of a field with a length
  };
  // nullopt at the end, and where it does not understand the bytes.
  std::optional<Field> Next() {
    const std::optional<std::uint64_t> tag = Varint();
    if (!tag) return std::nullopt;
    Field field{.number = static_cast<std::uint32_t>(*tag >> 3), .varint = 0, .content = {}};
    const std::uint64_t type = *tag & 7;
    const std::optional<std::uint64_t> value =
        type == wire::kFixed64 ? std::optional<std::uint64_t>(sizeof(std::uint64_t)) : Varint();
    if (!value || type > wire::kLength) return std::nullopt;
    if (type == wire::kVarint) {
      field.varint = *value;
      return field;
    }
    if (*value > bytes_.size() - at_) return std::nullopt;
    field.content = bytes_.substr(at_, *value);
    at_ += *value;
    return field;
  }
  std::size_t at() const { return at_; }

 private:
  std::optional<std::uint64_t> Varint() {
    std::uint64_t value = 0;
    for (std::uint32_t shift = 0; shift < 64 && at_ < bytes_.size(); shift += 7) {
      const auto byte = static_cast<unsigned char>(bytes_[at_++]);
      value |= std::uint64_t{byte & 0x7fu} << shift;
      if (byte < 0x80) return value;
    }
    return std::nullopt;
  }

  std::string_view bytes_;
  std::size_t at_ = 0;
};

std::uint32_t StateOf(std::string_view presence) {
  FieldReader fields(presence);
  while (const auto field = fields.Next()) {
    if (field->number == kStateField) return static_cast<std::uint32_t>(field->varint);
  }
  return 0;
}

}  // namespace

EncodedUpdate ReadUpdate(std::string_view bytes) {
  EncodedUpdate update;
  FieldReader fields(bytes);
  for (std::size_t begin = 0; const auto field = fields.Next(); begin = fields.at()) {
    if (field->number < kPreviousStateField) update.value = bytes.substr(0, fields.at());
    if (field->number == kPresenceField) update.state = StateOf(field->content);
    if (field->number == kPreviousStateField) {
      update.previous_state = static_cast<std::uint32_t>(field->varint);
    }
    if (field->number == kCauseField) update.cause = bytes.substr(begin, fields.at() - begin);
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
