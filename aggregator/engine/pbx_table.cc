#include "aggregator/engine/pbx_table.h"

#include <algorithm>
#include <utility>

namespace unipresence {
namespace {

void AddName(std::string_view name, PbxTable::UnlistedDevices& unlisted) {
  ++unlisted.count;
  std::vector<std::string>& names = unlisted.names;
  if (names.size() == PbxTable::UnlistedDevices::kMaxNames) {
    if (name >= names.back()) return;
    names.pop_back();
  }
  names.emplace(std::lower_bound(names.begin(), names.end(), name), name);
}

}  // namespace

PbxIndex PbxTable::Intern(std::string_view name) {
  const auto it = std::find_if(statuses_.begin(), statuses_.end(),
                               [&](const PbxStatus& pbx) { return pbx.name == name; });
  if (it != statuses_.end()) return static_cast<PbxIndex>(it - statuses_.begin());
  PbxStatus status;
  status.name = std::string(name);
  status.link_since = clock_.WallNow();
  statuses_.push_back(std::move(status));
  books_.emplace_back();
  return static_cast<PbxIndex>(statuses_.size() - 1);
}

PbxIndex PbxTable::Add(std::string_view name, std::string_view address) {
  UNIPRESENCE_CHECK_THREAD(thread_checker_);
  const PbxIndex pbx = Intern(name);
  statuses_[pbx].address = std::string(address);
  return pbx;
}

bool PbxTable::AllSynced() const {
  return std::all_of(statuses_.begin(), statuses_.end(), [](const PbxStatus& pbx) {
    return pbx.address.empty() || pbx.link == LinkState::kSynced;
  });
}

// --- The link ---

void PbxTable::SetLink(PbxIndex pbx, LinkState link) {
  if (statuses_[pbx].link == link) return;
  statuses_[pbx].link = link;
  statuses_[pbx].link_since = clock_.WallNow();
}

void PbxTable::SetLastError(PbxIndex pbx, std::string_view error) {
  UNIPRESENCE_CHECK_THREAD(thread_checker_);
  statuses_[pbx].last_error = std::string(error);
  statuses_[pbx].facts.last_error_time = clock_.WallNow();
}

bool PbxTable::LinkLost(PbxIndex pbx, std::string_view error) {
  SetLastError(pbx, error);
  if (statuses_[pbx].link == LinkState::kDown) return false;
  ++statuses_[pbx].reconnects;
  SetLink(pbx, LinkState::kDown);
  return true;
}

void PbxTable::BeginResync(PbxIndex pbx, std::string_view asterisk_version) {
  UNIPRESENCE_CHECK_THREAD(thread_checker_);
  statuses_[pbx].version = std::string(asterisk_version);
  Books& books = books_[pbx];
  books.listing_wanted = false;
  books.unlisted_wanted = true;
  ++books.generation;
  books.resync_started = clock_.Now();
  SetLink(pbx, LinkState::kSyncing);
}

void PbxTable::EndResync(PbxIndex pbx) {
  UNIPRESENCE_CHECK_THREAD(thread_checker_);
  SetLink(pbx, LinkState::kSynced);
  Books& books = books_[pbx];
  books.last_complete = books.generation;
  PbxStatus& status = statuses_[pbx];
  ++status.resyncs;
  status.last_resync_time = clock_.WallNow();
  status.last_resync_duration = clock_.Now() - books.resync_started;
}

bool PbxTable::TakeListingWanted(PbxIndex pbx) {
  UNIPRESENCE_CHECK_THREAD(thread_checker_);
  return std::exchange(books_[pbx].listing_wanted, false);
}

// --- Corrections ---

void PbxTable::AddCorrected(PbxIndex pbx, std::string_view user) {
  Corrections& corrections = books_[pbx].corrections;
  ++corrections.count;
  // A user whose lines were both wrong comes twice in a row at most by chance; once is enough.
  const bool known = std::find(corrections.users.begin(), corrections.users.end(), user) !=
                     corrections.users.end();
  if (!known && corrections.users.size() < Corrections::kMaxUsers) {
    corrections.users.emplace_back(user);
  }
}

PbxTable::Corrections PbxTable::TakeCorrections(PbxIndex pbx) {
  UNIPRESENCE_CHECK_THREAD(thread_checker_);
  return std::exchange(books_[pbx].corrections, {});
}

// --- Devices that a PBX does not list ---

void PbxTable::AddLine(PbxIndex pbx, bool new_device) {
  ++statuses_[pbx].lines;
  // It was in no list yet.
  if (new_device) books_[pbx].listing_wanted = books_[pbx].unlisted_wanted = true;
}

void PbxTable::CountUnlisted(DeviceRecord& device, bool unlisted) {
  device.unlisted = unlisted;
  books_[device.pbx].unlisted_wanted = true;
  unlisted ? ++statuses_[device.pbx].unlisted_devices : --statuses_[device.pbx].unlisted_devices;
}

PbxTable::UnlistedDevices PbxTable::FindUnlisted(PbxIndex pbx) {
  UNIPRESENCE_CHECK_THREAD(thread_checker_);
  UnlistedDevices found;
  Books& books = books_[pbx];
  // Looking at every device takes milliseconds for a million, so it is done for a reason only. Of a
  // device that came while the lists were on their way they say nothing: other lists follow.
  if (!books.unlisted_wanted || books.listing_wanted) return found;
  for (DeviceIndex i = 0; i < devices_.size(); ++i) {
    DeviceRecord& device = devices_[i];
    if (device.pbx != pbx || device.first_line == kNoLine) continue;
    const bool known = device.listed && device.generation == books.generation;
    SetUnlisted(device, !known);
    if (!known && !device.unlisted_told) AddName(device.name.view(), found);
    device.unlisted_told = !known;
  }
  books.unlisted_wanted = false;
  return found;
}

PbxTable::UnlistedDevices PbxTable::Unlisted(PbxIndex pbx) const {
  UNIPRESENCE_CHECK_THREAD(thread_checker_);
  UnlistedDevices unlisted;
  if (!synced(pbx) || statuses_[pbx].unlisted_devices == 0) return unlisted;
  for (DeviceIndex i = 0; i < devices_.size(); ++i) {
    const DeviceRecord& device = devices_[i];
    if (device.pbx == pbx && device.unlisted) AddName(device.name.view(), unlisted);
  }
  return unlisted;
}

}  // namespace unipresence
