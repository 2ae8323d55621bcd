#ifndef UNIPRESENCE_CLIENTS_CLI_BACKOFF_H_
#define UNIPRESENCE_CLIENTS_CLI_BACKOFF_H_

// The delays between attempts to connect again: 0.1 s, doubled up to `cap`, each between a half and
// the whole of it by chance, so that thousands of clients of a restarted server do not come at once
// (error_reason.proto).

#include <algorithm>
#include <chrono>
#include <random>

#include "absl/status/status.h"

namespace unipresence::cli {

// Would another attempt end the same way?
inline bool EndsTheSameAgain(const absl::Status& status) {
  switch (status.code()) {
    case absl::StatusCode::kUnauthenticated:
    case absl::StatusCode::kPermissionDenied:
    case absl::StatusCode::kInvalidArgument:
    case absl::StatusCode::kNotFound:
    case absl::StatusCode::kUnimplemented:
    case absl::StatusCode::kDataLoss:  // a message that cannot be read
      return true;
    default:
      return false;
  }
}

class Backoff {
 public:
  explicit Backoff(std::chrono::milliseconds cap = std::chrono::seconds(10)) : cap_(cap) {}

  std::chrono::milliseconds Next() {
    const auto whole = std::min(next_, cap_);
    next_ = std::min(next_ * 2, cap_);
    std::uniform_int_distribution<std::chrono::milliseconds::rep> jitter(whole.count() / 2,
                                                                         whole.count());
    return std::chrono::milliseconds(jitter(random_));
  }

  // An attempt succeeded.
  void Reset() { next_ = kFirst; }

 private:
  static constexpr std::chrono::milliseconds kFirst{100};
  const std::chrono::milliseconds cap_;
  std::chrono::milliseconds next_ = kFirst;
  std::minstd_rand random_{std::random_device()()};
};

}  // namespace unipresence::cli

#endif  // UNIPRESENCE_CLIENTS_CLI_BACKOFF_H_
