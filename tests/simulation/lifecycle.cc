#include "tests/simulation/lifecycle.h"

#include <utility>

namespace unipresence::simulation {

absl::Status Lifecycle::Begin(const Restart& restart, std::function<void(absl::Status)> done) {
  if (!running_) return absl::FailedPreconditionError("the PBX restarts already; wait for its end");
  if (server_.storm() != nullptr) {
    return absl::FailedPreconditionError("a storm is running; wait for its end");
  }
  running_ = false;
  restart_ = restart;
  done_ = std::move(done);
  if (!restart_.clean) {
    Down();
    return absl::OkStatus();
  }
  pbx_.calls().HangupAll();
  server_.SetAccepting(Accepting::kAndClosing);
  After(restart_.stopping, &Lifecycle::Shutdown);
  return absl::OkStatus();
}

absl::Status Lifecycle::GoOn() {
  if (running_) return absl::FailedPreconditionError("the PBX is not being restarted");
  // None is cancelled if the phase has just ended by itself.
  if (timer_.cancel() > 0) (this->*next_)();
  return absl::OkStatus();
}

void Lifecycle::After(std::chrono::milliseconds delay, void (Lifecycle::*next)()) {
  next_ = next;
  timer_.expires_after(delay);
  timer_.async_wait([this](asio::error_code error) {
    if (!error) (this->*next_)();
  });
}

void Lifecycle::Shutdown() {
  pbx_.EmitShutdown(/*restart=*/false);
  Down();
}

void Lifecycle::Down() {
  server_.SetAccepting(Accepting::kNot);
  server_.DropAll(/*flush=*/restart_.clean);
  pbx_.Stopped(restart_.clean);
  After(restart_.down, &Lifecycle::Boot);
}

void Lifecycle::Boot() {
  if (absl::Status status = server_.Open(); !status.ok()) {
    std::exchange(done_, nullptr)(std::move(status));
    return;
  }
  pbx_.Start();
  After(restart_.booting, &Lifecycle::Booted);
}

void Lifecycle::Booted() {
  pbx_.FinishBoot();
  running_ = true;
  std::exchange(done_, nullptr)(absl::OkStatus());
}

}  // namespace unipresence::simulation
