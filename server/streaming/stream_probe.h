#ifndef UNIPRESENCE_SERVER_STREAMING_STREAM_PROBE_H_
#define UNIPRESENCE_SERVER_STREAMING_STREAM_PROBE_H_

// What the streams count. Thread-safe to read; written on the watch thread where it is not shared.

#include "aggregator/base/metric_collector.h"
#include "aggregator/base/probe.h"

namespace unipresence {

struct StreamProbe {
  Gauge watch_streams;      // open WatchPresences
  Gauge hold_streams;       // open HoldSession
  Gauge call_streams;       // open WatchCalls
  Counter watch_responses;  // written
  Counter watch_updates;    // in these responses
  Counter watch_bytes;      // of these responses
  Counter watch_coalesced;  // changes that a stream was not sent, for they were merged into others
  Counter watch_resets;     // streams told to start over
  Counter watch_resumed;    // streams that got only what they had missed
  SharedCounter watch_dropped_batches;  // batches given up because the watch thread lagged
  Counter watch_initial_values;         // values read for streams that start
  Gauge watch_log_entries;              // changes in the log, and what is kept of older ones
  Gauge watch_log_bytes;                // that the log holds
  SharedCounter refused_streams;        // over a limit
};

void RegisterMetrics(MetricCollector& collector, const StreamProbe& probe);

}  // namespace unipresence

#endif  // UNIPRESENCE_SERVER_STREAMING_STREAM_PROBE_H_
