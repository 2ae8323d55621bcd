#include "tests/bench/subscribers.h"

#include <chrono>

namespace unipresence::bench {
namespace {

std::int64_t Now() {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(
             std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

}  // namespace

Subscribers::Subscribers(const std::string& endpoint, std::string_view topic, std::size_t count,
                         Decode decode)
    : decode_(std::move(decode)), newest_(count), has_heard_(count) {
  for (std::size_t i = 0; i < count; ++i) {
    zmq::socket_t& socket = sockets_.emplace_back(context_, zmq::socket_type::sub);
    socket.set(zmq::sockopt::rcvhwm, 0);
    socket.set(zmq::sockopt::linger, 0);
    socket.set(zmq::sockopt::subscribe, std::string(topic));
    socket.connect(endpoint);
  }
  thread_ = std::thread([this] { Run(); });
}

Subscribers::~Subscribers() {
  stop_ = true;
  thread_.join();
}

void Subscribers::WaitUntilHeard() {
  while (heard_.load() < sockets_.size()) std::this_thread::yield();
}

void Subscribers::Expect(std::uint64_t first, std::uint64_t last, bool times) {
  arrivals_.assign(times ? last - first + 1 : 0, 0);
  received_ = 0;
  finished_ = 0;
  last_arrival_ = Now();
  keep_times_ = times;
  first_ = first;
  last_.store(last, std::memory_order_release);
}

std::int64_t Subscribers::WaitForLast() {
  std::uint64_t seen = 0;
  std::int64_t since = Now();
  while (finished_.load(std::memory_order_acquire) < sockets_.size()) {
    std::this_thread::sleep_for(std::chrono::microseconds(500));
    if (received_.load() != seen) {
      seen = received_.load();
      since = Now();
    }
    if (Now() - since > 5'000'000'000) break;
  }
  return last_arrival_.load();
}

void Subscribers::Run() {
  std::vector<zmq::pollitem_t> items;
  for (zmq::socket_t& socket : sockets_) items.push_back({socket.handle(), 0, ZMQ_POLLIN, 0});
  zmq::message_t message;
  while (!stop_) {
    zmq::poll(items, std::chrono::milliseconds(100));
    for (std::size_t i = 0; i < items.size(); ++i) {
      if ((items[i].revents & ZMQ_POLLIN) == 0) continue;
      for (int burst = 0; burst < 1000 && sockets_[i].recv(message, zmq::recv_flags::dontwait);
           ++burst) {
        OnMessage(i, message.to_string_view());
      }
    }
  }
}

void Subscribers::OnMessage(std::size_t subscriber, std::string_view message) {
  if (!has_heard_[subscriber]) {
    has_heard_[subscriber] = true;
    ++heard_;
  }
  const Span span = decode_(message);
  if (span.last < span.first) return;
  const std::uint64_t last = last_.load(std::memory_order_acquire);
  const std::uint64_t first = first_.load(std::memory_order_relaxed);
  if (span.last < first) return;
  received_.store(received_.load(std::memory_order_relaxed) + span.last - span.first + 1,
                  std::memory_order_relaxed);
  if (keep_times_ && subscriber == 0) {
    const std::int64_t now = Now();
    for (std::uint64_t update = span.first; update <= span.last && update <= last; ++update) {
      if (update >= first) arrivals_[update - first] = now;
    }
  }
  if (newest_[subscriber] < last && span.last >= last) {
    last_arrival_ = Now();
    ++finished_;
  }
  newest_[subscriber] = span.last;
}

}  // namespace unipresence::bench
