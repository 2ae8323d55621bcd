#ifndef UNIPRESENCE_TESTS_SIMULATION_SESSION_OUTPUT_H_
#define UNIPRESENCE_TESTS_SIMULATION_SESSION_OUTPUT_H_

// An AmiOutput that keeps what a session says; lists are run to their end at once.

#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "tests/simulation/ami_session.h"

namespace unipresence::simulation {

class SessionOutput : public AmiOutput {
 public:
  void Write(std::string_view bytes) override { bytes_.append(bytes); }
  void Stream(RowProducer rows) override {
    while (rows(bytes_)) {
    }
  }
  void CloseAfter(Duration delay, std::string last_words) override {
    close_delay_ = delay;
    bytes_.append(last_words);
  }
  std::optional<DeviceState> Heard(EndpointId /*phone*/) const override { return std::nullopt; }

  const std::string& bytes() const { return bytes_; }
  // Nullopt while the connection is to stay open.
  std::optional<Duration> close_delay() const { return close_delay_; }

  // What was said since the last call.
  std::string Take() { return std::exchange(bytes_, {}); }

 private:
  std::string bytes_;
  std::optional<Duration> close_delay_;
};

}  // namespace unipresence::simulation

#endif  // UNIPRESENCE_TESTS_SIMULATION_SESSION_OUTPUT_H_
