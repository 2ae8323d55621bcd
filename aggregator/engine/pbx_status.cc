#include "aggregator/engine/pbx_status.h"

namespace unipresence {

std::string_view ToString(LinkState state) {
  switch (state) {
    case LinkState::kDown:
      return "DOWN";
    case LinkState::kSyncing:
      return "SYNCING";
    case LinkState::kSynced:
      return "SYNCED";
  }
  __builtin_unreachable();
}

}  // namespace unipresence
