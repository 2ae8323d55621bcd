#ifndef UNIPRESENCE_AGGREGATOR_ENGINE_PBX_STATUS_H_
#define UNIPRESENCE_AGGREGATOR_ENGINE_PBX_STATUS_H_

// What the server knows of its link to one PBX, for administrators.

#include <cstdint>
#include <string>
#include <string_view>

#include "aggregator/base/clock.h"

namespace unipresence {

enum class LinkState : std::uint8_t {
  kDown,     // not connected, or connecting; users are stale
  kSyncing,  // logged in and listing; users are stale
  kSynced,   // lists applied, events flow
};

std::string_view ToString(LinkState state);  // "DOWN", "SYNCING", "SYNCED"

struct PbxStatus {
  std::string name;
  std::string address;  // "host:port"
  LinkState link = LinkState::kDown;
  std::string version;     // of Asterisk, as it says itself; empty until known
  std::string last_error;  // why the link last failed; empty if it never did
  WallTimeMicros link_since = 0;
  WallTimeMicros last_resync_time = 0;  // 0 before the first
  Duration last_resync_duration{0};
  std::uint64_t resyncs = 0;
  std::uint64_t reconnects = 0;
  std::uint64_t corrections = 0;           // changes that a reconcile had to make
  std::uint64_t rewrites = 0;              // values that a check had to write to the PBX again
  WallTimeMicros last_reconcile_time = 0;  // 0 before the first
  std::uint64_t lines = 0;                 // lines of users on this PBX
  std::uint64_t unlisted_devices = 0;      // of these lines, that the PBX lists nowhere
};

}  // namespace unipresence

#endif  // UNIPRESENCE_AGGREGATOR_ENGINE_PBX_STATUS_H_
