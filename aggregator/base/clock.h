#ifndef UNIPRESENCE_AGGREGATOR_BASE_CLOCK_H_
#define UNIPRESENCE_AGGREGATOR_BASE_CLOCK_H_

// Time as the server sees it: a monotonic clock for deadlines and a wall clock for what people
// read.
//
// Every component takes a `Clock&` or a `MonotonicTime` argument; none asks the system itself, so
// that tests turn the hands (tests/testing/fake_clock.h).

#include <chrono>
#include <cstdint>

namespace unipresence {

// A point on the monotonic clock. Only differences mean something.
using MonotonicTime = std::chrono::time_point<std::chrono::steady_clock, std::chrono::nanoseconds>;
using Duration = std::chrono::nanoseconds;

// Microseconds since 1970-01-01 UTC.
using WallTimeMicros = std::int64_t;

// Thread-safe.
class Clock {
 public:
  virtual ~Clock() = default;
  virtual MonotonicTime Now() const = 0;
  virtual WallTimeMicros WallNow() const = 0;

  // The system's clocks; lives for ever.
  static const Clock& System();
};

}  // namespace unipresence

#endif  // UNIPRESENCE_AGGREGATOR_BASE_CLOCK_H_
