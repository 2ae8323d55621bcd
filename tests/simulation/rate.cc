#include "tests/simulation/rate.h"

#include <algorithm>
#include <chrono>
#include <utility>

namespace unipresence::simulation {

absl::Status Rate::Start(std::vector<EndpointId> devices, std::uint64_t events, double per_second,
                         DeviceState first, DeviceState second, std::function<void(double)> done) {
  if (done_ != nullptr) return absl::FailedPreconditionError("a rate is running; wait for its end");
  devices_ = std::move(devices);
  events_ = events;
  sent_ = 0;
  per_second_ = per_second;
  first_ = first;
  second_ = second;
  done_ = std::move(done);
  started_ = asio::steady_timer::clock_type::now();
  Tick();
  return absl::OkStatus();
}

void Rate::Tick() {
  using Seconds = std::chrono::duration<double>;
  const Seconds passed = asio::steady_timer::clock_type::now() - started_;
  const auto due = std::min(events_, static_cast<std::uint64_t>(passed.count() * per_second_) + 1);
  for (; sent_ < due; ++sent_) {
    const EndpointId phone = devices_[static_cast<std::size_t>(sent_ % devices_.size())];
    pbx_.phones().Report(phone, pbx_.phones().Reported(phone) == first_ ? second_ : first_);
  }
  if (sent_ == events_) {
    std::exchange(done_, nullptr)(passed.count());
    return;
  }
  const Seconds next(static_cast<double>(sent_) / per_second_);
  timer_.expires_at(started_ +
                    std::chrono::duration_cast<asio::steady_timer::clock_type::duration>(next));
  timer_.async_wait([this](asio::error_code error) {
    if (!error) Tick();
  });
}

}  // namespace unipresence::simulation
