#ifndef UNIPRESENCE_TESTS_TESTING_PUBLISHER_THREAD_H_
#define UNIPRESENCE_TESTS_TESTING_PUBLISHER_THREAD_H_

// A publisher and its table on a thread of their own, as in the server. The test runs functions on
// it.

#include <gtest/gtest.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <functional>
#include <future>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "aggregator/base/clock.h"
#include "aggregator/base/mutex.h"
#include "aggregator/publish/publisher.h"
#include "tests/testing/fake_presence_table.h"

namespace unipresence::testing {

class PublisherThread {
 public:
  struct Server {
    FakePresenceTable& table;
    publish::Publisher& publisher;
  };
  using Task = std::function<void(Server&)>;

  explicit PublisherThread(std::uint64_t epoch, publish::PublisherOptions options = {})
      : epoch_(epoch), options_(std::move(options)), wake_fd_(::eventfd(0, EFD_NONBLOCK)) {
    std::promise<void> bound;
    std::future<void> is_bound = bound.get_future();
    thread_ = std::thread([this, &bound] { Loop(bound); });
    is_bound.wait();
  }
  ~PublisherThread() {
    stop_ = true;
    Wake();
    thread_.join();
    ::close(wake_fd_);
  }
  PublisherThread(const PublisherThread&) = delete;
  PublisherThread& operator=(const PublisherThread&) = delete;

  const std::string& publish_endpoint() const { return publish_endpoint_; }
  const std::string& snapshot_endpoint() const { return snapshot_endpoint_; }

  // Runs it between two reads, and waits until it has run.
  void Run(const Task& task) {
    std::promise<void> ran;
    {
      MutexLock lock(mutex_);
      tasks_.emplace_back([&](Server& server) {
        task(server);
        ran.set_value();
      });
    }
    Wake();
    ran.get_future().wait();
  }

  // While set, it runs again and again, about each millisecond; null ends it, and has ended it when
  // this returns.
  void SetStorm(Task storm) {
    Run([&](Server&) { storm_ = std::move(storm); });
  }

  FakePresenceTable::Values values() {
    FakePresenceTable::Values values;
    Run([&](Server& server) { values = server.table.values(); });
    return values;
  }
  std::uint64_t sequence() {
    std::uint64_t sequence = 0;
    Run([&](Server& server) { sequence = server.table.sequence(); });
    return sequence;
  }

 private:
  void Wake() {
    const std::uint64_t one = 1;
    EXPECT_EQ(::write(wake_fd_, &one, sizeof(one)), 8);
  }

  void Loop(std::promise<void>& bound) {
    const Clock& clock = Clock::System();
    publish::Publisher publisher(options_, clock);
    FakePresenceTable table(epoch_, &publisher);
    const absl::Status status = publisher.Bind(table);
    EXPECT_TRUE(status.ok()) << status;
    publish_endpoint_ = publisher.publish_endpoint();
    snapshot_endpoint_ = publisher.snapshot_endpoint();
    bound.set_value();
    Server server{table, publisher};
    while (!stop_) {
      RunTasks(server);
      if (storm_) storm_(server);
      if (clock.Now() >= publisher.next_timer()) publisher.OnTimer(clock.Now());
      const bool more = publisher.HandleEvents();
      const auto until_timer =
          std::chrono::ceil<std::chrono::milliseconds>(publisher.next_timer() - clock.Now());
      const int wait = more || until_timer.count() <= 0 ? 0 : static_cast<int>(until_timer.count());
      pollfd fds[] = {{publisher.publish_fd(), POLLIN, 0},
                      {publisher.snapshot_fd(), POLLIN, 0},
                      {wake_fd_, POLLIN, 0}};
      ::poll(fds, 3, storm_ ? std::min(wait, 1) : wait);
      std::uint64_t ignored = 0;
      [[maybe_unused]] const ssize_t got = ::read(wake_fd_, &ignored, sizeof(ignored));
    }
  }

  void RunTasks(Server& server) {
    std::vector<Task> tasks;
    {
      MutexLock lock(mutex_);
      tasks.swap(tasks_);
    }
    for (const Task& task : tasks) {
      task(server);
      server.publisher.Flush();
    }
  }

  const std::uint64_t epoch_;
  const publish::PublisherOptions options_;
  const int wake_fd_;
  std::string publish_endpoint_;
  std::string snapshot_endpoint_;
  Mutex mutex_;
  std::vector<Task> tasks_ ABSL_GUARDED_BY(mutex_);
  Task storm_;  // of the thread
  std::atomic<bool> stop_{false};
  std::thread thread_;
};

}  // namespace unipresence::testing

#endif  // UNIPRESENCE_TESTS_TESTING_PUBLISHER_THREAD_H_
