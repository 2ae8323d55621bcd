#include "aggregator/engine/device_table.h"

#include <algorithm>
#include <array>

namespace unipresence {
namespace {

constexpr std::size_t kFirstSlots = 1024;
// Look-ups of a batch in flight at once: enough to overlap the cache misses, few enough to stay in
// L1.
constexpr std::size_t kGroup = 16;

}  // namespace

DeviceTable::DeviceTable() : slots_(kFirstSlots) {}

DeviceTable::~DeviceTable() {
  for (std::size_t i = 0; i < records_.size(); ++i) records_[i].name.Reset();
}

DeviceIndex DeviceTable::Probe(std::uint64_t hash, PbxIndex pbx, std::string_view name) const {
  const std::size_t mask = slots_.size() - 1;
  const std::uint32_t tag = HashTag(hash);
  for (std::size_t i = hash & mask;; i = (i + 1) & mask) {
    const Slot& slot = slots_[i];
    if (slot.device == kNoDevice) return kNoDevice;
    if (slot.tag != tag) continue;
    const DeviceRecord& record = records_[slot.device];
    if (record.pbx == pbx && record.name.view() == name) return slot.device;
  }
}

void DeviceTable::Insert(std::uint64_t hash, DeviceIndex device) {
  const std::size_t mask = slots_.size() - 1;
  std::size_t i = hash & mask;
  while (slots_[i].device != kNoDevice) i = (i + 1) & mask;
  slots_[i] = {HashTag(hash), device};
}

void DeviceTable::Grow() {
  std::vector<Slot> doubled(slots_.size() * 2);
  slots_.swap(doubled);
  std::vector<Slot>().swap(doubled);
  for (DeviceIndex device = 0; device < records_.size(); ++device) {
    const DeviceRecord& record = records_[device];
    Insert(HashName(record.pbx, record.name.view()), device);
  }
}

DeviceIndex DeviceTable::Intern(PbxIndex pbx, std::string_view name) {
  const std::uint64_t hash = HashName(pbx, name);
  if (const DeviceIndex found = Probe(hash, pbx, name); found != kNoDevice) return found;
  DeviceRecord& record = records_.emplace_back();
  record.name.Set(name);
  record.pbx = pbx;
  const auto device = static_cast<DeviceIndex>(records_.size() - 1);
  // Three quarters full at most: linear probing stays short.
  if (records_.size() * 4 > slots_.size() * 3) {
    Grow();
  } else {
    Insert(hash, device);
  }
  return device;
}

DeviceIndex DeviceTable::Find(PbxIndex pbx, std::string_view name) const {
  return Probe(HashName(pbx, name), pbx, name);
}

void DeviceTable::Find(PbxIndex pbx, std::span<const DeviceChange> changes,
                       std::span<DeviceIndex> found) const {
  const std::size_t mask = slots_.size() - 1;
  std::array<std::uint64_t, kGroup> hashes;
  for (std::size_t begin = 0; begin < changes.size(); begin += kGroup) {
    const std::size_t count = std::min(kGroup, changes.size() - begin);
    for (std::size_t i = 0; i < count; ++i) {
      hashes[i] = HashName(pbx, changes[begin + i].device);
      __builtin_prefetch(&slots_[hashes[i] & mask]);
    }
    for (std::size_t i = 0; i < count; ++i) {
      const DeviceIndex likely = slots_[hashes[i] & mask].device;
      if (likely != kNoDevice) __builtin_prefetch(&records_[likely]);
    }
    for (std::size_t i = 0; i < count; ++i) {
      found[begin + i] = Probe(hashes[i], pbx, changes[begin + i].device);
    }
  }
}

}  // namespace unipresence
