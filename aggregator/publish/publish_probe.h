#ifndef UNIPRESENCE_AGGREGATOR_PUBLISH_PUBLISH_PROBE_H_
#define UNIPRESENCE_AGGREGATOR_PUBLISH_PUBLISH_PROBE_H_

// What the publisher counts, for metrics. Written by the pipeline thread alone, read by any thread;
// each value is exact, two values read one after the other need not belong to the same moment.

#include "aggregator/base/metric_collector.h"
#include "aggregator/base/probe.h"

namespace unipresence::publish {

struct PublishProbe {
  // Counters since the start.
  Counter updates;            // changes that came from the engine
  Counter updates_encoded;    // of these, encoded because somebody wants them; once each
  Counter stream_frames;      // sent on `all`, heartbeats not counted
  Counter user_frames;        // sent on `user/<id>`, refreshes not counted
  Counter refreshes;          // current values repeated on `user/<id>`
  Counter heartbeats;         // sent, on either topic
  Counter bytes;              // handed to libzmq on the publish socket, once per message
  Counter batches;            // handed to the batch sink
  Counter send_failures;      // messages that libzmq did not take; always 0 unless it is broken
  Counter full_queues;        // times that frames were dropped for who stood still, from then on
  Counter subscriptions;      // subscription messages taken in
  Counter unsubscriptions;    // topics that lost their last subscriber
  Counter unknown_topics;     // subscriptions to topics that do not exist, and other messages
  Counter snapshot_requests;  // taken in, the bad ones too
  Counter snapshot_pages;     // sent
  Counter snapshot_users;     // presences in those pages
  Counter snapshot_bytes;     // of those pages
  Counter bad_requests;       // answered with a SnapshotError
  Counter dropped_replies;    // pages that the requester was gone for
  // Levels.
  Gauge wanted_topics;  // that somebody follows: users, all of them, heartbeats
  Gauge wanted_users;   // users that somebody follows by `user/<id>`
  Gauge waiting_users;  // of these, whose value waits for a subscriber to read on
};

void RegisterMetrics(MetricCollector& collector, const PublishProbe& probe);

}  // namespace unipresence::publish

#endif  // UNIPRESENCE_AGGREGATOR_PUBLISH_PUBLISH_PROBE_H_
