#include "aggregator/publish/publish_probe.h"

namespace unipresence::publish {

void RegisterMetrics(MetricCollector& collector, const PublishProbe& probe) {
  const MetricGroup group(collector);
  group.Counter("unipresence_publish_updates_total", "Published changes.", probe.updates);
  group.Counter("unipresence_publish_encoded_total",
                "Of these, encoded because somebody wants them.", probe.updates_encoded);
  group.Counter("unipresence_publish_stream_frames_total",
                "Frames sent to followers of everything.", probe.stream_frames);
  group.Counter("unipresence_publish_user_frames_total", "Frames sent to followers of some users.",
                probe.user_frames);
  group.Counter("unipresence_publish_refreshes_total", "Current values repeated.", probe.refreshes);
  group.Counter("unipresence_publish_heartbeats_total", "Heartbeats.", probe.heartbeats);
  group.Counter("unipresence_publish_bytes_total", "Bytes handed to ZeroMQ, once per message.",
                probe.bytes);
  group.Counter("unipresence_publish_send_failures_total", "Messages that ZeroMQ did not take.",
                probe.send_failures);
  group.Counter(
      "unipresence_publish_full_queues_total",
      "Times that a subscriber stood still with a full queue, and lost frames from then on.",
      probe.full_queues);
  group.Counter("unipresence_publish_subscriptions_total", "Subscriptions taken in.",
                probe.subscriptions);
  group.Counter("unipresence_publish_snapshot_pages_total", "Snapshot pages sent.",
                probe.snapshot_pages);
  group.Counter("unipresence_publish_bad_requests_total",
                "Snapshot requests answered with an error.", probe.bad_requests);
  group.Gauge("unipresence_publish_wanted_topics", "Topics that somebody follows.",
              probe.wanted_topics);
  group.Gauge("unipresence_publish_wanted_users", "Users that somebody follows by name.",
              probe.wanted_users);
  group.Gauge("unipresence_publish_waiting_users",
              "Users whose newest value waits until a subscriber has read on.",
              probe.waiting_users);
}

}  // namespace unipresence::publish
