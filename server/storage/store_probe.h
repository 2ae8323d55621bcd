#ifndef UNIPRESENCE_SERVER_STORAGE_STORE_PROBE_H_
#define UNIPRESENCE_SERVER_STORAGE_STORE_PROBE_H_

// What a store counts. Thread-safe to read.

#include "aggregator/base/metric_collector.h"
#include "aggregator/base/probe.h"

namespace unipresence {

struct StoreProbe {
  Counter commands;                               // run, whatever their outcome
  Counter failed_commits;                         // transactions whose commands all failed with it
  SharedCounter refused;                          // found the queue full or stopped
  Gauge queue_depth;                              // commands waiting
  Histogram commit_micros{kLatencyBoundsMicros};  // one transaction, from its begin to its commit
  Histogram batch_size{kBatchBounds};             // commands per transaction
  Counter reads;                                  // run beside the commands, whatever their outcome
  Gauge read_queue_depth;                         // reads waiting

  static constexpr std::array<std::uint64_t, 9> kBatchBounds = {1, 2, 4, 8, 16, 32, 64, 128, 256};
};

void RegisterMetrics(MetricCollector& collector, const StoreProbe& probe);

}  // namespace unipresence

#endif  // UNIPRESENCE_SERVER_STORAGE_STORE_PROBE_H_
