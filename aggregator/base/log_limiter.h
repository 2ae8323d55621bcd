#ifndef UNIPRESENCE_AGGREGATOR_BASE_LOG_LIMITER_H_
#define UNIPRESENCE_AGGREGATOR_BASE_LOG_LIMITER_H_

// Keeps a recurring trouble from filling the log: one line a minute, which counts what was kept
// quiet. One limiter for each cause.
//
//   if (const auto quiet = limiter.Admit(clock.Now())) {
//     spdlog::warn("store: {}{}", why, QuietNote(*quiet));
//   }
//
// Not thread-safe.

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>

#include "aggregator/base/clock.h"

namespace unipresence {

class LogLimiter {
 public:
  explicit LogLimiter(Duration period = std::chrono::minutes(1)) : period_(period) {}

  // nullopt: keep quiet. Otherwise write a line; the value is how many times were kept quiet since
  // the line before.
  std::optional<std::uint64_t> Admit(MonotonicTime now) {
    if (next_ && now < *next_) {
      ++quiet_;
      return std::nullopt;
    }
    next_ = now + period_;
    return std::exchange(quiet_, 0);
  }

  // The trouble is over: the next one is told at once.
  void Reset() {
    next_.reset();
    quiet_ = 0;
  }

 private:
  Duration period_;
  std::optional<MonotonicTime> next_;
  std::uint64_t quiet_ = 0;
};

// What a line adds for those kept quiet: "" for 0, or " (12 more since the last such line)".
std::string QuietNote(std::uint64_t quiet);

}  // namespace unipresence

#endif  // UNIPRESENCE_AGGREGATOR_BASE_LOG_LIMITER_H_
