// What Engine knows of devices that a PBX does not know.

#include <algorithm>
#include <utility>

#include "aggregator/engine/engine.h"

namespace unipresence {
namespace {

void Add(std::string_view name, Engine::UnlistedDevices& unlisted) {
  ++unlisted.count;
  std::vector<std::string>& names = unlisted.names;
  if (names.size() == Engine::UnlistedDevices::kMaxNames) {
    if (name >= names.back()) return;
    names.pop_back();
  }
  names.emplace(std::lower_bound(names.begin(), names.end(), name), name);
}

}  // namespace

void Engine::SetReported(DeviceRecord& device, DeviceState state) {
  device.reported = state;
  device.listed = state != DeviceState::kInvalid;
  SetUnlisted(device, !device.listed && device.first_line != kNoLine);
}

void Engine::SetUnlisted(DeviceRecord& device, bool unlisted) {
  if (device.unlisted == unlisted) return;
  device.unlisted = unlisted;
  unlisted_wanted_[device.pbx] = true;
  unlisted ? ++pbxs_[device.pbx].unlisted_devices : --pbxs_[device.pbx].unlisted_devices;
}

Engine::UnlistedDevices Engine::FindUnlisted(PbxIndex pbx) {
  UNIPRESENCE_CHECK_THREAD(thread_checker_);
  UnlistedDevices found;
  // Looking at every device takes milliseconds for a million, so it is done for a reason only. Of a
  // device that came while the lists were on their way they say nothing: other lists follow.
  if (!unlisted_wanted_[pbx] || listing_wanted_[pbx]) return found;
  for (DeviceIndex i = 0; i < devices_.size(); ++i) {
    DeviceRecord& device = devices_[i];
    if (device.pbx != pbx || device.first_line == kNoLine) continue;
    const bool known = device.listed && device.generation == resyncs_[pbx].generation;
    SetUnlisted(device, !known);
    if (!known && !device.unlisted_told) Add(device.name.view(), found);
    device.unlisted_told = !known;
  }
  unlisted_wanted_[pbx] = false;
  return found;
}

Engine::UnlistedDevices Engine::Unlisted(PbxIndex pbx) const {
  UNIPRESENCE_CHECK_THREAD(thread_checker_);
  UnlistedDevices unlisted;
  if (pbxs_[pbx].link != LinkState::kSynced || pbxs_[pbx].unlisted_devices == 0) return unlisted;
  for (DeviceIndex i = 0; i < devices_.size(); ++i) {
    const DeviceRecord& device = devices_[i];
    if (device.pbx == pbx && device.unlisted) Add(device.name.view(), unlisted);
  }
  return unlisted;
}

}  // namespace unipresence
