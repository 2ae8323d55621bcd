#ifndef UNIPRESENCE_TESTS_TESTING_PASSING_TIME_H_
#define UNIPRESENCE_TESTS_TESTING_PASSING_TIME_H_

// For what happens after a while although another thread may be busy at any single moment: while it
// lives a fake clock runs by itself, faster than a real one.

#include <chrono>
#include <stop_token>
#include <thread>

#include "tests/testing/fake_clock.h"

namespace unipresence::testing {

class PassingTime {
 public:
  // `clock` must outlive it.
  explicit PassingTime(FakeClock& clock)
      : thread_([&clock](const std::stop_token& stop) {
          while (!stop.stop_requested()) {
            clock.Advance(std::chrono::milliseconds(10));
            std::this_thread::yield();
          }
        }) {}

 private:
  std::jthread thread_;
};

}  // namespace unipresence::testing

#endif  // UNIPRESENCE_TESTS_TESTING_PASSING_TIME_H_
