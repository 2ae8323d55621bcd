#ifndef UNIPRESENCE_SERVER_APP_REGISTER_METRICS_H_
#define UNIPRESENCE_SERVER_APP_REGISTER_METRICS_H_

// Has every room name its numbers for Prometheus (RegisterMetrics beside its probe).

#include <string>
#include <vector>

#include "aggregator/pipeline/pipeline.h"
#include "server/auth/password_hasher.h"
#include "server/metrics/probe_collector.h"
#include "server/metrics/readiness.h"
#include "server/service/service_probe.h"
#include "server/storage/store_probe.h"

namespace unipresence {

class PbxLink;

// What counts something. All must outlive the collector's scrapes.
struct MeasuredParts {
  const Readiness& readiness;
  const Pipeline& pipeline;
  std::vector<std::string> pbxs;  // names, in the pipeline's order
  const ServiceProbe& services;
  const StoreProbe& store;
  const auth::PasswordHasherProbe& hasher;
};

// Once, after the pipeline has started.
void RegisterMetrics(ProbeCollector& collector, const MeasuredParts& parts);

// Those of a PBX that came later. ProbeCollector::Remove with the label `pbx` takes them away.
void RegisterPbxMetrics(MetricCollector& collector, const std::string& name, const PbxLink& link);

}  // namespace unipresence

#endif  // UNIPRESENCE_SERVER_APP_REGISTER_METRICS_H_
