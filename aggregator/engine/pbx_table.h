#ifndef UNIPRESENCE_AGGREGATOR_ENGINE_PBX_TABLE_H_
#define UNIPRESENCE_AGGREGATOR_ENGINE_PBX_TABLE_H_

// What is kept of each PBX: its link, its lists, what reconciles have corrected, and the devices of
// users that it does not list.
//
//   PbxTable pbxs(devices, clock);
//   const PbxIndex main = pbxs.Add("main", "127.0.0.1:5038");
//   pbxs.BeginResync(main, "22.10.1");
//   pbxs.EndResync(main);
//   pbxs[main].link;  // LinkState::kSynced
//   for (const PbxStatus& pbx : pbxs) { ... }  // by PbxIndex
//
// A PBX that only lines of users name has no address and is down.
//
// Thread: the pipeline's.

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "aggregator/base/clock.h"
#include "aggregator/base/thread_checker.h"
#include "aggregator/engine/device_table.h"
#include "aggregator/engine/pbx_status.h"
#include "aggregator/model/cause.h"

namespace unipresence {

class PbxTable {
 public:
  // Both must outlive the table.
  PbxTable(DeviceTable& devices, const Clock& clock) : devices_(devices), clock_(clock) {}

  const PbxStatus& operator[](std::size_t pbx) const { return statuses_[pbx]; }
  std::size_t size() const { return statuses_.size(); }
  std::vector<PbxStatus>::const_iterator begin() const { return statuses_.begin(); }
  std::vector<PbxStatus>::const_iterator end() const { return statuses_.end(); }
  bool synced(PbxIndex pbx) const { return statuses_[pbx].link == LinkState::kSynced; }
  // All that have an address.
  bool AllSynced() const;

  // Adds a PBX, or returns the index of the one that has this name and sets its address.
  PbxIndex Add(std::string_view name, std::string_view address);
  // The PBX of that name, added without an address if it is new.
  PbxIndex Intern(std::string_view name);

  // --- Who drives the link tells, and asks ------------------------------------------------------

  // To be kept up to date.
  PbxLinkFacts& facts(PbxIndex pbx) { return statuses_[pbx].facts; }
  // Of the link, which may never have come up.
  void SetLastError(PbxIndex pbx, std::string_view error);
  // What checks have had to write to the PBX again, since the start.
  void SetRewrites(PbxIndex pbx, std::uint64_t rewrites) { statuses_[pbx].rewrites = rewrites; }
  // The lists of a reconcile are complete.
  void EndReconcile(PbxIndex pbx) { statuses_[pbx].last_reconcile_time = clock_.WallNow(); }
  // While true, what lists change is no correction: the PBX's configuration is being changed.
  void ExpectChanges(PbxIndex pbx, bool expected) { books_[pbx].changes_expected = expected; }

  // The presences that reconciles have corrected since the last call.
  struct Corrections {
    static constexpr std::size_t kMaxUsers = 100;
    std::uint64_t count = 0;
    std::vector<std::string> users;  // ids, kMaxUsers at most
  };
  Corrections TakeCorrections(PbxIndex pbx);

  // Have the PBX listed again soon: there is something that it was not asked about, or that was
  // missed.
  void RequestListing(PbxIndex pbx) { books_[pbx].listing_wanted = true; }
  // True once after a request.
  bool TakeListingWanted(PbxIndex pbx);

  // Devices of users that a PBX lists nowhere, or says INVALID of: misspelt names, and endpoints
  // that were taken out of its configuration.
  struct UnlistedDevices {
    static constexpr std::size_t kMaxNames = 100;
    std::uint64_t count = 0;
    std::vector<std::string> names;  // the first kMaxNames by name
  };
  // Call it when a resync or reconcile has ended that listed all endpoints and device states, after
  // EndResync or EndReconcile. Returns those of whom it was not said before.
  UnlistedDevices FindUnlisted(PbxIndex pbx);
  // All that are so now; none while the PBX is not synced.
  UnlistedDevices Unlisted(PbxIndex pbx) const;

  // --- For the engine, whose users follow -------------------------------------------------------

  // False if the link was down before.
  bool LinkLost(PbxIndex pbx, std::string_view error);
  void BeginResync(PbxIndex pbx, std::string_view asterisk_version);
  void EndResync(PbxIndex pbx);
  // Of the newest resync, see DeviceRecord::generation; and of the newest one that came to its end.
  std::uint8_t generation(PbxIndex pbx) const { return books_[pbx].generation; }
  std::uint8_t last_complete(PbxIndex pbx) const { return books_[pbx].last_complete; }

  // A user's line is on that PBX from now on; `new_device`: on a device that nobody has had a line
  // on.
  void AddLine(PbxIndex pbx, bool new_device);
  void RemoveLine(PbxIndex pbx) { --statuses_[pbx].lines; }
  // Counts the mark.
  void SetUnlisted(DeviceRecord& device, bool unlisted) {
    if (device.unlisted != unlisted) CountUnlisted(device, unlisted);
  }

  // Whether a change of that cause corrects what should have been known.
  bool Corrects(PbxIndex pbx, CauseKind cause) const {
    return cause == CauseKind::kReconcile && !books_[pbx].changes_expected;
  }
  void CountCorrection(PbxIndex pbx) { ++statuses_[pbx].corrections; }
  void AddCorrected(PbxIndex pbx, std::string_view user);

 private:
  struct Books {
    std::uint8_t generation = 0;
    std::uint8_t last_complete = 0;
    bool listing_wanted = false;
    bool changes_expected = false;
    bool unlisted_wanted = false;  // FindUnlisted may find something new
    MonotonicTime resync_started{};
    Corrections corrections;
  };

  void SetLink(PbxIndex pbx, LinkState link);
  void CountUnlisted(DeviceRecord& device, bool unlisted);

  DeviceTable& devices_;
  const Clock& clock_;
  mutable ThreadChecker thread_checker_;
  std::vector<PbxStatus> statuses_;  // by PbxIndex
  std::vector<Books> books_;         // by PbxIndex
};

}  // namespace unipresence

#endif  // UNIPRESENCE_AGGREGATOR_ENGINE_PBX_TABLE_H_
