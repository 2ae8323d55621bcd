#ifndef UNIPRESENCE_AGGREGATOR_PUBLISH_PUBLISHER_H_
#define UNIPRESENCE_AGGREGATOR_PUBLISH_PUBLISHER_H_

// The ZeroMQ side of the server: every published change to whoever subscribed, heartbeats, the slow
// refresh, and snapshots on request. The protocol is the head comment of replication.proto.
//
//   Publisher publisher(options, clock);
//   Engine engine({.epoch = epoch}, clock, publisher);     // the publisher is the engine's sink
//   UNIPRESENCE_RETURN_IF_ERROR(publisher.Bind(engine));   // and the engine is what it reads
//
// An update is encoded only if somebody wants it, and then once for all. The updates between two
// Flush() calls travel in one frame (or several, of about max_frame_bytes): one at idle, many under
// load.
//
// How the owner drives it, all on the pipeline thread, nothing ever blocks:
// - Watch publish_fd() and snapshot_fd() for readability and call HandleEvents(). They belong to
//   libzmq (never close, read or write them), are edge-triggered, become readable for its internal
//   affairs too, and sending on the socket may swallow an edge. So call HandleEvents() also after
//   each read, command or slice of work that published, and when it returns true, again soon,
//   without waiting for a descriptor.
// - Call OnTimer() at next_timer() or a little later, then HandleEvents().
//
// A subscriber whose queue is full slows nobody for long. A follower of everyone loses frames, sees
// the gap and asks for a snapshot. For a follower of some users the newest value of each waits
// until he has read on; if for kPatience he does not, he loses them, and a heartbeat before them,
// by whose number he sees the loss.
//
// Whoever can connect can make libzmq hold memory without a bound: it keeps the parts of a
// multi-part message until the last one comes. Bind to loopback, to a Unix socket, or to a network
// of friends.
//
// Thread: the pipeline's, except probe() and SetBatchWanted().

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <zmq.hpp>

#include "absl/status/status.h"
#include "aggregator/base/clock.h"
#include "aggregator/base/thread_checker.h"
#include "aggregator/engine/presence_source.h"
#include "aggregator/engine/update_sink.h"
#include "aggregator/publish/batch.h"
#include "aggregator/publish/byte_buffer.h"
#include "aggregator/publish/publish_probe.h"
#include "aggregator/publish/snapshot_responder.h"
#include "aggregator/publish/subscription_table.h"

namespace unipresence::publish {

struct PublisherOptions {
  // ZeroMQ addresses to bind: "tcp://127.0.0.1:5557", "tcp://127.0.0.1:*" for any free port,
  // "ipc:///run/unipresence/publish".
  std::string publish_address = "tcp://127.0.0.1:*";
  std::string snapshot_address = "tcp://127.0.0.1:*";

  Duration heartbeat_interval = std::chrono::seconds(1);
  // Within this time the current value of every user that is followed by `user/<id>` is repeated.
  Duration refresh_period = std::chrono::seconds(30);

  // Updates are gathered up to about this size of a frame, from 1 KiB to 960 KiB.
  std::size_t max_frame_bytes = 64 << 10;
  // Frames kept for one slow subscriber before others wait or are lost (ZMQ_SNDHWM). Together with
  // max_frame_bytes it bounds what a reader that stands still costs: 256 MiB in the worst case, at
  // usual rates, with frames of one to ten updates, below 10 MiB.
  int send_queue_frames = 4'000;
  // After this time without progress a connection with unsent data is closed (ZMQ_TCP_MAXRT), and
  // its queue freed. The subscriber reconnects when it wakes up.
  Duration stuck_connection_timeout = std::chrono::seconds(30);

  // Where inproc:// addresses live; null: a context of its own.
  zmq::context_t* context = nullptr;
};

class Publisher final : public UpdateSink {
 public:
  // Users of snapshots that one HandleEvents() visits: about 0.1 ms.
  static constexpr std::size_t kDefaultBudget = 256;
  // What is for somebody whose queue is full waits so long for him to read, and with it what others
  // follow of the same users.
  static constexpr Duration kPatience = std::chrono::milliseconds(200);

  // `clock` must outlive the publisher.
  Publisher(PublisherOptions options, const Clock& clock);
  ~Publisher() override;
  Publisher(const Publisher&) = delete;
  Publisher& operator=(const Publisher&) = delete;

  // Opens both sockets; from now on subscribers may come. Until then updates are only counted.
  // `source` must outlive the publisher; its epoch is that of the frames.
  // INVALID_ARGUMENT for an address that ZeroMQ does not understand, UNAVAILABLE if it is in use or
  // not one of this machine, FAILED_PRECONDITION if bound before; the message names the address.
  absl::Status Bind(const PresenceSource& source);

