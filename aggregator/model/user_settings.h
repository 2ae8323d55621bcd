#ifndef UNIPRESENCE_AGGREGATOR_MODEL_USER_SETTINGS_H_
#define UNIPRESENCE_AGGREGATOR_MODEL_USER_SETTINGS_H_

// What a user chose and switched on: kept by the store, followed by the engine.

#include <cstdint>
#include <optional>

#include "aggregator/base/clock.h"
#include "aggregator/model/forwarding.h"
#include "aggregator/model/line_kind.h"

namespace unipresence {

struct UserSettings {
  std::optional<LineKind> selected_device;  // none before the first choice ever: kFirstSelection
  WallTimeMicros select_time = 0;           // of the newest choice; 0 before the first
  bool do_not_disturb = false;
  Forwardings forwardings{};
  // Of the newest change of do_not_disturb or forwardings; 0 before the first. The version counts
  // them; of use as an etag.
  WallTimeMicros forwarding_time = 0;
  std::uint64_t forwarding_version = 0;

  friend bool operator==(const UserSettings&, const UserSettings&) = default;
};

}  // namespace unipresence

#endif  // UNIPRESENCE_AGGREGATOR_MODEL_USER_SETTINGS_H_
