#include "server/storage/store_probe.h"

namespace unipresence {

void RegisterMetrics(MetricCollector& collector, const StoreProbe& probe) {
  const MetricGroup group(collector);
  group.Counter("unipresence_store_commands_total", "Commands the store ran.", probe.commands);
  group.Counter("unipresence_store_failed_commits_total", "Transactions that failed.",
                probe.failed_commits);
  group.Counter("unipresence_store_refused_total", "Commands and reads refused by a full queue.",
                probe.refused);
  group.Gauge("unipresence_store_queue_depth", "Commands that wait.", probe.queue_depth);
  group.Counter("unipresence_store_reads_total", "Reads beside the commands.", probe.reads);
  group.Gauge("unipresence_store_read_queue_depth", "Reads that wait.", probe.read_queue_depth);
  group.Micros("unipresence_store_commit_seconds", "One transaction.", probe.commit_micros);
}

}  // namespace unipresence
