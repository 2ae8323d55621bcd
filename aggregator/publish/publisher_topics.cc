// What the publisher sends of single users, and when: their changes, what waits for a full queue,
// heartbeats and refreshes.

#include <algorithm>

#include "aggregator/publish/codec.h"
#include "aggregator/publish/publisher.h"
#include "aggregator/publish/wire.h"
#include "unipresence/v1/replication.pb.h"

namespace unipresence::publish {
namespace {

// Numbers of the fields of UserFrame.
constexpr std::uint32_t kEpochField = 1;
constexpr std::uint32_t kUpdateField = 2;
static_assert(v1::UserFrame::kEpochFieldNumber == kEpochField);
static_assert(v1::UserFrame::kUpdateFieldNumber == kUpdateField);

// Users that one HandleEvents() sends, of those refreshed and of those that wait: about 0.1 ms.
constexpr std::size_t kUserSlice = 64;
// How often more refreshes become due.
constexpr Duration kRefreshInterval = std::chrono::milliseconds(100);
// How often it is tried again to send what waits, beside whenever libzmq tells of something read.
constexpr Duration kRetryInterval = std::chrono::milliseconds(10);
// However much of it is read meanwhile: who is always behind is told so.
constexpr Duration kMaxWait = 10 * Publisher::kPatience;

void SetDuration(Duration duration, google::protobuf::Duration& out) {
  out.set_seconds(std::chrono::duration_cast<std::chrono::seconds>(duration).count());
  out.set_nanos(static_cast<std::int32_t>((duration % std::chrono::seconds(1)).count()));
}

}  // namespace

// --- Users -------------------------------------------------------------------------------------

void Publisher::BuildUserFrame(std::string_view user, std::string_view update) {
  user_frame_.clear();
  user_frame_.Append(kUserTopicPrefix);
  user_frame_.Append(user);
  user_frame_.Append(std::string_view("\0", 1));
  char* end = user_frame_.Reserve(2 * (1 + wire::kMaxVarint) + update.size());
  end = wire::PutFixed64Field<kEpochField>(end, epoch_);
  user_frame_.Commit(wire::PutBytesField<kUpdateField>(end, update));
}

// False if it waits, or would: then his value as it is by then will be sent.
bool Publisher::SendUser(std::string_view user, std::string_view update) {
  if (subscriptions_.waits(user)) return false;
  BuildUserFrame(user, update);
  if (TrySend(user_frame_.view()) != Sent::kQueueIsFull) return true;
  BeginWaiting();
  subscriptions_.Wait(user);
  return false;
}

void Publisher::EncodeRefresh(std::string_view user) {
  encoded_.clear();
  const bool known = source_->Read(user, [this](const PresenceSource::Entry& entry) {
    AppendRefresh(entry.presence, entry.sequence, encoded_);
  });
  if (!known) AppendRefreshOfUnknown(user, last_sequence_, encoded_);
}

// --- Heartbeats --------------------------------------------------------------------------------

void Publisher::BuildHeartbeat(std::string_view topic, std::uint64_t number) {
  v1::StreamFrame frame;
  frame.set_epoch(epoch_);
  v1::Heartbeat& heartbeat = *frame.mutable_heartbeat();
  heartbeat.set_sequence(last_sequence_);
  const WallTimeMicros now = clock_.WallNow();
  heartbeat.mutable_server_time()->set_seconds(now / 1'000'000);
  heartbeat.mutable_server_time()->set_nanos(static_cast<std::int32_t>(now % 1'000'000 * 1000));
  SetDuration(options_.heartbeat_interval, *heartbeat.mutable_interval());
  SetDuration(options_.refresh_period, *heartbeat.mutable_refresh_period());
  heartbeat.set_number(number);

  user_frame_.clear();
  user_frame_.Append(topic);
  const std::size_t size = frame.ByteSizeLong();
  char* out = user_frame_.Reserve(size);
  frame.SerializeToArray(out, static_cast<int>(size));
  user_frame_.Commit(out + size);
}

void Publisher::SendStreamHeartbeat() {
  // It must not overtake updates that it counts in.
  SendGathered();
  BuildHeartbeat(kStreamTopic, 0);
  SendOrDrop(user_frame_.view());
  probe_.heartbeats.Add();
}

void Publisher::SendUserHeartbeat() {
  BuildHeartbeat(kHeartbeatTopic, heartbeats_ + 1);
  if (dropping_) {
    SendOrDrop(user_frame_.view());
  } else if (TrySend(user_frame_.view()) == Sent::kQueueIsFull) {
    BeginWaiting();
    heartbeat_waits_ = true;
    return;
  }
  heartbeat_waits_ = false;
  ++heartbeats_;
  probe_.heartbeats.Add();
}

// --- What waits for a full queue ---------------------------------------------------------------

bool Publisher::SomethingWaits() const {
  return heartbeat_waits_ || subscriptions_.waiting_count() > 0;
}

void Publisher::BeginWaiting() {
  if (SomethingWaits()) return;
  waiting_since_ = stuck_since_ = next_retry_ = clock_.Now();
}

// True if there is more to do at once.
bool Publisher::SendWaiting() {
  probe_.waiting_users.Set(static_cast<std::int64_t>(subscriptions_.waiting_count()));
  if (!SomethingWaits()) return false;
  const MonotonicTime now = clock_.Now();
  next_retry_ = now + kRetryInterval;
  if (!dropping_ && (now - stuck_since_ >= kPatience || now - waiting_since_ >= kMaxWait)) {
    dropping_ = true;
    // Who loses users' frames from here on has lost this one before.
    SendUserHeartbeat();
  }
  if (heartbeat_waits_) SendUserHeartbeat();
  for (std::size_t left = kUserSlice; left > 0 && subscriptions_.waiting_count() > 0; --left) {
    EncodeRefresh(subscriptions_.waiting());
    BuildUserFrame(subscriptions_.waiting(), encoded_.view());
    if (dropping_) {
      SendOrDrop(user_frame_.view());
    } else if (TrySend(user_frame_.view()) == Sent::kQueueIsFull) {
      return false;
    }
    probe_.refreshes.Add();
    subscriptions_.Sent();
    stuck_since_ = now;
  }
  if (!SomethingWaits()) dropping_ = false;
  return subscriptions_.waiting_count() > 0;
}

// --- Timer -------------------------------------------------------------------------------------

MonotonicTime Publisher::next_timer() const {
  const MonotonicTime next = std::min(next_heartbeat_, next_refresh_);
  return SomethingWaits() ? std::min(next, next_retry_) : next;
}

void Publisher::OnTimer(MonotonicTime now) {
  UNIPRESENCE_CHECK_THREAD(thread_checker_);
  if (!publish_socket_) return;
  if (now >= next_heartbeat_) {
    if (subscriptions_.stream()) SendStreamHeartbeat();
    if (subscriptions_.heartbeat()) SendUserHeartbeat();
    next_heartbeat_ = now + options_.heartbeat_interval;
  }
  if (now >= next_refresh_) ScheduleRefreshes(now);
}

void Publisher::ScheduleRefreshes(MonotonicTime now) {
  const auto users = static_cast<double>(subscriptions_.user_count());
  // A little faster than promised, because timers are late and never early. What a turn leaves of a
  // user is due in the next one.
  const Duration round = options_.refresh_period * 9 / 10;
  const Duration elapsed = now - next_refresh_ + kRefreshInterval;
  refresh_share_ += users * static_cast<double>(elapsed.count()) /
                    static_cast<double>(std::max<Duration::rep>(round.count(), 1));
  // Never more than all of them, however late the timer is.
  refresh_share_ = std::min(refresh_share_, users);
  refreshes_due_ = static_cast<std::size_t>(refresh_share_);
  next_refresh_ = now + kRefreshInterval;
}

void Publisher::RefreshUsers() {
  for (std::size_t left = kUserSlice; left > 0 && refreshes_due_ > 0; --left) {
    std::string_view user = subscriptions_.NextToRefresh();
    if (user.empty()) {
      subscriptions_.StartRefreshRound();
      user = subscriptions_.NextToRefresh();
    }
    if (user.empty()) {
      refreshes_due_ = 0;
      refresh_share_ = 0;
      return;
    }
    EncodeRefresh(user);
    if (SendUser(user, encoded_.view())) probe_.refreshes.Add();
    --refreshes_due_;
    refresh_share_ -= 1;
  }
}

}  // namespace unipresence::publish
