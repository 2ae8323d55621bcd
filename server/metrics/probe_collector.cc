#include "server/metrics/probe_collector.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <utility>

#include "server/metrics/process_metrics.h"

namespace unipresence {
namespace {

[[noreturn]] void Die(std::string_view name, std::string_view what) {
  fmt::print(stderr, "metric '{}': {}\n", name, what);
  std::abort();
}

bool IsName(std::string_view text, bool with_colon) {
  const auto valid = [&](char c, bool first) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' ||
           (with_colon && c == ':') || (!first && c >= '0' && c <= '9');
  };
  if (text.empty()) return false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (!valid(text[i], i == 0)) return false;
  }
  return true;
}

bool EndsWith(std::string_view text, std::string_view end) {
  return text.size() >= end.size() && text.substr(text.size() - end.size()) == end;
}

// What `promtool check metrics` would complain about, and what the text format cannot carry.
void CheckConventions(std::string_view name, std::string_view help, prometheus::MetricType type,
                      const ProbeCollector::Labels& labels) {
  if (!IsName(name, true)) Die(name, "not a metric name");
  if (help.empty()) Die(name, "no help");
  if ((type == prometheus::MetricType::Counter) != EndsWith(name, "_total")) {
    Die(name, "counters, and only they, end with _total");
  }
  for (const auto& label : labels) {
    if (!IsName(label.name, false) || label.name.substr(0, 2) == "__" || label.name == "le") {
      Die(name, fmt::format("'{}' is not a label name", label.name));
    }
  }
}

}  // namespace

void ProbeCollector::Add(std::string_view name, std::string_view help, prometheus::MetricType type,
                         Labels labels, std::function<void(prometheus::ClientMetric&)> fill) {
  CheckConventions(name, help, type, labels);
  std::sort(labels.begin(), labels.end());
  MutexLock lock(mutex_);
  auto family = std::find_if(families_.begin(), families_.end(),
                             [&](const Family& other) { return other.name == name; });
  if (family == families_.end()) {
    families_.push_back({std::string(name), std::string(help), type, {}});
    family = std::prev(families_.end());
  }
  if (family->type != type || family->help != help) Die(name, "registered with two types or helps");
  for (const Metric& other : family->metrics) {
    if (other.labels == labels) Die(name, "registered twice with the same labels");
  }
  family->metrics.push_back({std::move(labels), std::move(fill)});
}

void ProbeCollector::AddCounter(std::string_view name, std::string_view help, Labels labels,
                                Getter get) {
  Add(name, help, prometheus::MetricType::Counter, std::move(labels),
      [get = std::move(get)](prometheus::ClientMetric& metric) { metric.counter.value = get(); });
}

void ProbeCollector::AddCounter(std::string_view name, std::string_view help, Labels labels,
                                const Counter& counter) {
  AddCounter(name, help, std::move(labels),
             [&counter] { return static_cast<double>(counter.value()); });
}

void ProbeCollector::AddCounter(std::string_view name, std::string_view help, Labels labels,
                                const SharedCounter& counter) {
  AddCounter(name, help, std::move(labels),
             [&counter] { return static_cast<double>(counter.value()); });
}

void ProbeCollector::AddGauge(std::string_view name, std::string_view help, Labels labels,
                              Getter get) {
  Add(name, help, prometheus::MetricType::Gauge, std::move(labels),
      [get = std::move(get)](prometheus::ClientMetric& metric) { metric.gauge.value = get(); });
}

void ProbeCollector::AddGauge(std::string_view name, std::string_view help, Labels labels,
                              const Gauge& gauge) {
  AddGauge(name, help, std::move(labels), [&gauge] { return static_cast<double>(gauge.value()); });
}

void ProbeCollector::AddHistogram(std::string_view name, std::string_view help, Labels labels,
                                  const Histogram& histogram, double unit) {
  // Divided by 1,000,000, 100 us print as 0.0001; multiplied by 1e-6 they would not.
  const double per_unit = std::round(1 / unit);
  Add(name, help, prometheus::MetricType::Histogram, std::move(labels),
      [&histogram, per_unit](prometheus::ClientMetric& metric) {
        const Histogram::Snapshot snapshot = histogram.Read();
        metric.histogram.sample_count = snapshot.count;
        metric.histogram.sample_sum = static_cast<double>(snapshot.sum) / per_unit;
        std::uint64_t below = 0;
        for (std::size_t i = 0; i < snapshot.bounds.size(); ++i) {
          below += snapshot.counts[i];
          metric.histogram.bucket.push_back(
              {below, static_cast<double>(snapshot.bounds[i]) / per_unit});
        }
      });
}

void ProbeCollector::AddBuildInfo(std::string_view version) {
#if defined(__clang__)
  const std::string compiler = fmt::format("clang {}.{}", __clang_major__, __clang_minor__);
#else
  const std::string compiler = fmt::format("gcc {}.{}", __GNUC__, __GNUC_MINOR__);
#endif
  AddGauge("unipresence_build_info", "1; what this server was built from, and with.",
           {{"version", std::string(version)}, {"compiler", compiler}}, [] { return 1.0; });
}

void ProbeCollector::AddProcess() {
  AddCounter("process_cpu_seconds_total", "User and system CPU time spent, in seconds.", {},
             [] { return ReadProcessUsage().cpu_seconds; });
  const auto gauge = [&](const char* name, const char* help, double ProcessUsage::*field) {
    AddGauge(name, help, {}, [field] { return ReadProcessUsage().*field; });
  };
  gauge("process_resident_memory_bytes", "Resident memory, in bytes.",
        &ProcessUsage::resident_bytes);
  gauge("process_virtual_memory_bytes", "Virtual memory, in bytes.", &ProcessUsage::virtual_bytes);
  gauge("process_threads", "Threads.", &ProcessUsage::threads);
  gauge("process_open_fds", "Open file descriptors.", &ProcessUsage::open_descriptors);
  gauge("process_max_fds", "Most file descriptors that may be open.",
        &ProcessUsage::max_descriptors);
  gauge("process_start_time_seconds", "Start of the process, in seconds since 1970.",
        &ProcessUsage::start_time_seconds);
}

void ProbeCollector::Remove(const MetricLabel& label) {
  MutexLock lock(mutex_);
  for (Family& family : families_) {
    std::erase_if(family.metrics, [&](const Metric& metric) {
      return std::find(metric.labels.begin(), metric.labels.end(), label) != metric.labels.end();
    });
  }
  std::erase_if(families_, [](const Family& family) { return family.metrics.empty(); });
}

std::vector<prometheus::MetricFamily> ProbeCollector::Collect() const {
  MutexLock lock(mutex_);
  std::vector<prometheus::MetricFamily> families;
  families.reserve(families_.size());
  for (const Family& family : families_) {
    prometheus::MetricFamily& out = families.emplace_back();
    out.name = family.name;
    out.help = family.help;
    out.type = family.type;
    for (const Metric& metric : family.metrics) {
      prometheus::ClientMetric& sample = out.metric.emplace_back();
      for (const MetricLabel& label : metric.labels) {
        sample.label.push_back({label.name, label.value});
      }
      metric.fill(sample);
    }
  }
  return families;
}

}  // namespace unipresence
