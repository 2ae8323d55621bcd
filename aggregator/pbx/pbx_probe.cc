#include "aggregator/pbx/pbx_probe.h"

#include <string_view>

#include "aggregator/pbx/dialplan_tracker.h"

namespace unipresence::pbx {

void RegisterMetrics(MetricCollector& collector, const std::string& pbx,
                     const TrackerProbe& probe) {
  const MetricGroup group(collector, {{"pbx", pbx}});
  group.GaugeOf("unipresence_pbx_malformed_events",
                "Events that could not be understood, since the start.", [&probe] {
                  return static_cast<double>(probe.malformed_events.value() +
                                             probe.unknown_device_states.value() +
                                             probe.unknown_contact_statuses.value());
                });
  for (std::size_t i = 0; i < kDialplanOutcomeCount; ++i) {
    const std::string_view outcome = ToString(static_cast<DialplanOutcome>(i));
    collector.AddCounter(
        "unipresence_dialplan_outcomes_total",
        "Calls that the dialplan decided without a channel of the user.",
        {{"pbx", pbx}, {"outcome", std::string(outcome)}},
        [&count = probe.dialplan_outcomes[i]] { return static_cast<double>(count.value()); });
  }
}

void RegisterMetrics(MetricCollector& collector, const std::string& pbx,
                     const WriteBackProbe& probe) {
  const MetricGroup group(collector, {{"pbx", pbx}});
  group.Counter("unipresence_writeback_writes_total",
                "AstDB keys and custom device states written or deleted.", probe.written);
  group.Counter("unipresence_writeback_verified_total",
                "Values that Asterisk was asked for and holds.", probe.verified);
  group.Counter("unipresence_writeback_rewrites_total",
                "Values that a check found missing or wrong in Asterisk.", probe.rewritten);
  group.Counter("unipresence_writeback_retries_total",
                "Writes that read back differently or were not answered.", probe.retried);
  group.Counter("unipresence_writeback_given_up_total",
                "Writes left to the next check after several attempts.", probe.given_up);
  group.Counter("unipresence_writeback_refused_total", "Actions that Asterisk refused.",
                probe.refused);
  group.Counter("unipresence_writeback_phone_settings_total", "Settings made from phones.",
                probe.phone_settings);
  group.Counter("unipresence_writeback_malformed_phone_settings_total",
                "Settings made from phones that could not be understood.",
                probe.malformed_phone_settings);
  group.Counter("unipresence_writeback_rejected_phone_settings_total",
                "Settings made from phones that can never be adopted.",
                probe.rejected_phone_settings);
}

}  // namespace unipresence::pbx
