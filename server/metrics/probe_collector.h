#ifndef UNIPRESENCE_SERVER_METRICS_PROBE_COLLECTOR_H_
#define UNIPRESENCE_SERVER_METRICS_PROBE_COLLECTOR_H_

// Reads at each scrape what the rooms have named (aggregator/base/metric_collector.h).
//
//   collector.AddCounter("unipresence_store_commands_total", "Commands the store thread ran.", {},
//                        probe.commands);
//   collector.AddGauge("unipresence_pbx_synced", "1 while the PBX is synced.", {{"pbx", "main"}},
//                      [&] { return synced.load() ? 1.0 : 0.0; });
//   collector.AddHistogram("unipresence_publish_latency_seconds", "From AMI read to publish.", {},
//                          probe.latency, 1e-6);   // the histogram counts microseconds
//
// Names: unipresence_<room>_<what>[_<unit>], base units (seconds, bytes), counters end with _total.
// Labels: from the configuration (a PBX) or the code (a reason), never from users, devices or
// sessions. A name that breaks Prometheus' rules, two metrics of equal name and labels, or one name
// with two types or helps, aborts with a message: it is a defect of the code.

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "aggregator/base/metric_collector.h"
#include "aggregator/base/mutex.h"
#include "aggregator/base/probe.h"
#include "prometheus/collectable.h"
#include "prometheus/metric_family.h"

namespace unipresence {

// Thread-safe. What is registered must outlive the collector and be safe to read from any thread.
class ProbeCollector final : public MetricCollector, public prometheus::Collectable {
 public:
  void AddCounter(std::string_view name, std::string_view help, Labels labels, Getter get) override;
  void AddCounter(std::string_view name, std::string_view help, Labels labels,
                  const Counter& counter);
  void AddCounter(std::string_view name, std::string_view help, Labels labels,
                  const SharedCounter& counter);
  void AddGauge(std::string_view name, std::string_view help, Labels labels, Getter get) override;
  void AddGauge(std::string_view name, std::string_view help, Labels labels, const Gauge& gauge);
  void AddHistogram(std::string_view name, std::string_view help, Labels labels,
                    const Histogram& histogram, double unit) override;
  // unipresence_build_info{version, compiler} = 1.
  void AddBuildInfo(std::string_view version);
  // process_*: CPU seconds, resident bytes, open and allowed descriptors, start time, threads.
  void AddProcess();

  // Forgets the metrics with this label: what they told of is gone.
  void Remove(const MetricLabel& label) ABSL_LOCKS_EXCLUDED(mutex_);

  std::vector<prometheus::MetricFamily> Collect() const override ABSL_LOCKS_EXCLUDED(mutex_);

 private:
  struct Metric {
    Labels labels;
    std::function<void(prometheus::ClientMetric&)> fill;
  };
  struct Family {
    std::string name;
    std::string help;
    prometheus::MetricType type;
    std::vector<Metric> metrics;
  };

  void Add(std::string_view name, std::string_view help, prometheus::MetricType type, Labels labels,
           std::function<void(prometheus::ClientMetric&)> fill) ABSL_LOCKS_EXCLUDED(mutex_);

  mutable Mutex mutex_;
  std::vector<Family> families_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace unipresence

#endif  // UNIPRESENCE_SERVER_METRICS_PROBE_COLLECTOR_H_
