#ifndef UNIPRESENCE_AGGREGATOR_PIPELINE_PIPELINE_PROBE_H_
#define UNIPRESENCE_AGGREGATOR_PIPELINE_PIPELINE_PROBE_H_

// What the pipeline thread counts of its own work. Written by it, read by the scrape.

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

}  // namespace unipresence

#endif  // UNIPRESENCE_AGGREGATOR_PIPELINE_PIPELINE_PROBE_H_
