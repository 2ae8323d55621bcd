#include "server/metrics/probe_collector.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <ctime>
#include <sstream>
#include <string>

#include "prometheus/text_serializer.h"

namespace unipresence {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

std::string TextOf(const ProbeCollector& collector) {
  std::ostringstream text;
  prometheus::TextSerializer().Serialize(text, collector.Collect());
  return text.str();
}

TEST(ProbeCollectorTest, ReadsTheValuesAtEachScrape) {
  ProbeCollector collector;
  Counter commands;
  SharedCounter refused;
  Gauge depth;
  double synced = 0;
  collector.AddCounter("unipresence_store_commands_total", "Commands run.", {}, commands);
  collector.AddCounter("unipresence_refused_total", "Refused.", {{"reason", "full"}}, refused);
  collector.AddGauge("unipresence_store_queue_depth", "Commands waiting.", {}, depth);
  collector.AddGauge("unipresence_pbx_synced", "1 = synced.", {{"pbx", "main"}},
                     [&] { return synced; });
  EXPECT_THAT(TextOf(collector), HasSubstr("unipresence_store_commands_total 0\n"));

  commands.Add(3);
  refused.Add(2);
  depth.Set(-7);
  synced = 1;
  EXPECT_THAT(TextOf(collector),
              AllOf(HasSubstr("# HELP unipresence_store_commands_total Commands run.\n"
                              "# TYPE unipresence_store_commands_total counter\n"
                              "unipresence_store_commands_total 3\n"),
                    HasSubstr("unipresence_refused_total{reason=\"full\"} 2\n"),
                    HasSubstr("# TYPE unipresence_store_queue_depth gauge\n"
                              "unipresence_store_queue_depth -7\n"),
                    HasSubstr("unipresence_pbx_synced{pbx=\"main\"} 1\n")));
}

TEST(ProbeCollectorTest, ARoomNamesItsNumbers) {
  ProbeCollector collector;
  Counter reconnects;
  Gauge depth;
  Histogram latency(kLatencyBoundsMicros);
  const MetricGroup group(collector, {{"pbx", "main"}});
  group.Counter("unipresence_link_reconnects_total", "Reconnects.", reconnects);
  group.Gauge("unipresence_link_queue_depth", "Waiting.", depth);
  group.GaugeOf("unipresence_link_up", "1 = up.", [] { return 1.0; });
  group.Micros("unipresence_link_latency_seconds", "Latency.", latency);
  reconnects.Add(3);
  depth.Set(4);
  latency.Observe(2'000'000);
  EXPECT_THAT(TextOf(collector),
              AllOf(HasSubstr("unipresence_link_reconnects_total{pbx=\"main\"} 3\n"),
                    HasSubstr("unipresence_link_queue_depth{pbx=\"main\"} 4\n"),
                    HasSubstr("unipresence_link_up{pbx=\"main\"} 1\n"),
                    HasSubstr("unipresence_link_latency_seconds_sum{pbx=\"main\"} 2\n")));
}

TEST(ProbeCollectorTest, MetricsOfOneNameAreOneFamily) {
  ProbeCollector collector;
  for (const char* pbx : {"east", "west"}) {
    collector.AddGauge("unipresence_pbx_synced", "1 = synced.", {{"pbx", pbx}}, [] { return 1.0; });
  }
  const auto families = collector.Collect();
  ASSERT_EQ(families.size(), 1u);
  EXPECT_EQ(families[0].metric.size(), 2u);
}

TEST(ProbeCollectorTest, HistogramsAreCumulativeAndInTheUnitOfTheName) {
  constexpr std::array<std::uint64_t, 2> kBounds = {100, 1'000};
  ProbeCollector collector;
  Histogram latency(kBounds);
  collector.AddHistogram("unipresence_publish_latency_seconds", "Read to publish.", {}, latency,
                         1e-6);
  latency.Observe(50);
  latency.Observe(60);
  latency.Observe(500);
  latency.Observe(2'000'000);
  EXPECT_THAT(TextOf(collector),
              AllOf(HasSubstr("# TYPE unipresence_publish_latency_seconds histogram\n"),
                    HasSubstr("unipresence_publish_latency_seconds_bucket{le=\"0.0001\"} 2\n"),
                    HasSubstr("unipresence_publish_latency_seconds_bucket{le=\"0.001\"} 3\n"),
                    HasSubstr("unipresence_publish_latency_seconds_bucket{le=\"+Inf\"} 4\n"),
                    HasSubstr("unipresence_publish_latency_seconds_count 4\n"),
                    HasSubstr("unipresence_publish_latency_seconds_sum 2.00061")));
}

TEST(ProbeCollectorTest, LabelValuesAreEscaped) {
  ProbeCollector collector;
  collector.AddGauge("unipresence_x", "X.", {{"pbx", "a\"b\\c\nd"}}, [] { return 1.0; });
  EXPECT_THAT(TextOf(collector), HasSubstr("unipresence_x{pbx=\"a\\\"b\\\\c\\nd\"} 1\n"));
}

TEST(ProbeCollectorTest, TellsTheBuild) {
  ProbeCollector collector;
  collector.AddBuildInfo("1.2.3");
  EXPECT_THAT(TextOf(collector), AllOf(HasSubstr("unipresence_build_info{compiler=\""),
                                       HasSubstr("version=\"1.2.3\"} 1\n")));
}

TEST(ProbeCollectorTest, TellsAboutTheProcess) {
  ProbeCollector collector;
  collector.AddProcess();
  std::map<std::string, double> values;
  for (const auto& family : collector.Collect()) {
    values[family.name] = family.metric[0].gauge.value + family.metric[0].counter.value;
  }
  EXPECT_GT(values["process_resident_memory_bytes"], 1e-6);
  EXPECT_GT(values["process_virtual_memory_bytes"], values["process_resident_memory_bytes"]);
  EXPECT_GE(values["process_threads"], 1);
  EXPECT_GE(values["process_open_fds"], 3);
  EXPECT_GT(values["process_max_fds"], values["process_open_fds"]);
  EXPECT_GE(values["process_cpu_seconds_total"], 0);
  EXPECT_LT(values["process_cpu_seconds_total"], 3600);
  // It started within the last hour, up to the coarseness of the kernel's boot time.
  EXPECT_NEAR(values["process_start_time_seconds"], static_cast<double>(std::time(nullptr)), 3600);
}

using ProbeCollectorDeathTest = ::testing::Test;

TEST(ProbeCollectorDeathTest, DefectsOfTheCodeDieLoudly) {
  ::testing::FLAGS_gtest_death_test_style = "threadsafe";
  Counter counter;
  Gauge gauge;
  const auto get = [] { return 0.0; };
  EXPECT_DEATH(ProbeCollector().AddGauge("a-b", "X.", {}, gauge), "a-b.*not a metric name");
  EXPECT_DEATH(ProbeCollector().AddGauge("", "X.", {}, gauge), "not a metric name");
  EXPECT_DEATH(ProbeCollector().AddGauge("a", "", {}, gauge), "no help");
  EXPECT_DEATH(ProbeCollector().AddCounter("a", "X.", {}, counter), "_total");
  EXPECT_DEATH(ProbeCollector().AddGauge("a_total", "X.", {}, gauge), "_total");
  EXPECT_DEATH(ProbeCollector().AddGauge("a", "X.", {{"le", "1"}}, get), "label");
  EXPECT_DEATH(ProbeCollector().AddGauge("a", "X.", {{"1x", "1"}}, get), "label");
  EXPECT_DEATH(
      {
        ProbeCollector twice;
        twice.AddGauge("a", "X.", {{"x", "1"}, {"y", "2"}}, get);
        twice.AddGauge("a", "X.", {{"y", "2"}, {"x", "1"}}, get);
      },
      "twice with the same labels");
  EXPECT_DEATH(
      {
        ProbeCollector helps;
        helps.AddGauge("a", "X.", {{"x", "1"}}, get);
        helps.AddGauge("a", "Y.", {{"x", "2"}}, get);
      },
      "two types or helps");
}

}  // namespace
}  // namespace unipresence
