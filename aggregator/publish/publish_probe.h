#ifndef UNIPRESENCE_AGGREGATOR_PUBLISH_PUBLISH_PROBE_H_
#define UNIPRESENCE_AGGREGATOR_PUBLISH_PUBLISH_PROBE_H_

// What the publisher counts, for metrics. Written by the pipeline thread alone, read by any thread;
// each value is exact, two values read one after the other need not belong to the same moment.
//
// What is not here: frames that libzmq drops for a subscriber whose queue is full. It does so
// without a word; the subscriber sees the gap.

#include <atomic>
#include <cstdint>

namespace unipresence::publish {

// A counter or level with one writing thread: a plain add, no locked instruction.
class ProbeValue {
 public:
  void Add(std::uint64_t by = 1) { Set(Get() + by); }
  void Set(std::uint64_t value) { value_.store(value, std::memory_order_relaxed); }
  std::uint64_t Get() const { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<std::uint64_t> value_{0};
};

struct PublishProbe {
  // Counters since the start.
  ProbeValue updates;            // changes that came from the engine
  ProbeValue updates_encoded;    // of these, encoded because somebody wants them; once each
  ProbeValue stream_frames;      // sent on `all`, heartbeats not counted
  ProbeValue user_frames;        // sent on `user/<id>`, refreshes not counted
  ProbeValue refreshes;          // current values repeated on `user/<id>`
  ProbeValue heartbeats;         // sent, on either topic
  ProbeValue bytes;              // handed to libzmq on the publish socket, once per message
  ProbeValue batches;            // handed to the batch sink
  ProbeValue send_failures;      // messages that libzmq did not take; always 0 unless it is broken
  ProbeValue subscriptions;      // subscription messages taken in
  ProbeValue unsubscriptions;    // topics that lost their last subscriber
  ProbeValue unknown_topics;     // subscriptions to topics that do not exist, and other messages
  ProbeValue snapshot_requests;  // taken in, the bad ones too
  ProbeValue snapshot_pages;     // sent
  ProbeValue snapshot_users;     // presences in those pages
  ProbeValue snapshot_bytes;     // of those pages
  ProbeValue bad_requests;       // answered with a SnapshotError
  ProbeValue dropped_replies;    // pages that the requester was gone for
  // Levels.
  ProbeValue wanted_users;  // users that somebody follows by `user/<id>`
};

}  // namespace unipresence::publish

#endif  // UNIPRESENCE_AGGREGATOR_PUBLISH_PUBLISH_PROBE_H_
