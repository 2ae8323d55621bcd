#ifndef UNIPRESENCE_AGGREGATOR_BASE_METRIC_COLLECTOR_H_
#define UNIPRESENCE_AGGREGATOR_BASE_METRIC_COLLECTOR_H_

// Where a room gives its numbers names: each has a function RegisterMetrics beside its probe
// (probe.h). What is behind it reads them at each scrape (server/metrics/probe_collector.h).
//
//   void RegisterMetrics(MetricCollector& collector, const LinkProbe& probe) {
//     const MetricGroup group(collector);
//     group.Counter("unipresence_link_reconnects_total", "Connections made anew.",
//                   probe.reconnects);
//   }
//
// Names: unipresence_<room>_<what>[_<unit>], base units (seconds, bytes); counters, and only they,
// end with _total. Labels: from the configuration (a PBX) or the code (a reason), never from users,
// devices or sessions.

#include <compare>
#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "aggregator/base/probe.h"

namespace unipresence {

struct MetricLabel {
  std::string name;
  std::string value;
  auto operator<=>(const MetricLabel&) const = default;
};

class MetricCollector {
 public:
  using Labels = std::vector<MetricLabel>;
  // Called at each scrape, on any thread; must neither block nor throw.
  using Getter = std::function<double()>;

  virtual ~MetricCollector() = default;

  // What is read must outlive the collector.
  virtual void AddCounter(std::string_view name, std::string_view help, Labels labels,
                          Getter get) = 0;
  virtual void AddGauge(std::string_view name, std::string_view help, Labels labels,
                        Getter get) = 0;
  // `unit`: what one of the histogram's integers is in the unit of the name, 1 or a simple
  // fraction: 1e-6 for a histogram of microseconds whose name ends with _seconds.
  virtual void AddHistogram(std::string_view name, std::string_view help, Labels labels,
                            const Histogram& histogram, double unit) = 0;
};

// Numbers of equal labels.
class MetricGroup {
 public:
  explicit MetricGroup(MetricCollector& collector, MetricCollector::Labels labels = {})
      : collector_(collector), labels_(std::move(labels)) {}

  // `cell` is a Counter, SharedCounter or Gauge.
  template <typename Cell>
  void Counter(std::string_view name, std::string_view help, const Cell& cell) const {
    collector_.AddCounter(name, help, labels_,
                          [&cell] { return static_cast<double>(cell.value()); });
  }
  template <typename Cell>
  void Gauge(std::string_view name, std::string_view help, const Cell& cell) const {
    collector_.AddGauge(name, help, labels_, [&cell] { return static_cast<double>(cell.value()); });
  }
  void GaugeOf(std::string_view name, std::string_view help, MetricCollector::Getter get) const {
    collector_.AddGauge(name, help, labels_, std::move(get));
  }
  // A histogram of microseconds.
  void Micros(std::string_view name, std::string_view help, const Histogram& histogram) const {
    collector_.AddHistogram(name, help, labels_, histogram, 1e-6);
  }

 private:
  MetricCollector& collector_;
  const MetricCollector::Labels labels_;
};

}  // namespace unipresence

#endif  // UNIPRESENCE_AGGREGATOR_BASE_METRIC_COLLECTOR_H_
