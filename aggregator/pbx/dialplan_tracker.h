#ifndef UNIPRESENCE_AGGREGATOR_PBX_DIALPLAN_TRACKER_H_
#define UNIPRESENCE_AGGREGATOR_PBX_DIALPLAN_TRACKER_H_

// What the shipped dialplan says by UserEvent: settings that users changed from their phones
// (UnipresenceSetting), and outcomes of calls for which the user has no channel
// (UnipresenceOutcome). Part of Tracker. Thread: the pipeline's.

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "aggregator/ami/message.h"
#include "aggregator/model/phone_setting.h"

namespace unipresence::pbx {

// As deploy/asterisk/extensions_unipresence.conf spells them.
enum class DialplanOutcome : std::uint8_t {
  kDoNotDisturb,
  kForwarded,
  kForwardLoop,
  kForwardRefused,
  kNotRegistered,
  kUnreachable,
  kVoicemail,
  kOther,  // a word that this server does not know
};
inline constexpr std::size_t kDialplanOutcomeCount = 8;

std::string_view ToString(DialplanOutcome outcome);  // "DO_NOT_DISTURB", ..., "OTHER"

// A setting, and the number that it was made for.
struct HeardSetting {
  std::string context;
  std::string exten;
  PhoneSetting setting;
};

class DialplanTracker {
 public:
  // Settings that wait to be taken at most; the note in AstDB keeps what does not fit.
  static constexpr std::size_t kMaxSettings = 10'000;

  // A live event of the name UserEvent. Those of others are passed over.
  void OnUserEvent(const ami::Message& event);

  // What was heard since the last call, in order.
  std::vector<HeardSetting> TakeSettings();

  // All since the start. By DialplanOutcome.
  const std::array<std::uint64_t, kDialplanOutcomeCount>& outcomes() const { return outcomes_; }
  // Settings that are none, or did not fit.
  std::uint64_t malformed() const { return malformed_; }

 private:
  void OnSetting(const ami::Message& event);

  std::vector<HeardSetting> settings_;
  std::array<std::uint64_t, kDialplanOutcomeCount> outcomes_{};
  std::uint64_t malformed_ = 0;
};

}  // namespace unipresence::pbx

#endif  // UNIPRESENCE_AGGREGATOR_PBX_DIALPLAN_TRACKER_H_
