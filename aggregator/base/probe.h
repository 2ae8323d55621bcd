#ifndef UNIPRESENCE_AGGREGATOR_BASE_PROBE_H_
#define UNIPRESENCE_AGGREGATOR_BASE_PROBE_H_

// Numbers that a subsystem counts and a scrape reads: the members of the `*_probe` structs.
//
// The owner thread writes, any thread reads, nobody waits: relaxed atomics. A reader may see one
// number a moment before another; a scrape does not mind. metric_collector.h gives them names.
//
//   struct LinkProbe {
//     Counter reconnects;          // only the pipeline counts
//     SharedCounter refused;       // any thread counts
//     Gauge queue_depth;
//     Histogram latency{kLatencyBoundsMicros};  // in microseconds
//   };

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <span>

namespace unipresence {

// Only grows. One writer at a time: an increment is a plain add, not a locked instruction.
class Counter {
 public:
  void Add(std::uint64_t n = 1) {
    value_.store(value_.load(std::memory_order_relaxed) + n, std::memory_order_relaxed);
  }
  std::uint64_t value() const { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<std::uint64_t> value_{0};
};

// Only grows. Any number of writers.
class SharedCounter {
 public:
  void Add(std::uint64_t n = 1) { value_.fetch_add(n, std::memory_order_relaxed); }
  std::uint64_t value() const { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<std::uint64_t> value_{0};
};

// Goes up and down. Any number of writers.
class Gauge {
 public:
  void Set(std::int64_t value) { value_.store(value, std::memory_order_relaxed); }
  void Add(std::int64_t n) { value_.fetch_add(n, std::memory_order_relaxed); }
  std::int64_t value() const { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<std::int64_t> value_{0};
};

// Counts observations in fixed buckets, in integers of a unit that the owner chooses. One writer at
// a time. An observation costs a walk over the bounds: keep the frequent values in the first
// buckets.
class Histogram {
 public:
  static constexpr std::size_t kMaxBounds = 24;

  // A copy for the reader. `counts[i]` observations were above `bounds[i - 1]` and at most
  // `bounds[i]`; the last one counts those above all bounds.
  struct Snapshot {
    std::span<const std::uint64_t> bounds;
    std::array<std::uint64_t, kMaxBounds + 1> counts{};
    std::uint64_t count = 0;  // the sum of `counts`
    std::uint64_t sum = 0;    // of all observed values
  };

  // `bounds` ascending, at most kMaxBounds of them, and living as long as the histogram (a
  // constant).
  explicit constexpr Histogram(std::span<const std::uint64_t> bounds) : bounds_(bounds) {}
  Histogram(const Histogram&) = delete;
  Histogram& operator=(const Histogram&) = delete;

  // `times` equal observations: a batch whose events share one time counts in one step.
  void Observe(std::uint64_t value, std::uint64_t times = 1) {
    std::size_t bucket = 0;
    while (bucket < bounds_.size() && value > bounds_[bucket]) ++bucket;
    Bump(counts_[bucket], times);
    Bump(sum_, value * times);
  }

  // Thread-safe.
  Snapshot Read() const {
    Snapshot snapshot;
    snapshot.bounds = bounds_;
    for (std::size_t i = 0; i <= bounds_.size(); ++i) {
      snapshot.counts[i] = counts_[i].load(std::memory_order_relaxed);
      snapshot.count += snapshot.counts[i];
    }
    snapshot.sum = sum_.load(std::memory_order_relaxed);
    return snapshot;
  }

 private:
  static void Bump(std::atomic<std::uint64_t>& value, std::uint64_t by) {
    value.store(value.load(std::memory_order_relaxed) + by, std::memory_order_relaxed);
  }

  std::span<const std::uint64_t> bounds_;
  std::array<std::atomic<std::uint64_t>, kMaxBounds + 1> counts_{};
  std::atomic<std::uint64_t> sum_{0};
};

// Bounds for latencies in microseconds, from 25 us to 10 s.
inline constexpr std::array<std::uint64_t, 18> kLatencyBoundsMicros = {
    25,     50,     100,     250,     500,     1'000,     2'500,     5'000,     10'000,
    25'000, 50'000, 100'000, 250'000, 500'000, 1'000'000, 2'500'000, 5'000'000, 10'000'000};

}  // namespace unipresence

#endif  // UNIPRESENCE_AGGREGATOR_BASE_PROBE_H_
