#include "server/streaming/stream_probe.h"

namespace unipresence {

void RegisterMetrics(MetricCollector& collector, const StreamProbe& probe) {
  const MetricGroup group(collector);
  group.Gauge("unipresence_watch_streams", "Open WatchPresences streams.", probe.watch_streams);
  group.Gauge("unipresence_hold_streams", "Open HoldSession streams.", probe.hold_streams);
  group.Gauge("unipresence_call_streams", "Open WatchCalls streams.", probe.call_streams);
  group.Counter("unipresence_watch_responses_total", "Responses written to watch streams.",
                probe.watch_responses);
  group.Counter("unipresence_watch_updates_total", "Updates in these responses.",
                probe.watch_updates);
  group.Counter("unipresence_watch_coalesced_total",
                "Changes that slow readers were not sent, for they were merged into others.",
                probe.watch_coalesced);
  group.Counter("unipresence_watch_resets_total", "Streams told to start over.",
                probe.watch_resets);
  group.Counter("unipresence_watch_dropped_batches_total",
                "Batches given up because the hub lagged.", probe.watch_dropped_batches);
  group.Counter("unipresence_refused_streams_total", "Streams over a limit.",
                probe.refused_streams);
}

}  // namespace unipresence
