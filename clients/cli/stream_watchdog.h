#ifndef UNIPRESENCE_CLIENTS_CLI_STREAM_WATCHDOG_H_
#define UNIPRESENCE_CLIENTS_CLI_STREAM_WATCHDOG_H_

// Cancels a stream on which nothing came for too long: a link that died without a word would else
// block its reader for ever. Thread-safe.

#include <grpcpp/client_context.h>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <thread>

namespace unipresence::cli {

class StreamWatchdog {
 public:
  // `context` must outlive it.
  StreamWatchdog(grpc::ClientContext& context, std::chrono::nanoseconds patience)
      : patience_(patience), thread_([this, &context](std::stop_token stop) {
          std::unique_lock lock(mutex_);
          while (!stop.stop_requested()) {
            const auto deadline = heard_.load() + patience_;
            if (std::chrono::steady_clock::now() >= deadline) {
              barked_ = true;
              context.TryCancel();
              return;
            }
            changed_.wait_until(lock, stop, deadline, [] { return false; });
          }
        }) {}

  // Something came.
  void Kick() { heard_ = std::chrono::steady_clock::now(); }

  // It cancelled the stream.
  bool barked() const { return barked_; }

 private:
  const std::chrono::nanoseconds patience_;
  std::atomic<std::chrono::steady_clock::time_point> heard_{std::chrono::steady_clock::now()};
  std::atomic<bool> barked_{false};
  std::mutex mutex_;
  std::condition_variable_any changed_;
  std::jthread thread_;  // the last member: it uses the others
};

}  // namespace unipresence::cli

#endif  // UNIPRESENCE_CLIENTS_CLI_STREAM_WATCHDOG_H_
