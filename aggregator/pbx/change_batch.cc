#include "aggregator/pbx/change_batch.h"

#include <cstring>

namespace unipresence::pbx {

void ChangeBatch::AddCopy(DeviceChange change, std::initializer_list<std::string_view> parts) {
  std::size_t size = 0;
  for (const std::string_view part : parts) size += part.size();
  if (size == 0 || size > kMaxDeviceName) {
    probe_.rejected_names.Add();
    return;
  }
  char* const name = Allocate(size);
  char* end = name;
  for (const std::string_view part : parts) {
    if (part.empty()) continue;
    std::memcpy(end, part.data(), part.size());
    end += part.size();
  }
  Add(change, {name, size});
}

char* ChangeBatch::Allocate(std::size_t size) {
  static_assert(kMaxDeviceName <= kBlockSize);
  if (block_ < blocks_.size() && used_ + size > kBlockSize) {
    ++block_;
    used_ = 0;
  }
  if (block_ == blocks_.size()) blocks_.push_back(std::make_unique<char[]>(kBlockSize));
  char* const memory = blocks_[block_].get() + used_;
  used_ += size;
  return memory;
}

}  // namespace unipresence::pbx
