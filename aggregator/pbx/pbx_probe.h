#ifndef UNIPRESENCE_AGGREGATOR_PBX_PBX_PROBE_H_
#define UNIPRESENCE_AGGREGATOR_PBX_PBX_PROBE_H_

// What this room counts of one PBX, all since the start. Written by the pipeline, read by the
// scrape.

#include <array>
#include <cstddef>
#include <string>

#include "aggregator/base/metric_collector.h"
#include "aggregator/base/probe.h"

namespace unipresence::pbx {

inline constexpr std::size_t kDialplanOutcomeCount = 8;

// Of what a PBX says.
struct TrackerProbe {
  Counter unknown_device_states;  // a word that is none of the nine
  Counter unknown_contact_statuses;
  Counter malformed_events;        // without a header that such an event has
  Counter rejected_names;          // of devices: empty, or beyond ChangeBatch::kMaxDeviceName
  Counter unknown_channel_events;  // about a channel that was never seen
  Counter rejected_channels;       // beyond TrackerOptions, or the bound of a device
  Counter rejected_contacts;       // new ones beyond the bounds
  Counter dropped_channels;        // known, but not in a list: their Hangup was lost
  Counter found_channels;          // in a list, but not known: their Newchannel was lost
  Counter list_errors;             // list actions that were refused or cut short
  std::array<Counter, kDialplanOutcomeCount> dialplan_outcomes;  // by DialplanOutcome
};

// Of what a PBX is told.
struct WriteBackProbe {
  Counter written;                   // writes that Asterisk confirmed, deletions included
  Counter verified;                  // values found as they should be
  Counter rewritten;                 // values found missing or wrong by a check
  Counter retried;                   // writes that read back differently, or without an answer
  Counter given_up;                  // writes that failed WriteBack::Options::attempts times
  Counter refused;                   // actions that Asterisk refused, or that cannot be encoded
  Counter phone_settings;            // handed out to be adopted
  Counter malformed_phone_settings;  // entries of phone_changes that are none
  Counter rejected_phone_settings;   // never to be adopted; the note is deleted
};

void RegisterMetrics(MetricCollector& collector, const std::string& pbx, const TrackerProbe& probe);
void RegisterMetrics(MetricCollector& collector, const std::string& pbx,
                     const WriteBackProbe& probe);

}  // namespace unipresence::pbx

#endif  // UNIPRESENCE_AGGREGATOR_PBX_PBX_PROBE_H_
