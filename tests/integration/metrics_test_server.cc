// A MetricsServer with a metric of each type, for prometheus_scrape_test.py: prints the port it
// listens on and serves until its input ends.

#include <fmt/format.h>

#include <cstdio>

#include "server/metrics/metrics_server.h"
#include "server/metrics/probe_collector.h"

int main() {
  using namespace unipresence;
  ProbeCollector collector;
  Readiness readiness;
  SharedCounter lines;
  Gauge depth;
  Histogram latency(kLatencyBoundsMicros);
  collector.AddBuildInfo("0.0.0-test");
  collector.AddProcess();
  collector.AddCounter("unipresence_test_lines_total", "Lines read.", {{"pbx", "main"}}, lines);
  collector.AddGauge("unipresence_test_queue_depth", "Commands waiting.", {}, depth);
  collector.AddHistogram("unipresence_test_latency_seconds", "Read to publish.", {}, latency, 1e-6);
  lines.Add(42);
  depth.Set(7);
  latency.Observe(130, 3);

  auto server = MetricsServer::Start({.listen = "127.0.0.1:0"}, collector, readiness);
  if (!server.ok()) {
    fmt::print(stderr, "{}\n", server.status().ToString());
    return 1;
  }
  fmt::print("{}\n", (*server)->port());
  std::fflush(stdout);
  while (std::getchar() != EOF) {
  }
  return 0;
}
