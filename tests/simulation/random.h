#ifndef UNIPRESENCE_TESTS_SIMULATION_RANDOM_H_
#define UNIPRESENCE_TESTS_SIMULATION_RANDOM_H_

// Small random numbers that are the same on every machine and compiler for the same seed
// (splitmix64 by Sebastiano Vigna, public domain).

#include <cstdint>

namespace unipresence::simulation {

class Random {
 public:
  explicit Random(std::uint64_t seed) : state_(seed) {}

  std::uint64_t Next() {
    std::uint64_t z = (state_ += 0x9e3779b97f4a7c15U);
    z = (z ^ (z >> 30U)) * 0xbf58476d1ce4e5b9U;
    z = (z ^ (z >> 27U)) * 0x94d049bb133111ebU;
    return z ^ (z >> 31U);
  }

  // 0 to bound - 1; bound must not be 0.
  std::uint64_t Below(std::uint64_t bound) { return Next() % bound; }

  bool Chance(unsigned percent) { return Below(100) < percent; }

 private:
  std::uint64_t state_;
};

}  // namespace unipresence::simulation

#endif  // UNIPRESENCE_TESTS_SIMULATION_RANDOM_H_
