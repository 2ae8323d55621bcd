#include "server/app/register_metrics.h"

#include <cstddef>

#include "aggregator/pipeline/pbx_link.h"

namespace unipresence {

void RegisterPbxMetrics(MetricCollector& collector, const std::string& name, const PbxLink& link) {
  RegisterMetrics(collector, name, link.probe());
  RegisterMetrics(collector, name, link.tracker_probe());
  RegisterMetrics(collector, name, link.ami_probe());
  RegisterMetrics(collector, name, link.write_back_probe());
  RegisterMetrics(collector, name, link.writer_probe());
}

void RegisterMetrics(ProbeCollector& collector, const MeasuredParts& parts) {
  collector.AddBuildInfo(UNIPRESENCE_VERSION);
  collector.AddProcess();
  collector.AddGauge("unipresence_ready", "1 while the server is ready, as /readyz says.", {},
                     [&ready = parts.readiness] { return ready.IsReady() ? 1.0 : 0.0; });
  const Pipeline& pipeline = parts.pipeline;
  for (std::size_t i = 0; i < parts.pbxs.size(); ++i) {
    RegisterPbxMetrics(collector, parts.pbxs[i], pipeline.link(i));
  }
  RegisterMetrics(collector, pipeline.probe());
  RegisterMetrics(collector, pipeline.publisher().probe());
  RegisterMetrics(collector, parts.services);
  RegisterMetrics(collector, parts.store);
  RegisterMetrics(collector, parts.hasher);
}

}  // namespace unipresence
