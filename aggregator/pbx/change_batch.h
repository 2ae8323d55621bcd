#ifndef UNIPRESENCE_AGGREGATOR_PBX_CHANGE_BATCH_H_
#define UNIPRESENCE_AGGREGATOR_PBX_CHANGE_BATCH_H_

// The device changes of one read, in order, with storage for the names that are not in the read
// buffer.
//
//   batch.Add(change, view_into_the_read_buffer);   // no copy
//   batch.AddCopy(change, {"PJSIP/", endpoint});    // the parts are joined and kept until Clear()
//   engine.Apply(pbx, batch.changes());
//   batch.Clear();
//
// Thread: the pipeline's. Once the batch has reached its size, nothing is allocated any more.

#include <cstddef>
#include <initializer_list>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "aggregator/model/device_change.h"
#include "aggregator/pbx/pbx_probe.h"

namespace unipresence::pbx {

class ChangeBatch {
 public:
  // Longest device name that any table of the server takes; longer ones are dropped and counted.
  static constexpr std::size_t kMaxDeviceName = 255;

  // It must outlive the batch.
  explicit ChangeBatch(TrackerProbe& probe) : probe_(probe) {}

  // `device` must stay valid until Clear().
  void Add(DeviceChange change, std::string_view device) {
    if (device.empty() || device.size() > kMaxDeviceName) {
      probe_.rejected_names.Add();
      return;
    }
    change.device = device;
    changes_.push_back(change);
  }

  // The device's name is the parts joined; they may go away afterwards.
  void AddCopy(DeviceChange change, std::initializer_list<std::string_view> parts);

  std::span<const DeviceChange> changes() const { return changes_; }
  bool empty() const { return changes_.empty(); }

  // Forgets the changes and the names.
  void Clear() {
    changes_.clear();
    block_ = 0;
    used_ = 0;
  }

 private:
  static constexpr std::size_t kBlockSize = 16 * 1024;

  char* Allocate(std::size_t size);

  TrackerProbe& probe_;
  std::vector<DeviceChange> changes_;
  std::vector<std::unique_ptr<char[]>> blocks_;  // never shrinks: a read has a bounded size
  std::size_t block_ = 0;                        // in use
  std::size_t used_ = 0;                         // bytes of it
};

}  // namespace unipresence::pbx

#endif  // UNIPRESENCE_AGGREGATOR_PBX_CHANGE_BATCH_H_
