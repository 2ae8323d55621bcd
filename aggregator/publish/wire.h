#ifndef UNIPRESENCE_AGGREGATOR_PUBLISH_WIRE_H_
#define UNIPRESENCE_AGGREGATOR_PUBLISH_WIRE_H_

// The few pieces of the Protobuf wire format that the encoder needs (protobuf.dev, "Encoding").
//
// Writers take a pointer into memory that is large enough and return the end of what they wrote.
// Values equal to their default must be left out by the caller, as proto3 does.

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

namespace unipresence::publish::wire {

enum Type : std::uint32_t { kVarint = 0, kFixed64 = 1, kLength = 2 };

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

}  // namespace unipresence::publish::wire

#endif  // UNIPRESENCE_AGGREGATOR_PUBLISH_WIRE_H_
