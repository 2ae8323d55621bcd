#ifndef UNIPRESENCE_TESTS_TESTING_VIRTUAL_DRIVER_H_
#define UNIPRESENCE_TESTS_TESTING_VIRTUAL_DRIVER_H_

// Drives a session without a socket: the test says what comes and when, and takes what is sent.
//
//   VirtualDriver driver(config, handler, clock);
//   driver.Start();
//   driver.Connects();
//   driver.Says("Asterisk Call Manager/11.0.0\r\n");
//   while (const auto action = driver.TakeAction()) driver.Says(asterisk.Answer(*action));

#include <cstring>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "absl/status/status.h"
#include "aggregator/ami/session_driver.h"

namespace unipresence::testing {

class VirtualDriver final : public ami::SessionDriver, private ami::SessionTransport {
 public:
  // `handler` and `clock` must outlive it. `seed` makes the ActionIDs and the waiting times.
  VirtualDriver(ami::PbxConfig config, ami::SessionHandler& handler, const Clock& clock,
                std::uint64_t seed = 1)
      : config_(std::move(config)),
        clock_(clock),
        session_(config_, *this, handler, probe_, clock,
                 [seed]() mutable { return seed += 0x9e3779b97f4a7c15U; }) {}
  ~VirtualDriver() override { session_.Stop(); }

  // SessionDriver.
  absl::Status Check(const ami::PbxConfig&) const override { return absl::OkStatus(); }
  absl::Status Start() override {
    session_.Start();
    return absl::OkStatus();
  }
  void Stop() override { session_.Stop(); }
  void SetConfig(ami::PbxConfig config) override { config_ = std::move(config); }
  ami::Session& session() override { return session_; }
  const ami::AmiProbe& probe() const override { return probe_; }

  // --- What happens -----------------------------------------------------------------------------

  void Connects() {
    connecting_ = false;
    open_ = true;
    session_.OnConnected();
  }
  void Closes(const absl::Status& reason = absl::OkStatus()) {
    if (!open_ && !connecting_) return;
    Close();
    session_.OnClosed(reason);
  }
  // These bytes come as one read.
  void Says(std::string_view bytes) {
    if (!open_ || bytes.empty()) return;
    std::memcpy(session_.PrepareRead(bytes.size()).data(), bytes.data(), bytes.size());
    session_.OnRead(bytes.size());
  }
  // When the session next wants to be woken; Wakes() does so, if it is time.
  MonotonicTime next_deadline() const { return session_.NextDeadline(); }
  void Wakes() {
    if (session_.NextDeadline() <= clock_.Now()) session_.OnTime();
  }

  // --- What was seen ----------------------------------------------------------------------------

  bool connecting() const { return connecting_; }
  bool open() const { return open_; }
  const ami::PbxConfig& config() const { return config_; }
  // The oldest action that was sent and not taken, as the lines of its headers.
  std::optional<std::string> TakeAction() {
    const std::size_t end = sent_.find("\r\n\r\n", taken_);
    if (end == std::string::npos) return std::nullopt;
    std::string action = sent_.substr(taken_, end + 2 - taken_);
    taken_ = end + 4;
    if (taken_ == sent_.size()) {
      sent_.clear();
      taken_ = 0;
    }
    return action;
  }
  // While true nothing that is sent goes out.
  void RefuseWrites(bool refuse) { refuse_writes_ = refuse; }

 private:
  // SessionTransport.
  void Connect() override { connecting_ = true; }
  bool Write(std::string_view bytes) override {
    if (refuse_writes_) return false;
    sent_.append(bytes);
    probe_.bytes_sent.Add(bytes.size());
    return true;
  }
  void Close() override {
    open_ = connecting_ = false;
    sent_.clear();
    taken_ = 0;
  }

  ami::PbxConfig config_;
  const Clock& clock_;
  ami::AmiProbe probe_;
  bool connecting_ = false;
  bool open_ = false;
  bool refuse_writes_ = false;
  std::string sent_;
  std::size_t taken_ = 0;
  ami::Session session_;  // last: it speaks to the rest
};

}  // namespace unipresence::testing

#endif  // UNIPRESENCE_TESTS_TESTING_VIRTUAL_DRIVER_H_
