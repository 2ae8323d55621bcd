#ifndef UNIPRESENCE_AGGREGATOR_PUBLISH_WIRE_H_
#define UNIPRESENCE_AGGREGATOR_PUBLISH_WIRE_H_

// The few pieces of the Protobuf wire format that the encoder and the decoder need (protobuf.dev,
// "Encoding").
//
// Writers take a pointer into memory that is large enough and return the end of what they wrote.
// Values equal to their default must be left out by the caller, as proto3 does.

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

namespace unipresence::publish::wire {

enum Type : std::uint32_t { kVarint = 0, kFixed64 = 1, kLength = 2, kFixed32 = 5 };

// Longest varint.
inline constexpr std::size_t kMaxVarint = 10;

constexpr std::size_t VarintSize(std::uint64_t value) {
  return static_cast<std::size_t>(std::bit_width(value | 1) * 9 + 64) / 64;
}

inline char* PutVarint(char* out, std::uint64_t value) {
  while (value >= 0x80) {
    *out++ = static_cast<char>(value | 0x80);
    value >>= 7;
  }
  *out++ = static_cast<char>(value);
  return out;
}

// All fields of this API have numbers below 16: one byte.
template <std::uint32_t kField>
inline char* PutTag(char* out, Type type) {
  static_assert(kField >= 1 && kField < 16);
  *out++ = static_cast<char>(kField << 3 | type);
  return out;
}

template <std::uint32_t kField>
inline char* PutVarintField(char* out, std::uint64_t value) {
  return PutVarint(PutTag<kField>(out, kVarint), value);
}

template <std::uint32_t kField>
inline char* PutFixed64Field(char* out, std::uint64_t value) {
  static_assert(std::endian::native == std::endian::little);
  out = PutTag<kField>(out, kFixed64);
  std::memcpy(out, &value, sizeof(value));
  return out + sizeof(value);
}

// The head of a field of `size` bytes, which the caller writes behind it.
template <std::uint32_t kField>
inline char* PutLengthField(char* out, std::size_t size) {
  return PutVarint(PutTag<kField>(out, kLength), size);
}

template <std::uint32_t kField>
inline char* PutBytesField(char* out, std::string_view bytes) {
  out = PutLengthField<kField>(out, bytes.size());
  if (!bytes.empty()) std::memcpy(out, bytes.data(), bytes.size());
  return out + bytes.size();
}

// Sizes of fields with their tags.
constexpr std::size_t VarintFieldSize(std::uint64_t value) { return 1 + VarintSize(value); }
constexpr std::size_t LengthFieldSize(std::size_t size) { return 1 + VarintSize(size) + size; }

// What a field begins with.
constexpr std::uint64_t Tag(std::uint32_t field, Type type) {
  return std::uint64_t{field} << 3 | type;
}

// Takes a varint from the front. False if there is none, or one that is too long.
inline bool TakeVarint(const char*& at, const char* end, std::uint64_t& value) {
  value = 0;
  for (std::uint32_t shift = 0; shift < 64 && at != end; shift += 7) {
    const auto byte = static_cast<unsigned char>(*at++);
    value |= std::uint64_t{byte & 0x7fu} << shift;
    if (byte < 0x80) return true;
  }
  return false;
}

// Passes over the fields of a message in the order in which they stand, those of newer servers too:
//
//   FieldReader fields(bytes);
//   while (fields.Next()) switch (fields.tag()) { case Tag(1, kVarint): id = fields.number(); ... }
//   if (!fields.ok()) ...
class FieldReader {
 public:
  explicit FieldReader(std::string_view bytes)
      : begin_(bytes.data()), at_(begin_), end_(begin_ + bytes.size()) {}

  // False at the end, and where the bytes are no field: then ok() is false. Groups, which proto3
  // does not have, are none.
  bool Next() {
    if (at_ == end_) return false;
    ok_ = TakeVarint(at_, end_, tag_) && (tag_ >> 3) != 0 && ReadValue();
    return ok_;
  }
  bool ok() const { return ok_; }
  // How many bytes were read, up to the end of the field.
  std::size_t at() const { return static_cast<std::size_t>(at_ - begin_); }

  std::uint64_t tag() const { return tag_; }             // number and type
  std::uint64_t number() const { return number_; }       // of kVarint, kFixed64
  std::string_view content() const { return content_; }  // of kLength

 private:
  bool ReadValue() {
    switch (tag_ & 7) {
      case kVarint:
        return TakeVarint(at_, end_, number_);
      case kLength: {
        std::uint64_t size = 0;
        if (!TakeVarint(at_, end_, size) || size > static_cast<std::uint64_t>(end_ - at_))
          return false;
        content_ = {at_, static_cast<std::size_t>(size)};
        at_ += size;
        return true;
      }
      case kFixed64:
        static_assert(std::endian::native == std::endian::little);
        if (end_ - at_ < 8) return false;
        std::memcpy(&number_, at_, 8);
        at_ += 8;
        return true;
      case kFixed32:
        if (end_ - at_ < 4) return false;
        at_ += 4;
        return true;
      default:
        return false;
    }
  }

  const char* begin_;
  const char* at_;
  const char* end_;
  std::uint64_t tag_ = 0;
  std::uint64_t number_ = 0;
  std::string_view content_;
  bool ok_ = true;
};

}  // namespace unipresence::publish::wire

#endif  // UNIPRESENCE_AGGREGATOR_PUBLISH_WIRE_H_
