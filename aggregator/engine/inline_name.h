#ifndef UNIPRESENCE_AGGREGATOR_ENGINE_INLINE_NAME_H_
#define UNIPRESENCE_AGGREGATOR_ENGINE_INLINE_NAME_H_

// What the two open-addressing tables share: the hash of a name and names kept inside a record.

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

#include "absl/hash/hash.h"
#include "aggregator/base/strings.h"

namespace unipresence {

inline std::uint64_t HashName(std::uint64_t seed, std::string_view name) {
  return absl::HashOf(seed, ToAbsl(name));
}

// The half of a hash that a slot keeps, so that most probes need not touch the record.
inline std::uint32_t HashTag(std::uint64_t hash) { return static_cast<std::uint32_t>(hash >> 32); }

// A name of up to 255 bytes inside 22: short names in place, others in an allocation. The owner
// calls Reset() before the memory goes; copies share the allocation.
class InlineName {
 public:
  static constexpr std::size_t kInlineSize = 22;

  InlineName() = default;

  void Set(std::string_view name) {
    Reset();
    char* target = bytes_;
    if (name.size() > kInlineSize) {
      target = new char[name.size()];
      std::memcpy(bytes_, &target, sizeof(target));
    }
    if (!name.empty()) std::memcpy(target, name.data(), name.size());  // of none there is no data
    size_ = static_cast<std::uint8_t>(name.size());
  }

  void Reset() {
    if (size_ > kInlineSize) delete[] Allocation();
    size_ = 0;
  }

  std::string_view view() const {
    return {size_ > kInlineSize ? Allocation() : bytes_, std::size_t{size_}};
  }

 private:
  char* Allocation() const {
    char* pointer;
    std::memcpy(&pointer, bytes_, sizeof(pointer));
    return pointer;
  }

  char bytes_[kInlineSize] = {};
  std::uint8_t size_ = 0;
};

}  // namespace unipresence

#endif  // UNIPRESENCE_AGGREGATOR_ENGINE_INLINE_NAME_H_
