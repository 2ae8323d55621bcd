// A follower as a process of its own, for replication_kill_test: reads a sequence number per line
// from stdin, waits until it holds the server's table at that sequence, prints "user revision"
// lines and "=".

#include <poll.h>

#include <cinttypes>
#include <cstdio>
#include <cstdlib>

#include "clients/cpp/follower.h"

int main(int argc, char** argv) {
  using namespace std::chrono_literals;
  using namespace unipresence;
  if (argc != 3) {
    std::fputs("usage: replication_follower PUBLISH_ADDRESS SNAPSHOT_ADDRESS\n", stderr);
    return 2;
  }
  client::FollowListener listener;
  client::Follower follower({.publish_address = argv[1],
                             .snapshot_address = argv[2],
                             .follow = {.request_timeout = 200ms, .max_backoff = 20ms},
                             .receive_queue_frames = 10,
                             .reconnect_interval = 1ms,
                             .reconnect_max_interval = 10ms},
                            listener);
  if (const absl::Status status = follower.Open(); !status.ok()) {
    std::fprintf(stderr, "%s\n", status.ToString().c_str());
    return 1;
  }
  char line[64];
  while (true) {
    pollfd input{0, POLLIN, 0};
    if (::poll(&input, 1, 0) == 0) {
      follower.Poll(1ms);
      continue;
    }
    if (std::fgets(line, sizeof(line), stdin) == nullptr) return 0;
    const std::uint64_t sequence = std::strtoull(line, nullptr, 10);
    while (!follower.current() || follower.table().sequence() < sequence) follower.Poll(1ms);
    follower.table().ForEach([](const publish::PresenceValue& value) {
      std::printf("%s %" PRIu64 "\n", value.user.c_str(), value.revision);
    });
    std::puts("=");
    std::fflush(stdout);
  }
}
