#include "aggregator/base/probe.h"

#include <gtest/gtest.h>

#include <array>
#include <cstdint>
#include <limits>
#include <thread>
#include <vector>

namespace unipresence {
namespace {

constexpr std::array<std::uint64_t, 3> kBounds = {10, 20, 40};

TEST(HistogramTest, BoundsAreInclusiveAndTheRestIsCountedToo) {
  Histogram histogram(kBounds);
  for (const std::uint64_t value : {0u, 10u, 11u, 20u, 21u, 40u, 41u, 1'000'000u}) {
    histogram.Observe(value);
  }
  const Histogram::Snapshot snapshot = histogram.Read();
  EXPECT_EQ(snapshot.counts[0], 2u);
  EXPECT_EQ(snapshot.counts[1], 2u);
  EXPECT_EQ(snapshot.counts[2], 2u);
  EXPECT_EQ(snapshot.counts[3], 2u);
  EXPECT_EQ(snapshot.count, 8u);
  EXPECT_EQ(snapshot.sum, 1'000'143u);
}

TEST(HistogramTest, CountsEqualObservationsInOneStep) {
  Histogram histogram(kBounds);
  histogram.Observe(15, 100);
  histogram.Observe(15, 0);
  EXPECT_EQ(histogram.Read().counts[1], 100u);
  EXPECT_EQ(histogram.Read().count, 100u);
  EXPECT_EQ(histogram.Read().sum, 1500u);
}

TEST(HistogramTest, AnEmptyOneIsAllZero) {
  Histogram histogram(kBounds);
  EXPECT_EQ(histogram.Read().count, 0u);
  EXPECT_EQ(histogram.Read().sum, 0u);
  EXPECT_EQ(histogram.Read().bounds.size(), 3u);
}

TEST(HistogramTest, AReaderSeesItGrowOnly) {
  Histogram histogram(kLatencyBoundsMicros);
  std::thread writer([&] {
    for (std::uint64_t i = 0; i < 200'000; ++i) histogram.Observe(i % 1000);
  });
  std::uint64_t last = 0;
  while (last < 200'000) {
    const std::uint64_t count = histogram.Read().count;
    ASSERT_GE(count, last);
    last = count;
  }
  writer.join();
  EXPECT_EQ(histogram.Read().count, 200'000u);
}

TEST(HistogramTest, TheLatencyBoundsAscend) {
  for (std::size_t i = 1; i < kLatencyBoundsMicros.size(); ++i) {
    EXPECT_LT(kLatencyBoundsMicros[i - 1], kLatencyBoundsMicros[i]);
  }
  EXPECT_LE(kLatencyBoundsMicros.size(), Histogram::kMaxBounds);
}

TEST(SharedCounterTest, LosesNothingOfManyWriters) {
  SharedCounter counter;
  std::vector<std::thread> writers;
  for (int t = 0; t < 4; ++t) {
    writers.emplace_back([&] {
      for (int i = 0; i < 10'000; ++i) counter.Add();
    });
  }
  for (std::thread& writer : writers) writer.join();
  EXPECT_EQ(counter.value(), 40'000u);
}

TEST(CounterTest, AddsUp) {
  Counter counter;
  counter.Add();
  counter.Add(41);
  EXPECT_EQ(counter.value(), 42u);
}

TEST(GaugeTest, GoesUpAndDown) {
  Gauge gauge;
  gauge.Set(5);
  gauge.Add(-7);
  EXPECT_EQ(gauge.value(), -2);
}

}  // namespace
}  // namespace unipresence
