#ifndef UNIPRESENCE_AGGREGATOR_PBX_DIALPLAN_TRACKER_H_
#define UNIPRESENCE_AGGREGATOR_PBX_DIALPLAN_TRACKER_H_

// What the shipped dialplan says by UserEvent: settings that users changed from their phones
// (UnipresenceSetting), and outcomes of calls for which the user has no channel
// (UnipresenceOutcome). Part of Tracker. Thread: the pipeline's.

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "aggregator/ami/message.h"
#include "aggregator/model/phone_setting.h"
#include "aggregator/pbx/pbx_probe.h"

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

std::string_view ToString(DialplanOutcome outcome);  // "DO_NOT_DISTURB", ..., "OTHER"

// A setting, and the number that it was made for.
struct ReportedSetting {
  std::string context;
  std::string exten;
  PhoneSetting setting;
};

class DialplanTracker {
 public:
  // Settings that wait to be taken at most; the note in AstDB keeps what does not fit.
  static constexpr std::size_t kMaxSettings = 10'000;

  // Outcomes are counted, and settings that are none or do not fit. It must outlive the tracker.
  explicit DialplanTracker(TrackerProbe& probe) : probe_(probe) {}

  // A live event of the name UserEvent. Those of others are passed over.
  void OnUserEvent(const ami::Message& event);

  // What was heard since the last call, in order.
  std::vector<ReportedSetting> TakeSettings();

 private:
  void OnSetting(const ami::Message& event);

  std::vector<ReportedSetting> settings_;
  TrackerProbe& probe_;
};

}  // namespace unipresence::pbx

#endif  // UNIPRESENCE_AGGREGATOR_PBX_DIALPLAN_TRACKER_H_