  // Where clients connect to, with the port that was chosen for "*". Empty before Bind.
  const std::string& publish_endpoint() const { return publish_endpoint_; }
  const std::string& snapshot_endpoint() const { return snapshot_endpoint_; }
  // Descriptors to watch for readability; -1 before Bind.
  int publish_fd() const { return publish_fd_; }
  int snapshot_fd() const { return snapshot_fd_; }

  // UpdateSink.
  void OnUpdate(const PresenceUpdate& update) override;
  void OnMailbox(const Mailbox& mailbox) override;
  void Flush() override;

  // Takes in new subscriptions and works on snapshots, for about `budget` users. True if there is
  // more to do at once. Must not be called between an OnUpdate and its Flush.
  bool HandleEvents(std::size_t budget = kDefaultBudget);

  // Heartbeats and refreshes that are due. Must not be called between an OnUpdate and its Flush.
  void OnTimer(MonotonicTime now);
  // When OnTimer next has something to do.
  MonotonicTime next_timer() const;

  // Who gets the batches, nobody at first. It must outlive the publisher.
  void SetBatchSink(BatchSink& sink) { batch_sink_ = &sink; }
  // Any thread. Batches are made only while this is true. The first batch after a change of it may
  // hold only the later part of a Flush(): trust its first_sequence().
  void SetBatchWanted(bool wanted) { batch_wanted_.store(wanted, std::memory_order_release); }

  // The same for changes of voicemail boxes.
  void SetMailboxesWanted(bool wanted) {
    mailboxes_wanted_.store(wanted, std::memory_order_release);
  }

  // Any thread.
  const PublishProbe& probe() const { return probe_; }

 private:
  void BeginFrame(std::uint64_t first_sequence);
  void SendGathered();
  void SendBatch();
  void SendMailboxes();
  bool SendUser(std::string_view user, std::string_view update);
  void BuildUserFrame(std::string_view user, std::string_view update);
  void SendStreamHeartbeat();
  void SendUserHeartbeat();
  void BuildHeartbeat(std::string_view topic, std::uint64_t number);
  enum class Sent : std::uint8_t { kSent, kQueueIsFull, kFailed };
  Sent TrySend(std::string_view frame);
  void SendOrDrop(std::string_view frame);
  bool SomethingWaits() const;
  void BeginWaiting();
  bool SendWaiting();
  bool ReadSubscriptions();
  bool AnswerSnapshots(std::size_t& budget);
  bool ReceiveRequest();
  void SendReply();
  void ScheduleRefreshes(MonotonicTime now);
  void RefreshUsers();
  void EncodeRefresh(std::string_view user);

  const PublisherOptions options_;
  const Clock& clock_;
  ThreadChecker thread_checker_;

  std::optional<zmq::context_t> own_context_;
  std::optional<zmq::socket_t> publish_socket_;
  std::optional<zmq::socket_t> snapshot_socket_;
  std::string publish_endpoint_;
  std::string snapshot_endpoint_;
  int publish_fd_ = -1;
  int snapshot_fd_ = -1;

  const PresenceSource* source_ = nullptr;
  std::uint64_t epoch_ = 0;
  std::uint64_t last_sequence_ = 0;  // of the newest update that came in

  SubscriptionTable subscriptions_;
  ByteBuffer frame_;       // topic and StreamFrame being gathered; empty: none
  ByteBuffer encoded_;     // the update at hand, when it is not gathered
  ByteBuffer user_frame_;  // a frame being built for one user, or a heartbeat

  std::atomic<bool> batch_wanted_{false};
  BatchSink* batch_sink_ = &NoBatches();
  std::shared_ptr<Batch> batch_;
  std::atomic<bool> mailboxes_wanted_{false};
  std::shared_ptr<Batch> mailboxes_;

  std::optional<SnapshotResponder> responder_;
  zmq::message_t requester_;  // routing id of the one whose page is in work
  bool page_in_work_ = false;
  zmq::message_t received_;  // reused

  MonotonicTime next_heartbeat_{};
  MonotonicTime next_refresh_{};
  MonotonicTime next_retry_{};  // while something waits
  MonotonicTime waiting_since_{};
  MonotonicTime stuck_since_{};  // nothing of what waits could be sent
  bool heartbeat_waits_ = false;
  bool dropping_ = false;          // what waits is sent to those who can take it
  std::uint64_t heartbeats_ = 0;   // on the topic of followers of some users
  double refresh_share_ = 0;       // users whose turn it is, with fractions
  std::size_t refreshes_due_ = 0;  // the same in whole users

  PublishProbe probe_;
};

}  // namespace unipresence::publish

#endif  // UNIPRESENCE_AGGREGATOR_PUBLISH_PUBLISHER_H_
