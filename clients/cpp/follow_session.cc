#include "clients/cpp/follow_session.h"

#include <algorithm>
#include <utility>

#include "aggregator/publish/subscription_table.h"

namespace unipresence::client {
namespace {

using publish::ReplicaTable;

// Bounds for what a server may tell of its heartbeats.
constexpr Duration kMinInterval = std::chrono::milliseconds(10);
constexpr Duration kMaxInterval = std::chrono::minutes(1);
// So many intervals without a frame are silence (replication.proto).
constexpr int kSilentIntervals = 3;
// What a limit that was too short may grow to.
constexpr Duration kMaxLimit = std::chrono::seconds(30);

// `limit` doubled so many times.
Duration Grown(Duration limit, int doublings) {
  for (int i = 0; i < doublings && limit < kMaxLimit; ++i) limit = std::min(limit * 2, kMaxLimit);
  return limit;
}

Duration ToDuration(const google::protobuf::Duration& duration) {
  const std::int64_t seconds = std::clamp<std::int64_t>(duration.seconds(), 0, 3600);
  return std::chrono::seconds(seconds) + std::chrono::nanoseconds(duration.nanos());
}

}  // namespace

std::string_view ToString(GapReason reason) {
  switch (reason) {
    case GapReason::kLost:
      return "LOST";
    case GapReason::kRestarted:
      return "RESTARTED";
    case GapReason::kDisconnected:
      return "DISCONNECTED";
    case GapReason::kSilent:
      return "SILENT";
  }
  __builtin_unreachable();
}

FollowSession::FollowSession(FollowOptions options, FollowListener& listener, MonotonicTime now,
                             std::uint32_t seed)
    : options_(std::move(options)),
      listener_(listener),
      table_(*this, options_.users),
      random_(seed),
      interval_(std::clamp(options_.heartbeat_interval, kMinInterval, kMaxInterval)),
      now_(now),
      last_heard_(now),
      last_advance_(now) {}

std::vector<std::string> FollowSession::Topics() const {
  if (!filtered()) return {std::string(publish::kStreamTopic)};
  std::vector<std::string> topics;
  topics.reserve(options_.users.size() + 1);
  for (const std::string& user : options_.users) topics.push_back(publish::UserTopic(user));
  topics.emplace_back(publish::kHeartbeatTopic);
  return topics;
}

// --- Messages ----------------------------------------------------------------------------------

void FollowSession::OnMessage(std::string_view message, MonotonicTime now) {
  now_ = now;
  const std::size_t nul = message.find('\0');
  const std::size_t split = nul == std::string_view::npos ? message.size() : nul + 1;
  const ReplicaTable::Result result = Apply(message.substr(0, split), message.substr(split));
  if (result == ReplicaTable::Result::kInvalid) {
    ++counters_.bad_messages;
    return;
  }
  ++counters_.frames;
  last_heard_ = now;
  connected_ = true;
  failed_connections_ = 0;
  if (result == ReplicaTable::Result::kGap) {
    ++counters_.gaps;
    pulls_ = 2;
    // Pages that were made before do not heal it.
    if (filtered() && snapshot_ == Snapshot::kAsked) RetrySnapshot(now);
    Lost(GapReason::kLost, now);
  } else if (result == ReplicaTable::Result::kNewEpoch) {
    pulls_ = 2;
    heartbeat_number_ = 0;
  }
  NotifyIfCurrent(now);
}

ReplicaTable::Result FollowSession::Apply(std::string_view topic, std::string_view payload) {
  if (filtered() && topic.starts_with(publish::kUserTopicPrefix)) {
    publish::UserFrameView frame;
    if (!ReadUserFrame(payload, frame)) return ReplicaTable::Result::kInvalid;
    return table_.ApplyUserFrame(frame);
  }
  if (topic != (filtered() ? publish::kHeartbeatTopic : publish::kStreamTopic) ||
      !ReadStreamFrame(payload, stream_frame_) || stream_frame_.epoch == 0) {
    return ReplicaTable::Result::kInvalid;
  }
  if (stream_frame_.heartbeat) TakeHeartbeat(*stream_frame_.heartbeat);
  if (!filtered()) return table_.ApplyFrame(stream_frame_);
  const ReplicaTable::Result result = table_.ApplyHeartbeat(stream_frame_);
  return result == ReplicaTable::Result::kApplied && MissedHeartbeat() ? ReplicaTable::Result::kGap
                                                                       : result;
}

// Of some users: by the number of the heartbeat at hand, one before it was lost, and who knows
// which frames with it.
bool FollowSession::MissedHeartbeat() {
  if (!stream_frame_.heartbeat || stream_frame_.heartbeat->number() == 0) return false;
  const std::uint64_t number = stream_frame_.heartbeat->number();
  const std::uint64_t before =
      std::exchange(heartbeat_number_, std::max(heartbeat_number_, number));
  return before != 0 && number > before + 1;
}

void FollowSession::TakeHeartbeat(const v1::Heartbeat& heartbeat) {
  beat_since_pull_ = true;
  const Duration interval = ToDuration(heartbeat.interval());
  if (interval > Duration(0)) interval_ = std::clamp(interval, kMinInterval, kMaxInterval);
}

void FollowSession::OnDisconnected(MonotonicTime now) {
  now_ = now;
  connected_ = false;
  pulls_ = 2;
  heartbeat_number_ = 0;
  Lost(GapReason::kDisconnected, now);
}

void FollowSession::OnPresence(const publish::PresenceValue& presence,
                               const publish::ReplicaChange& change) {
  listener_.OnPresence(presence, change);
}

void FollowSession::OnRemoved(std::string_view user, const publish::ReplicaChange& change) {
  listener_.OnRemoved(user, change);
}

void FollowSession::OnReset() {
  ++counters_.restarts;
  Lost(GapReason::kRestarted, now_);
  listener_.OnReset();
}

// --- Current or not ----------------------------------------------------------------------------

bool FollowSession::IsCurrent() const {
  if (!connected_) return false;
  if (!filtered()) return table_.current();
  // What is held stays current while it is pulled for the second time.
  return pulls_ < 2 && (table_.snapshot_done() || table_.snapshot_begun());
}

void FollowSession::NotifyIfCurrent(MonotonicTime now) {
  if (told_current_ || !IsCurrent()) return;
  told_current_ = true;
  current_since_ = now;
  listener_.OnCurrent();
}

void FollowSession::Lost(GapReason reason, MonotonicTime now) {
  if (!told_current_) return;
  told_current_ = false;
  if (now - current_since_ >= options_.max_backoff) attempts_ = 0;
  listener_.OnGap(reason);
}

// --- Time --------------------------------------------------------------------------------------

FollowSession::Step FollowSession::Advance(MonotonicTime now, bool idle) {
  now_ = now;
  // Time in which this process did not run is not the server's silence. An interval of it counts,
  // or a process that seldom runs would never hear that the server is silent.
  if (now - last_advance_ > interval_) last_heard_ += now - last_advance_ - interval_;
  last_advance_ = now;
  Step step;
  JudgeSilence(now, idle, step);
  AdvanceSnapshot(now, idle, step);
  step.next = std::min(last_heard_ + SilenceLimit(), now + interval_ / 2);
  // One that waits for a connection has nothing due.
  if (snapshot_ == Snapshot::kAsked || (snapshot_ == Snapshot::kWaiting && connected_)) {
    step.next = std::min(step.next, snapshot_due_);
  }
  step.next = std::max(step.next, now);
  return step;
}

Duration FollowSession::SilenceLimit() const {
  const Duration limit = interval_ * kSilentIntervals;
  if (connected_) return limit;
  return std::max(limit, Grown(options_.first_frame_timeout, failed_connections_));
}

Duration FollowSession::RequestLimit() const {
  return Grown(options_.request_timeout, late_pages_);
}

void FollowSession::JudgeSilence(MonotonicTime now, bool idle, Step& step) {
  if (!idle || now - last_heard_ < SilenceLimit()) return;
  ++counters_.silences;
  if (!std::exchange(connected_, false)) ++failed_connections_;
  pulls_ = 2;
  heartbeat_number_ = 0;
  last_heard_ = now;
  Lost(GapReason::kSilent, now);
  step.reopen_stream = true;
}

// --- Snapshots ---------------------------------------------------------------------------------

bool FollowSession::NeedsSnapshot() const {
  if (!filtered()) return !table_.snapshot_done();
  return pulls_ == 2 || (pulls_ == 1 && beat_since_pull_);
}

// The second pull of some users comes to nothing only if it fails.
bool FollowSession::IsPlanned() const { return filtered() && pulls_ < 2; }

void FollowSession::CountAttempt() { attempts_ = std::min(attempts_ + 1, 30); }

void FollowSession::AdvanceSnapshot(MonotonicTime now, bool idle, Step& step) {
  if (snapshot_ == Snapshot::kNone && NeedsSnapshot()) WaitForSnapshot(now);
  if (snapshot_ == Snapshot::kWaiting && connected_ && now >= snapshot_due_) BeginSnapshot(now);
  if (snapshot_ != Snapshot::kAsked) return;
  if (page_wanted_) {
    if (idle || now >= snapshot_due_) AskForPage(now, step);
  } else if (now >= snapshot_due_) {
    ++counters_.timeouts;
    if (RequestLimit() < kMaxLimit) ++late_pages_;
    step.reopen_snapshot = true;
    AskForPage(now, step);
  }
}

void FollowSession::WaitForSnapshot(MonotonicTime now) {
  snapshot_ = Snapshot::kWaiting;
  snapshot_due_ = now;
  if (attempts_ == 0) return;
  Duration delay = options_.min_backoff;
  for (int i = 1; i < attempts_ && delay < options_.max_backoff; ++i) delay *= 2;
  delay = std::min(delay, options_.max_backoff);
  const double jitter = std::uniform_real_distribution<double>(0.5, 1.0)(random_);
  snapshot_due_ += std::chrono::duration_cast<Duration>(delay * jitter);
}

void FollowSession::RetrySnapshot(MonotonicTime now) {
  // One that was counted when it began is not counted again.
  if (IsPlanned()) CountAttempt();
  WaitForSnapshot(now);
}

void FollowSession::BeginSnapshot(MonotonicTime now) {
  ++counters_.snapshots;
  if (!IsPlanned()) CountAttempt();
  table_.BeginSnapshot();
  snapshot_ = Snapshot::kAsked;
  portion_ = 0;
  page_token_.clear();
  WantPage(now);
}

void FollowSession::WantPage(MonotonicTime now) {
  page_wanted_ = true;
  snapshot_due_ = now + options_.request_timeout;
}

void FollowSession::AskForPage(MonotonicTime now, Step& step) {
  page_wanted_ = false;
  snapshot_due_ = now + RequestLimit();
  v1::SnapshotRequest request;
  request.set_request_id(++request_id_);
  request.set_page_token(page_token_);
  request.set_max_bytes(options_.page_bytes);
  const std::size_t end = std::min(portion_ + options_.users_per_request, options_.users.size());
  for (std::size_t i = portion_; i < end; ++i) request.add_users(options_.users[i]);
  step.request = request.SerializeAsString();
}

void FollowSession::OnReply(std::string_view reply, MonotonicTime now) {
  now_ = now;
  if (!reply_.ParseFromArray(reply.data(), static_cast<int>(reply.size()))) {
    ++counters_.bad_messages;
    return;
  }
  // A late answer to a request that was given up says nothing any more.
  if (snapshot_ != Snapshot::kAsked || page_wanted_ || reply_.request_id() != request_id_) return;
  const Duration taken = now - (snapshot_due_ - RequestLimit());
  if (late_pages_ > 0 && taken < RequestLimit() / 4) --late_pages_;
  if (reply_.has_error()) {
    ++counters_.refused;
    RetrySnapshot(now);
    return;
  }
  // A gap or a restart has made the snapshot worthless meanwhile.
  if (!table_.ApplyPage(reply_)) {
    RetrySnapshot(now);
    return;
  }
  page_token_ = reply_.next_page_token();
  WantPage(now);
  if (page_token_.empty()) {
    portion_ += options_.users_per_request;
    if (portion_ >= options_.users.size()) EndSnapshot();
  }
  NotifyIfCurrent(now);
}

void FollowSession::EndSnapshot() {
  table_.EndSnapshot();
  snapshot_ = Snapshot::kNone;
  page_wanted_ = false;
  if (pulls_ > 0) --pulls_;
  beat_since_pull_ = false;
}

}  // namespace unipresence::client
