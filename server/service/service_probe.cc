#include "server/service/service_probe.h"

#include <string>

namespace unipresence {

void RegisterMetrics(MetricCollector& collector, const ServiceProbe& probe) {
  for (const Method& method : AllMethods()) {
    for (std::size_t code = 0; code < ServiceProbe::kCodeCount; ++code) {
      const MetricGroup group(collector,
                              {{"method", method.full_name}, {"code", std::to_string(code)}});
      group.Counter("unipresence_rpcs_total", "Answered rpcs; a stream counts when it ends.",
                    probe.rpcs[method.index][code]);
    }
  }
  RegisterMetrics(collector, probe.account);
  RegisterMetrics(collector, probe.streams);
}

}  // namespace unipresence
