#ifndef UNIPRESENCE_SERVER_METRICS_HTTP_PROBE_H_
#define UNIPRESENCE_SERVER_METRICS_HTTP_PROBE_H_

// What the HTTP listener counts.

#include "aggregator/base/metric_collector.h"
#include "aggregator/base/probe.h"

namespace unipresence {

// Counted by the listener's thread, read by any.
struct HttpProbe {
  Gauge connections;
  Counter requests;   // that were handed on
  Counter malformed;  // answered 400 or 431
  Counter displaced;  // the oldest of too many
  Counter timed_out;
  Counter accept_failures;  // mostly: no descriptor was left
};

void RegisterMetrics(MetricCollector& collector, const HttpProbe& probe);

}  // namespace unipresence

#endif  // UNIPRESENCE_SERVER_METRICS_HTTP_PROBE_H_
