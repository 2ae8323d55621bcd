#ifndef UNIPRESENCE_TESTS_BENCH_SUBSCRIBERS_H_
#define UNIPRESENCE_TESTS_BENCH_SUBSCRIBERS_H_

// N ZeroMQ subscribers on one thread with a context of their own, which note when the last of them
// got the last update of a run, and, if asked, when each update came to the first of them.

#include <atomic>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <thread>
#include <vector>
#include <zmq.hpp>

namespace unipresence::bench {

// What a message holds: updates `first` to `last`; last < first for none.
struct Span {
  std::uint64_t first = 1;
  std::uint64_t last = 0;
};
using Decode = std::function<Span(std::string_view message)>;

class Subscribers {
 public:
  Subscribers(const std::string& endpoint, std::string_view topic, std::size_t count,
              Decode decode);
  ~Subscribers();
  Subscribers(const Subscribers&) = delete;
  Subscribers& operator=(const Subscribers&) = delete;

  // All of them heard something: their subscriptions are in force.
  void WaitUntilHeard();

  // From now on updates up to `last` are awaited; times of arrival are kept for those from `first`
  // on if `times`. Call it before the first of them is sent.
  void Expect(std::uint64_t first, std::uint64_t last, bool times);
  // Waits until every subscriber has got `last`, or nothing came for five seconds; returns the
  // steady clock's nanoseconds at which the last one did.
  std::int64_t WaitForLast();

  // Updates that came since Expect, over all subscribers.
  std::uint64_t received() const { return received_.load(); }
  // By update, 0 where none came. After WaitForLast.
  const std::vector<std::int64_t>& arrivals() const { return arrivals_; }

 private:
  void Run();
  void OnMessage(std::size_t subscriber, std::string_view message);

  zmq::context_t context_{1};
  std::vector<zmq::socket_t> sockets_;
  Decode decode_;
  std::atomic<bool> stop_{false};
  std::atomic<std::uint64_t> first_{0};
  std::atomic<std::uint64_t> last_{~std::uint64_t{0}};
  std::atomic<bool> keep_times_{false};
  std::atomic<std::size_t> heard_{0};
  std::atomic<std::size_t> finished_{0};
  std::atomic<std::uint64_t> received_{0};
  std::atomic<std::int64_t> last_arrival_{0};
  std::vector<std::uint64_t> newest_;  // by subscriber
  std::vector<bool> has_heard_;
  std::vector<std::int64_t> arrivals_;
  std::thread thread_;
};

}  // namespace unipresence::bench

#endif  // UNIPRESENCE_TESTS_BENCH_SUBSCRIBERS_H_
