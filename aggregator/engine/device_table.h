#ifndef UNIPRESENCE_AGGREGATOR_ENGINE_DEVICE_TABLE_H_
#define UNIPRESENCE_AGGREGATOR_ENGINE_DEVICE_TABLE_H_

// Every device that some user has as a line, interned by (PBX, name), with what its PBX says of it.
//
// `Find` of a batch hashes all names, prefetches the slots, then the records: a look-up among
// millions costs about 40 ns instead of 200 (cache misses overlap). Thread: the pipeline's.

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "aggregator/engine/chunked_vector.h"
#include "aggregator/engine/inline_name.h"
#include "aggregator/model/device_change.h"
#include "aggregator/model/device_state.h"

namespace unipresence {

using PbxIndex = std::uint16_t;
using DeviceIndex = std::uint32_t;
using LineIndex = std::uint32_t;

inline constexpr DeviceIndex kNoDevice = ~DeviceIndex{0};
inline constexpr LineIndex kNoLine = ~LineIndex{0};

struct DeviceRecord {
  InlineName name;
  DeviceState reported : 4 = DeviceState::kUnknown;
  bool emitting : 1 = false;  // what DeviceChange::kCalls last said
  bool in_call : 1 = false;
  bool holding : 1 = false;
  bool held : 1 = false;
  PbxIndex pbx = 0;
  std::uint8_t generation = 0;  // of the resync that last named it
  bool direction_unknown : 1 = false;
  bool contacts_gone : 1 = false;  // since the newest event of its state: no contact can be called
  bool listed : 1 = false;         // in this generation the PBX told a state other than INVALID
  bool unlisted : 1 = false;       // the PBX lists it nowhere, see PbxTable::FindUnlisted
  bool unlisted_told : 1 = false;  // and FindUnlisted has said so
  LineIndex first_line = kNoLine;  // chain of the lines bound to it
};
static_assert(sizeof(DeviceRecord) == 32);  // two in a cache line, none in two

class DeviceTable {
 public:
  DeviceTable();
  ~DeviceTable();
  DeviceTable(const DeviceTable&) = delete;
  DeviceTable& operator=(const DeviceTable&) = delete;

  // The device of that name, added if it is new. Names of more than 255 bytes must not come here.
  DeviceIndex Intern(PbxIndex pbx, std::string_view name);
  // kNoDevice if no user has it.
  DeviceIndex Find(PbxIndex pbx, std::string_view name) const;
  // The same for each change of a batch, into `found` (as long as `changes`).
  void Find(PbxIndex pbx, std::span<const DeviceChange> changes,
            std::span<DeviceIndex> found) const;

  DeviceRecord& operator[](DeviceIndex device) { return records_[device]; }
  const DeviceRecord& operator[](DeviceIndex device) const { return records_[device]; }
  std::size_t size() const { return records_.size(); }

 private:
  struct Slot {
    std::uint32_t tag = 0;
    DeviceIndex device = kNoDevice;
  };

  DeviceIndex Probe(std::uint64_t hash, PbxIndex pbx, std::string_view name) const;
  void Insert(std::uint64_t hash, DeviceIndex device);
  void Grow();

  ChunkedVector<DeviceRecord> records_;
  std::vector<Slot> slots_;  // open addressing, linear, a power of two; devices are never removed
};

}  // namespace unipresence

#endif  // UNIPRESENCE_AGGREGATOR_ENGINE_DEVICE_TABLE_H_
