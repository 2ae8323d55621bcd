#include "server/metrics/http_probe.h"

namespace unipresence {

void RegisterMetrics(MetricCollector& collector, const HttpProbe& probe) {
  const MetricGroup group(collector);
  group.Gauge("unipresence_http_connections", "Open connections.", probe.connections);
  group.Counter("unipresence_http_requests_total", "Requests, of whatever path.", probe.requests);
  group.Counter("unipresence_http_malformed_requests_total", "Too long, or no HTTP.",
                probe.malformed);
  group.Counter("unipresence_http_timeouts_total",
                "Connections closed because their request or reading the answer took too long.",
                probe.timed_out);
  group.Counter("unipresence_http_displaced_connections_total",
                "Connections closed because there were too many, or no descriptor for another.",
                probe.displaced);
  group.Counter("unipresence_http_accept_failures_total",
                "Times that no connection could be accepted: mostly no descriptor was left.",
                probe.accept_failures);
}

}  // namespace unipresence
