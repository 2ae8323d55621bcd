#ifndef UNIPRESENCE_SERVER_SERVICE_SERVICE_PROBE_H_
#define UNIPRESENCE_SERVER_SERVICE_SERVICE_PROBE_H_

// What the gRPC side and the rooms behind it count. Thread-safe to read.

#include <array>
#include <cstddef>
#include <vector>

#include "aggregator/base/metric_collector.h"
#include "aggregator/base/probe.h"
#include "server/account/account_probe.h"
#include "server/service/method.h"
#include "server/streaming/stream_probe.h"

namespace unipresence {

struct ServiceProbe {
  // grpc::StatusCode has the values 0 (OK) to 16 (UNAUTHENTICATED).
  static constexpr std::size_t kCodeCount = 17;

  // Answered rpcs by method (its index) and status code; a stream counts when it ends.
  using Codes = std::array<SharedCounter, kCodeCount>;
  std::vector<Codes> rpcs = std::vector<Codes>(AllMethods().size());

  AccountProbe account;
  StreamProbe streams;
};

// With those of the rooms behind it.
void RegisterMetrics(MetricCollector& collector, const ServiceProbe& probe);

}  // namespace unipresence

#endif  // UNIPRESENCE_SERVER_SERVICE_SERVICE_PROBE_H_
