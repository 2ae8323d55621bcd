#include "aggregator/publish/publisher.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "aggregator/publish/codec.h"
#include "aggregator/publish/wire.h"
#include "aggregator/publish/zmq_socket.h"
#include "unipresence/v1/replication.pb.h"

namespace unipresence::publish {
namespace {

// Numbers of the fields of StreamFrame.
constexpr std::uint32_t kEpochField = 1;
constexpr std::uint32_t kFirstSequenceField = 2;
constexpr std::uint32_t kUpdatesField = 3;
constexpr std::uint32_t kHeartbeatField = 4;
static_assert(v1::StreamFrame::kEpochFieldNumber == kEpochField);
static_assert(v1::StreamFrame::kFirstSequenceFieldNumber == kFirstSequenceField);
static_assert(v1::StreamFrame::kUpdatesFieldNumber == kUpdatesField);
static_assert(v1::StreamFrame::kHeartbeatFieldNumber == kHeartbeatField);

// The longest subscription has "user/", an id of 64 bytes and a NUL behind the command of ZMTP 3.1,
// a byte and SUBSCRIBE; the rest is for the names that peers may give themselves in the handshake.
// Who sends more is cut off: libzmq keeps each byte of a topic in a node of its own, so 20,000 of
// 900 bytes took 590 MiB.
constexpr std::int64_t kMaxSubscriptionBytes = 96;
// Subscriptions of one subscriber on their way here; more wait in his socket, none is lost.
constexpr int kSubscriptionQueue = 100'000;
// A request of 10,000 ids of 64 bytes takes 660,000 bytes.
constexpr std::int64_t kMaxRequestBytes = 1 << 20;
// Requests and pages queued for one requester: a proper one has one in flight.
constexpr int kRequestQueue = 16;
constexpr int kReplyQueue = 8;
// Connections that the kernel keeps until they are accepted: all followers come back at once.
constexpr int kBacklog = 1024;

constexpr std::size_t kMinFrameBytes = 1 << 10;
constexpr std::size_t kMaxFrameBytes = (1 << 20) - (64 << 10);
constexpr std::size_t kMaxBatchUpdates = 10'000;
constexpr int kSubscriptionsPerCall = 4096;

std::string LastEndpoint(zmq::socket_t& socket) { return socket.get(zmq::sockopt::last_endpoint); }

}  // namespace

Publisher::Publisher(PublisherOptions options, const Clock& clock)
    : options_([&] {
        options.max_frame_bytes =
            std::clamp(options.max_frame_bytes, kMinFrameBytes, kMaxFrameBytes);
        return std::move(options);
      }()),
      clock_(clock) {}

Publisher::~Publisher() = default;

// --- Sockets -----------------------------------------------------------------------------------

absl::Status Publisher::Bind(const PresenceSource& source) {
  UNIPRESENCE_CHECK_THREAD(thread_checker_);
  if (publish_socket_) {
    return absl::FailedPreconditionError(
        fmt::format("bound to {} already; a publisher is bound once", publish_endpoint_));
  }
  std::string_view address = options_.publish_address;
  try {
    zmq::context_t* context = options_.context;
    if (context == nullptr) context = &own_context_.emplace(1);

    zmq::socket_t publish(*context, zmq::socket_type::xpub);
    SetCommonOptions(publish, address, kMaxSubscriptionBytes, options_.stuck_connection_timeout);
    // Also subscriptions to a topic that others have already: each new subscriber gets a heartbeat.
    publish.set(zmq::sockopt::xpub_verbose, 1);
    // A frame for somebody whose queue is full is refused, instead of dropped without a word.
    publish.set(zmq::sockopt::xpub_nodrop, 1);
    publish.set(zmq::sockopt::sndhwm, options_.send_queue_frames);
    publish.set(zmq::sockopt::rcvhwm, kSubscriptionQueue);
    publish.set(zmq::sockopt::backlog, kBacklog);
    publish.bind(options_.publish_address);

    address = options_.snapshot_address;
    zmq::socket_t snapshot(*context, zmq::socket_type::router);
    SetCommonOptions(snapshot, address, kMaxRequestBytes, options_.stuck_connection_timeout);
    // Replies that cannot be delivered are refused at once, and counted, instead of vanishing.
    snapshot.set(zmq::sockopt::router_mandatory, 1);
    snapshot.set(zmq::sockopt::sndhwm, kReplyQueue);
    snapshot.set(zmq::sockopt::rcvhwm, kRequestQueue);
    snapshot.set(zmq::sockopt::backlog, kBacklog);
    snapshot.bind(options_.snapshot_address);

    publish_endpoint_ = LastEndpoint(publish);
    snapshot_endpoint_ = LastEndpoint(snapshot);
    publish_fd_ = publish.get(zmq::sockopt::fd);
    snapshot_fd_ = snapshot.get(zmq::sockopt::fd);
    publish_socket_ = std::move(publish);
    snapshot_socket_ = std::move(snapshot);
  } catch (const zmq::error_t& error) {
    return ToStatus(error, fmt::format("cannot bind the ZeroMQ address '{}'", address));
  }
  source_ = &source;
  epoch_ = source.epoch();
  last_sequence_ = source.sequence();
  responder_.emplace(source);
  next_heartbeat_ = next_refresh_ = clock_.Now();
  return absl::OkStatus();
}

Publisher::Sent Publisher::TrySend(std::string_view frame) {
  if (SendFrame(*publish_socket_, frame)) {
    probe_.bytes.Add(frame.size());
    return Sent::kSent;
  }
  if (zmq_errno() == EAGAIN) return Sent::kQueueIsFull;
  probe_.send_failures.Add();
  return Sent::kFailed;
}

// Whoever's queue is full loses it, and what follows, until he has read half of his queue.
void Publisher::SendOrDrop(std::string_view frame) {
  if (TrySend(frame) != Sent::kQueueIsFull) return;
  probe_.full_queues.Add();
  publish_socket_->set(zmq::sockopt::xpub_nodrop, 0);
  TrySend(frame);
  publish_socket_->set(zmq::sockopt::xpub_nodrop, 1);
}

// --- Updates -----------------------------------------------------------------------------------

void Publisher::OnUpdate(const PresenceUpdate& update) {
  UNIPRESENCE_CHECK_THREAD(thread_checker_);
  probe_.updates.Add();
  last_sequence_ = update.sequence;
  const std::string_view user = update.presence.user;
  const bool for_stream = subscriptions_.stream();
  const bool for_user = subscriptions_.any_user() && subscriptions_.user(user);
  const bool for_batch = batch_wanted_.load(std::memory_order_acquire);
  if (!for_stream && !for_user && !for_batch) return;

  encoded_.clear();
  AppendUpdate(update, encoded_);
  probe_.updates_encoded.Add();
  const std::string_view encoded = encoded_.view();
  if (for_stream) {
    if (!frame_.empty() && frame_.size() + encoded.size() > options_.max_frame_bytes) {
      SendGathered();
    }
    if (frame_.empty()) BeginFrame(update.sequence);
    char* end = frame_.Reserve(1 + wire::kMaxVarint + encoded.size());
    frame_.Commit(wire::PutBytesField<kUpdatesField>(end, encoded));
  }
  if (for_user && SendUser(user, encoded)) probe_.user_frames.Add();
  if (for_batch) {
    if (batch_ == nullptr) batch_ = std::make_shared<Batch>(epoch_);
    batch_->Add(user, update.sequence, update.presence.revision, update.removed, encoded);
    if (batch_->size() >= kMaxBatchUpdates) SendBatch();
  }
}

void Publisher::Flush() {
  UNIPRESENCE_CHECK_THREAD(thread_checker_);
  SendGathered();
  SendBatch();
  SendMailboxes();
}

void Publisher::OnMailbox(const Mailbox& mailbox) {
  UNIPRESENCE_CHECK_THREAD(thread_checker_);
  if (!mailboxes_wanted_.load(std::memory_order_acquire)) return;
  encoded_.clear();
  AppendMailbox(mailbox, encoded_);
  if (mailboxes_ == nullptr) mailboxes_ = std::make_shared<Batch>(epoch_);
  mailboxes_->Add(mailbox.user, mailbox.sequence, 0, false, encoded_.view());
  if (mailboxes_->size() >= kMaxBatchUpdates) SendMailboxes();
}

void Publisher::SendMailboxes() {
  if (mailboxes_ == nullptr) return;
  const std::shared_ptr<const Batch> batch = std::exchange(mailboxes_, nullptr);
  batch_sink_->OnMailboxes(batch);
}

void Publisher::BeginFrame(std::uint64_t first_sequence) {
  frame_.Append(kStreamTopic);
  char* end = frame_.Reserve(2 * (1 + wire::kMaxVarint));
  end = wire::PutFixed64Field<kEpochField>(end, epoch_);
  end = wire::PutVarintField<kFirstSequenceField>(end, first_sequence);
  frame_.Commit(end);
}

void Publisher::SendGathered() {
  if (frame_.empty()) return;
  SendOrDrop(frame_.view());
  probe_.stream_frames.Add();
  frame_.clear();
}

void Publisher::SendBatch() {
  if (batch_ == nullptr) return;
  const std::shared_ptr<const Batch> batch = std::exchange(batch_, nullptr);
  probe_.batches.Add();
  batch_sink_->OnBatch(batch);
}

// --- Subscriptions -----------------------------------------------------------------------------

bool Publisher::HandleEvents(std::size_t budget) {
  UNIPRESENCE_CHECK_THREAD(thread_checker_);
  if (!publish_socket_) return false;
  // First what sends, because the reads are what re-arms the descriptors.
  const bool more_waiting = SendWaiting();
  RefreshUsers();
  const bool more_subscriptions = ReadSubscriptions();
  const bool more_requests = AnswerSnapshots(budget);
  return more_waiting || more_subscriptions || more_requests || refreshes_due_ > 0;
}

bool Publisher::ReadSubscriptions() {
  int limit = kSubscriptionsPerCall;
  bool stream_heartbeat = false;
  bool user_heartbeat = false;
  do {
    if (stream_heartbeat) SendStreamHeartbeat();
    if (user_heartbeat) SendUserHeartbeat();
    stream_heartbeat = user_heartbeat = false;
    // Read until there is nothing: also what came in while a heartbeat was sent, for which the
    // descriptor gives no signal any more.
    for (; limit > 0 && ReceiveFrame(*publish_socket_, received_); --limit) {
      switch (subscriptions_.Apply(View(received_))) {
        case SubscriptionTable::Change::kStream:
          stream_heartbeat = true;
          probe_.subscriptions.Add();
          break;
        case SubscriptionTable::Change::kHeartbeat:
          user_heartbeat = true;
          probe_.subscriptions.Add();
          break;
        case SubscriptionTable::Change::kUser:
          probe_.subscriptions.Add();
          break;
        case SubscriptionTable::Change::kEnded:
          probe_.unsubscriptions.Add();
          break;
        case SubscriptionTable::Change::kUnknown:
          probe_.unknown_topics.Add();
          break;
      }
    }
  } while (stream_heartbeat || user_heartbeat);
  probe_.wanted_topics.Set(static_cast<std::int64_t>(subscriptions_.topic_count()));
  probe_.wanted_users.Set(static_cast<std::int64_t>(subscriptions_.user_count()));
  return limit == 0;
}

// --- Snapshots ---------------------------------------------------------------------------------

bool Publisher::AnswerSnapshots(std::size_t& budget) {
  while (true) {
    if (!page_in_work_ && !ReceiveRequest()) return false;
    page_in_work_ = true;
    if (!responder_->Work(budget)) return true;
    page_in_work_ = false;
    SendReply();
    // Every request costs something, an empty or a bad one too.
    budget -= std::min<std::size_t>(budget, 16);
    // Only a receive that finds nothing ends the loop otherwise: it re-arms the descriptor.
    if (budget == 0) return true;
  }
}

bool Publisher::ReceiveRequest() {
  if (!ReceiveFrame(*snapshot_socket_, requester_)) return false;
  probe_.snapshot_requests.Add();
  // Parts of one message arrive together. The first is the routing id.
  int parts = 0;
  for (bool more = requester_.more(); more; more = received_.more()) {
    if (!ReceiveFrame(*snapshot_socket_, received_)) break;
    if (++parts == 1 && !received_.more()) {
      responder_->Begin(View(received_));
      return true;
    }
  }
  responder_->BeginMalformed(fmt::format(
      "a message of {} frames; send exactly one, from a DEALER and not from a REQ", parts));
  return true;
}

void Publisher::SendReply() {
  const std::string_view reply = responder_->reply();
  if (!SendFrame(*snapshot_socket_, View(requester_), ZMQ_SNDMORE) ||
      !SendFrame(*snapshot_socket_, reply)) {
    probe_.dropped_replies.Add();
    return;
  }
  if (!responder_->is_page()) {
    probe_.bad_requests.Add();
    return;
  }
  probe_.snapshot_pages.Add();
  probe_.snapshot_users.Add(responder_->users());
  probe_.snapshot_bytes.Add(reply.size());
}

}  // namespace unipresence::publish
