#include "aggregator/model/call.h"

namespace unipresence {

std::string_view ToString(CallDirection direction) {
  switch (direction) {
    case CallDirection::kReceived:
      return "in";
    case CallDirection::kEmitted:
      return "out";
  }
  __builtin_unreachable();
}

std::string_view ToString(CallState state) {
  switch (state) {
    case CallState::kOriginating:
      return "originating";
    case CallState::kDialing:
      return "dialing";
    case CallState::kRinging:
      return "ringing";
    case CallState::kAnswered:
      return "answered";
  }
  __builtin_unreachable();
}

}  // namespace unipresence
