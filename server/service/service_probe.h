#ifndef UNIPRESENCE_SERVER_SERVICE_SERVICE_PROBE_H_
#define UNIPRESENCE_SERVER_SERVICE_SERVICE_PROBE_H_

// What the gRPC side counts. Thread-safe to read.

#include <array>
#include <cstddef>

#include "aggregator/base/probe.h"
#include "server/service/method.h"

namespace unipresence {

struct ServiceProbe {
  // grpc::StatusCode has the values 0 (OK) to 16 (UNAUTHENTICATED).
  static constexpr std::size_t kCodeCount = 17;

  // Answered rpcs by method and status code; a stream counts when it ends.
  std::array<std::array<SharedCounter, kCodeCount>, kMethodCount> rpcs;

  // Sessions. Written on the pipeline.
  Counter logins;            // sessions created
  SharedCounter bad_logins;  // wrong password or unknown username
  SharedCounter throttled_logins;
  Counter logouts;
  Counter expired_sessions;
  Gauge sessions;         // alive now
  Gauge logged_in_users;  // users with at least one ASSISTANT session

  // Streams. Written on the watch thread.
  Gauge watch_streams;      // open WatchPresences
  Gauge hold_streams;       // open HoldSession
  Gauge call_streams;       // open WatchCalls
  Counter watch_responses;  // written
  Counter watch_updates;    // in these responses
  Counter watch_bytes;      // of these responses
  Counter watch_coalesced;  // changes that a stream was not sent, for they were merged into others
  Counter watch_resets;     // streams told to start over
  Counter watch_resumed;    // streams that got only what they had missed
  SharedCounter watch_dropped_batches;  // batches given up because the watch thread lagged
  Counter watch_initial_values;         // values read for streams that start
  Gauge watch_log_entries;              // changes in the log, and what is kept of older ones
  Gauge watch_log_bytes;                // that the log holds
  SharedCounter refused_streams;        // over a limit
};

}  // namespace unipresence

#endif  // UNIPRESENCE_SERVER_SERVICE_SERVICE_PROBE_H_
