#ifndef UNIPRESENCE_TESTS_TESTING_FAKE_CLOCK_H_
#define UNIPRESENCE_TESTS_TESTING_FAKE_CLOCK_H_

// A clock whose hands the test turns. Thread-safe.

#include <atomic>

#include "aggregator/base/clock.h"

namespace unipresence::testing {

class FakeClock final : public Clock {
 public:
  MonotonicTime Now() const override { return MonotonicTime(Duration(nanoseconds_.load())); }
  WallTimeMicros WallNow() const override { return kWallStart + nanoseconds_.load() / 1000; }
  void Advance(Duration by) { nanoseconds_.fetch_add(by.count()); }

  static constexpr WallTimeMicros kWallStart = 1'700'000'000'000'000;

 private:
  std::atomic<std::int64_t> nanoseconds_{1'000'000'000};
};

}  // namespace unipresence::testing

#endif  // UNIPRESENCE_TESTS_TESTING_FAKE_CLOCK_H_
