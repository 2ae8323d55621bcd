#include "aggregator/ami/ami_probe.h"

namespace unipresence::ami {

std::string_view ToString(SessionState state) {
  switch (state) {
    case SessionState::kStopped:
      return "STOPPED";
    case SessionState::kBackoff:
      return "BACKOFF";
    case SessionState::kConnecting:
      return "CONNECTING";
    case SessionState::kBanner:
      return "BANNER";
    case SessionState::kChallenge:
      return "CHALLENGE";
    case SessionState::kLogin:
      return "LOGIN";
    case SessionState::kBooting:
      return "BOOTING";
    case SessionState::kOnline:
      return "ONLINE";
  }
  return "INVALID";
}

}  // namespace unipresence::ami
