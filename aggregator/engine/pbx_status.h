#ifndef UNIPRESENCE_AGGREGATOR_ENGINE_PBX_STATUS_H_
#define UNIPRESENCE_AGGREGATOR_ENGINE_PBX_STATUS_H_

// What the server knows of its link to one PBX, for administrators.

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "aggregator/base/clock.h"

namespace unipresence {

enum class LinkState : std::uint8_t {
  kDown,     // not connected, or connecting; users are stale
  kSyncing,  // logged in and listing; users are stale
  kSynced,   // lists applied, events flow
};

std::string_view ToString(LinkState state);  // "DOWN", "SYNCING", "SYNCED"

// What a link that is kDown does.
enum class LinkPhase : std::uint8_t {
  kDisconnected,
  kConnecting,      // TCP, TLS, the banner
  kAuthenticating,  // the login
  kBooting,         // logged in; Asterisk is not fully booted
  kRefused,         // Asterisk refused the login: it is tried again rarely
};

// What the driver of a link keeps up to date, a few times a second.
struct PbxLinkFacts {
  LinkPhase phase = LinkPhase::kDisconnected;
  WallTimeMicros phase_since = 0;
  bool tls = false;
  WallTimeMicros last_error_time = 0;  // 0: there was none
  std::uint64_t messages = 0;          // received since the start
  std::uint64_t skipped_messages = 0;  // of these, beyond the limits
  // "CoreShowChannels: Permission denied": what the newest lists did not tell.
  std::vector<std::string> list_errors;
  WallTimeMicros write_unanswered_since = 0;  // 0: Asterisk answers what it is told
};

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
  PbxLinkFacts facts;
};

}  // namespace unipresence

#endif  // UNIPRESENCE_AGGREGATOR_ENGINE_PBX_STATUS_H_
