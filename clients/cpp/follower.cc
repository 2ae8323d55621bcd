#include "clients/cpp/follower.h"

#include <fmt/format.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <random>
#include <utility>

#include "aggregator/base/status_macros.h"
#include "aggregator/publish/subscription_table.h"
#include "aggregator/publish/zmq_socket.h"

namespace unipresence::client {
namespace {

// Frames are at most 1 MiB, replies a little more (replication.proto).
constexpr std::int64_t kMaxMessageBytes = 2 << 20;
constexpr Duration kStuckConnectionTimeout = std::chrono::seconds(30);
// Messages read in one Poll before time is looked at again.
constexpr int kMessagesPerPoll = 256;
constexpr int kSnapshotQueue = 16;
// How long a thread of its own waits for events; Interrupt ends it earlier.
constexpr Duration kThreadWait = std::chrono::hours(1);

}  // namespace

Follower::Follower(FollowerOptions options, FollowListener& listener, const Clock& clock)
    : options_(std::move(options)),
      clock_(clock),
      session_(options_.follow, listener, clock.Now(), std::random_device()()) {}

Follower::~Follower() {
  Stop();
  if (interrupt_fd_ >= 0) ::close(interrupt_fd_);
}

// --- Sockets -----------------------------------------------------------------------------------

absl::Status Follower::Open() {
  if (interrupt_fd_ >= 0) {
    return absl::FailedPreconditionError("the follower is open already; open it once");
  }
  for (const std::string& user : options_.follow.users) {
    if (!user.empty() && user.size() <= publish::kMaxTopicUserBytes) continue;
    return absl::InvalidArgumentError(
        fmt::format("user '{}': ids have 1 to {} bytes, so nobody has this one; leave it out",
                    user.substr(0, 2 * publish::kMaxTopicUserBytes), publish::kMaxTopicUserBytes));
  }
  context_ = options_.context != nullptr ? options_.context : &own_context_.emplace(1);
  UNIPRESENCE_RETURN_IF_ERROR(OpenStream());
  UNIPRESENCE_RETURN_IF_ERROR(OpenSnapshot());
  interrupt_fd_ = ::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  if (interrupt_fd_ < 0) {
    return absl::ResourceExhaustedError(
        fmt::format("eventfd: {}; raise the limit of open files", std::strerror(errno)));
  }
  return absl::OkStatus();
}

absl::Status Follower::OpenStream() {
  // The old ones go first: two monitors of one follower never exist together.
  monitor_.reset();
  stream_.reset();
  try {
    zmq::socket_t stream(*context_, zmq::socket_type::sub);
    publish::SetCommonOptions(stream, options_.publish_address, kMaxMessageBytes,
                              kStuckConnectionTimeout);
    // Subscriptions are messages to the server: with a bound those above it would get lost.
    stream.set(zmq::sockopt::sndhwm, 0);
    stream.set(zmq::sockopt::rcvhwm, options_.receive_queue_frames);
    stream.set(zmq::sockopt::reconnect_ivl, publish::ToMilliseconds(options_.reconnect_interval));
    stream.set(zmq::sockopt::reconnect_ivl_max,
               publish::ToMilliseconds(options_.reconnect_max_interval));
    for (const std::string& topic : session_.Topics()) {
      stream.set(zmq::sockopt::subscribe, topic);
    }
    const std::string monitor_address =
        fmt::format("inproc://unipresence-follower-{}", static_cast<void*>(this));
    if (zmq_socket_monitor(stream.handle(), monitor_address.c_str(), ZMQ_EVENT_DISCONNECTED) != 0) {
      throw zmq::error_t();
    }
    zmq::socket_t monitor(*context_, zmq::socket_type::pair);
    monitor.set(zmq::sockopt::linger, 0);
    monitor.connect(monitor_address);
    stream.connect(options_.publish_address);
    stream_ = std::move(stream);
    monitor_ = std::move(monitor);
  } catch (const zmq::error_t& error) {
    return publish::ToStatus(
        error, fmt::format("cannot connect to the publish address '{}'", options_.publish_address));
  }
  return absl::OkStatus();
}

absl::Status Follower::OpenSnapshot() {
  snapshot_.reset();
  try {
    zmq::socket_t snapshot(*context_, zmq::socket_type::dealer);
    publish::SetCommonOptions(snapshot, options_.snapshot_address, kMaxMessageBytes,
                              kStuckConnectionTimeout);
    snapshot.set(zmq::sockopt::sndhwm, kSnapshotQueue);
    snapshot.set(zmq::sockopt::rcvhwm, kSnapshotQueue);
    snapshot.set(zmq::sockopt::reconnect_ivl, publish::ToMilliseconds(options_.reconnect_interval));
    snapshot.set(zmq::sockopt::reconnect_ivl_max,
                 publish::ToMilliseconds(options_.reconnect_max_interval));
    snapshot.connect(options_.snapshot_address);
    snapshot_ = std::move(snapshot);
  } catch (const zmq::error_t& error) {
    return publish::ToStatus(error, fmt::format("cannot connect to the snapshot address '{}'",
                                                options_.snapshot_address));
  }
  return absl::OkStatus();
}

// --- Events ------------------------------------------------------------------------------------

void Follower::Poll(Duration wait) {
  if (interrupt_fd_ < 0) return;
  const MonotonicTime end = clock_.Now() + wait;
  while (true) {
    bool idle = true;
    bool worked = DrainReplies();
    worked |= DrainStream(idle);
    worked |= DrainMonitor();
    const MonotonicTime now = clock_.Now();
    const FollowSession::Step step = session_.Advance(now, idle);
    Execute(step);
    if (worked || now >= end) return;
    if (WaitForEvents(std::min(end, step.next) - now)) return;
  }
}

bool Follower::DrainStream(bool& idle) {
  if (!stream_) return false;
  int left = kMessagesPerPoll;
  while (left > 0 && publish::ReceiveFrame(*stream_, received_)) {
    session_.OnMessage(publish::View(received_), clock_.Now());
    --left;
  }
  idle = left > 0;
  return left < kMessagesPerPoll;
}

bool Follower::DrainReplies() {
  if (!snapshot_) return false;
  bool any = false;
  while (publish::ReceiveFrame(*snapshot_, received_)) {
    session_.OnReply(publish::View(received_), clock_.Now());
    any = true;
  }
  return any;
}

bool Follower::DrainMonitor() {
  if (!monitor_) return false;
  // Only one kind of event is asked for; each has two frames.
  bool any = false;
  while (publish::ReceiveFrame(*monitor_, received_)) any = true;
  if (any) session_.OnDisconnected(clock_.Now());
  return any;
}

void Follower::Execute(const FollowSession::Step& step) {
  // Without a socket (no descriptors left) silence leads here again.
  if (step.reopen_stream) OpenStream().IgnoreError();
  if (step.reopen_snapshot) OpenSnapshot().IgnoreError();
  // A request that is not taken is asked for again after its timeout.
  if (!step.request.empty() && snapshot_) publish::SendFrame(*snapshot_, step.request);
}

bool Follower::WaitForEvents(Duration wait) {
  zmq_pollitem_t items[4] = {{nullptr, interrupt_fd_, ZMQ_POLLIN, 0}};
  int count = 1;
  for (std::optional<zmq::socket_t>* socket : {&stream_, &monitor_, &snapshot_}) {
    if (*socket) items[count++] = {(*socket)->handle(), 0, ZMQ_POLLIN, 0};
  }
  // Rounded up, so that a wait of less than a millisecond does not spin.
  const auto milliseconds = std::chrono::ceil<std::chrono::milliseconds>(wait).count();
  zmq_poll(items, count, static_cast<long>(std::max<std::int64_t>(milliseconds, 0)));
  if ((items[0].revents & ZMQ_POLLIN) == 0) return false;
  std::uint64_t ignored = 0;
  return ::read(interrupt_fd_, &ignored, sizeof(ignored)) == sizeof(ignored);
}

void Follower::Interrupt() {
  const std::uint64_t one = 1;
  // It can only fail when it is signalled already.
  [[maybe_unused]] const ssize_t written = ::write(interrupt_fd_, &one, sizeof(one));
}

absl::Status Follower::Start() {
  UNIPRESENCE_RETURN_IF_ERROR(Open());
  thread_ = std::thread([this] {
    while (!stop_.load()) Poll(kThreadWait);
  });
  return absl::OkStatus();
}

void Follower::Stop() {
  if (!thread_.joinable()) return;
  stop_.store(true);
  Interrupt();
  thread_.join();
}

}  // namespace unipresence::client
