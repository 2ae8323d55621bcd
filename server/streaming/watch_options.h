#ifndef UNIPRESENCE_SERVER_STREAMING_WATCH_OPTIONS_H_
#define UNIPRESENCE_SERVER_STREAMING_WATCH_OPTIONS_H_

// The bounds of the watch streams.

#include <chrono>
#include <cstddef>

#include "aggregator/base/clock.h"

namespace unipresence {

struct WatchOptions {
  // Streams (WatchPresences and HoldSession) at once. A stream costs about 15 to 40 kB in gRPC.
  std::size_t max_streams = 10'000;
  std::size_t max_streams_per_session = 16;
  // Users of one filtered stream; presence.proto promises 10,000.
  std::size_t max_users = 10'000;
  // Updates in one response, about. presence.proto promises at most 1 MiB.
  std::size_t response_bytes = 64 << 10;
  // Users that one command on the pipeline reads for streams that start: about 0.1 ms.
  std::size_t slice_users = 256;
  // Between two ticks; after a longer time the process stood still, and nobody could be heard.
  Duration longest_pause = std::chrono::seconds(1);
  // A stream without news is sent an empty response this often; presence.proto promises 10 s.
  Duration heartbeat = std::chrono::seconds(8);
  // Changes of all users that are kept, up to a quarter more, about 300 bytes each. A stream within
  // them is sent every change, also one that resumes, which then costs the pipeline nothing; one
  // that is farther behind is sent them merged.
  std::size_t window = 100'000;
  // What is kept for streams that are behind, in entries: one for each user with changes and each
  // place where streams stand, and the user's newest value; about 100 to 500 bytes. Beyond that
  // those streams start over.
  std::size_t max_merged = 1'000'000;
  // Batches that wait for the watch thread. Beyond that they are dropped and all streams start
  // over.
  std::size_t max_waiting_bytes = 64 << 20;
  // Batches are made for this long after the last stream ended, for streams that come back.
  Duration linger = std::chrono::seconds(60);
  // How often the watch thread looks at the clock.
  Duration tick = std::chrono::milliseconds(500);
};

}  // namespace unipresence

#endif  // UNIPRESENCE_SERVER_STREAMING_WATCH_OPTIONS_H_
