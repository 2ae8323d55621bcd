#ifndef UNIPRESENCE_AGGREGATOR_PIPELINE_PIPELINE_PROBE_H_
#define UNIPRESENCE_AGGREGATOR_PIPELINE_PIPELINE_PROBE_H_

// What the pipeline thread counts of its own work. Written by it, read by the scrape.

#include <string>

#include "aggregator/base/metric_collector.h"
#include "aggregator/base/probe.h"

namespace unipresence {

struct PipelineProbe {
  Counter reads;                   // socket reads run to completion
  Counter device_changes;          // handed to the engine
  Counter unknown_devices;         // of these, for devices that no user has
  Counter commands;                // run
  SharedCounter commands_refused;  // the queue was full, or the pipeline stopping
  Gauge command_queue_depth;
  Counter work_slices;  // slices of sweeps after a link was lost or synced
  Counter corrections;  // changes that reconciles had to make
  Gauge users;
  Gauge sequence;                                   // of the newest update
  Histogram read_to_publish{kLatencyBoundsMicros};  // microseconds: read handed over -> sent
};

// Of one link.
struct PbxLinkProbe {
  Gauge link;  // a LinkState
  Counter resyncs;
  Counter reconciles;
  Gauge last_resync_micros;
  Counter list_errors;     // lists that were refused or cut short
  Counter mailbox_errors;  // boxes whose messages were not told
  Gauge channels;          // live ones of this PBX
  Gauge contacts;          // callable ones
};

// Of what one PBX is told, beside pbx::WriteBackProbe.
struct RoutingWriterProbe {
  Gauge in_flight;
  Gauge waiting;           // numbers that changed and have not been told
  Gauge waiting_in_round;  // numbers that are still to be checked
  Gauge unanswered;        // 1 while Asterisk does not answer what it is told
};

void RegisterMetrics(MetricCollector& collector, const PipelineProbe& probe);
void RegisterMetrics(MetricCollector& collector, const std::string& pbx, const PbxLinkProbe& probe);
void RegisterMetrics(MetricCollector& collector, const std::string& pbx,
                     const RoutingWriterProbe& probe);

}  // namespace unipresence

#endif  // UNIPRESENCE_AGGREGATOR_PIPELINE_PIPELINE_PROBE_H_
