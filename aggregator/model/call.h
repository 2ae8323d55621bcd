#ifndef UNIPRESENCE_AGGREGATOR_MODEL_CALL_H_
#define UNIPRESENCE_AGGREGATOR_MODEL_CALL_H_

// A live call of a user, as call_control.proto tells it. Values without behaviour.

#include <cstdint>
#include <string>
#include <string_view>

#include "aggregator/base/clock.h"
#include "aggregator/model/line.h"

namespace unipresence {

// Who began a call, seen from the user.
enum class CallDirection : std::uint8_t { kReceived, kEmitted };

std::string_view ToString(CallDirection direction);  // "in", "out"

// How far a live call is.
enum class CallState : std::uint8_t {
  kOriginating,  // placed for the user: the own phone rings to be picked up
  kDialing,      // emitted, the other side has not answered
  kRinging,      // received, it rings here
  kAnswered,
};

std::string_view ToString(CallState state);  // "originating", ...

// The other end of a call, as far as it is known.
struct CallParty {
  std::string number{};  // empty: withheld or unknown
  std::string name{};    // empty: none

  friend bool operator==(const CallParty&, const CallParty&) = default;
};

struct LiveCall {
  std::string id{};  // opaque; names the call while the user's own part lives
  LineKind kind{};
  std::string device{};  // "PJSIP/alice"
  std::string pbx{};     // its name
  CallDirection direction = CallDirection::kReceived;
  CallParty other_party{};
  CallState state = CallState::kRinging;
  bool holding = false;  // the user holds the other side
  bool held = false;     // the other side holds the user
  WallTimeMicros start_time = 0;
  WallTimeMicros answer_time = 0;  // 0: not answered, or answered while nobody listened
  std::string transfer_call{};     // during an attended transfer the id of the other call
  std::string linked_id{};         // Asterisk's Linkedid

  friend bool operator==(const LiveCall&, const LiveCall&) = default;
};

}  // namespace unipresence

#endif  // UNIPRESENCE_AGGREGATOR_MODEL_CALL_H_
