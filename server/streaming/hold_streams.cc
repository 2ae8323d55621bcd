#include "server/streaming/hold_streams.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "server/streaming/stream_problem.h"

namespace unipresence {
namespace {

// The session of a silent client expires by itself; the stream's own end is for sessions that
// something else keeps alive, and comes a little later.
constexpr Duration kPatience = std::chrono::seconds(1);

Duration TimeToLiveOf(const v1::Session& session) {
  const google::protobuf::Duration& time = session.time_to_live();
  return std::chrono::seconds(time.seconds()) + std::chrono::nanoseconds(time.nanos());
}

}  // namespace

class HoldStreams::Reactor final : public ServerReactor {
 public:
  Reactor(HoldStreams& streams, grpc::CallbackServerContext& context, std::uint64_t id)
      : streams_(streams), context_(context), id_(id) {}

  void OnReadDone(bool ok) override {
    Post([ok](HoldStreams& streams, std::uint64_t id) { streams.OnRead(id, ok); });
  }
  void OnWriteDone(bool ok) override {
    Post([ok](HoldStreams& streams, std::uint64_t id) { streams.OnWritten(id, ok); });
  }
  void OnCancel() override {
    Post([](HoldStreams& streams, std::uint64_t id) { streams.streams_.OnCancelled(id); });
  }
  void OnDone() override { delete this; }

  void FinishWith(const absl::Status& status) { Finish(streams_.access_.answer(status)); }
  void Cancel() { context_.TryCancel(); }

  v1::HoldSessionRequest request;
  v1::HoldSessionResponse response;

 private:
  template <typename Task>
  void Post(Task task) {
    streams_.shared_.thread.Post([&streams = streams_, id = id_, task] { task(streams, id); });
  }

  HoldStreams& streams_;
  grpc::CallbackServerContext& context_;
  const std::uint64_t id_;
};

struct HoldStreams::Open : SessionStream<Reactor> {
  SessionKey key;
  Duration time_to_live{};
  MonotonicTime silent_deadline = MonotonicTime::max();  // until its first message
};

HoldStreams::HoldStreams(const StreamContext& shared, StreamAccess access, Touch touch)
    : shared_(shared),
      access_(std::move(access)),
      touch_(std::move(touch)),
      streams_(shared, shared.probe.hold_streams, [this](Open& open) { OnEnded(open); }) {}

HoldStreams::~HoldStreams() = default;

HoldStreams::ServerReactor* HoldStreams::Hold(grpc::CallbackServerContext* context,
                                              const absl::StatusOr<SessionKey>& key) {
  const std::uint64_t id = next_id_.fetch_add(1);
  auto* reactor = new Reactor(*this, *context, id);
  const absl::Status status = key.ok() ? shared_.limit.Enter() : key.status();
  if (!status.ok()) {
    reactor->FinishWith(status);
    return reactor;
  }
  shared_.thread.Post([this, id, reactor, key = *key] { OnOpen(id, reactor, key); });
  return reactor;
}

void HoldStreams::EndSession(std::string session) {
  shared_.thread.Post([this, session = std::move(session)] {
    streams_.EndSession(session, StreamSessionEnded("log in again"));
  });
}

void HoldStreams::Stop() {
  shared_.thread.Post([this] { streams_.Stop(); });
}

void HoldStreams::OnOpen(std::uint64_t id, Reactor* reactor, const SessionKey& key) {
  auto open = std::make_unique<Open>();
  open->id = id;
  open->reactor = reactor;
  open->key = key;
  if (!streams_.Add(std::move(open))) return;
  shared_.executor.Post([this, id, key](Core& core) {
    absl::StatusOr<Caller> caller = access_.admit(core, key, {});
    if (caller.ok()) {
      if (absl::Status opened = access_.open(core, *caller); !opened.ok()) caller = opened;
    }
    shared_.thread.Post(
        [this, id, caller = std::move(caller)]() mutable { OnRegistered(id, std::move(caller)); });
  });
}

void HoldStreams::OnRegistered(std::uint64_t id, absl::StatusOr<Caller> caller) {
  Open* const open = streams_.Find(id);
  if (open == nullptr) {  // it was cancelled meanwhile
    if (caller.ok()) {
      shared_.executor.Post([this, caller = *caller](Core& core) { access_.close(core, caller); });
    }
    return;
  }
  if (!caller.ok()) return streams_.End(*open, caller.status());
  streams_.SetCaller(*open, *caller);
  open->reactor->StartRead(&open->reactor->request);
}

void HoldStreams::OnRead(std::uint64_t id, bool ok) {
  Open* const open = streams_.Find(id);
  if (open == nullptr) return;
  if (!ok) return streams_.End(*open, absl::OkStatus());  // the client is through
  shared_.executor.Post([this, id, key = open->key](Core& core) {
    shared_.thread.Post(
        [this, id, answer = touch_(core, key)]() mutable { OnTouched(id, std::move(answer)); });
  });
}

void HoldStreams::OnTouched(std::uint64_t id, absl::StatusOr<v1::Session> session) {
  Open* const open = streams_.Find(id);
  if (open == nullptr || open->end) return;
  if (!session.ok()) return streams_.End(*open, session.status());
  open->time_to_live = TimeToLiveOf(*session) + kPatience;
  open->silent_deadline = shared_.clock.Now() + open->time_to_live;
  open->writing = true;
  *open->reactor->response.mutable_session() = *std::move(session);
  open->reactor->StartWrite(&open->reactor->response);
}

void HoldStreams::OnWritten(std::uint64_t id, bool ok) {
  Open* const open = streams_.Find(id);
  if (open == nullptr || !streams_.OnWritten(*open, ok)) return;
  open->reactor->StartRead(&open->reactor->request);
}

void HoldStreams::OnEnded(Open& open) {
  if (!open.caller) return;
  shared_.executor.Post([this, caller = *open.caller](Core& core) { access_.close(core, caller); });
}

void HoldStreams::Tick() {
  const MonotonicTime now = shared_.clock.Now();
  if (now < next_tick_) return;
  // Where the process stood still nothing could be heard; the session's own deadline knows that.
  const bool stood_still = last_tick_ && now - *last_tick_ > shared_.options.longest_pause;
  last_tick_ = now;
  next_tick_ = now + shared_.options.tick;
  std::vector<std::uint64_t> silent;
  streams_.CancelUnread();
  for (const auto& [id, open] : streams_.all()) {
    if (stood_still && open->silent_deadline != MonotonicTime::max()) {
      open->silent_deadline = std::max(open->silent_deadline, now + open->time_to_live);
    }
    if (now >= open->silent_deadline) silent.push_back(id);
  }
  for (const std::uint64_t id : silent) {
    streams_.End(*streams_.Find(id),
                 absl::DeadlineExceededError("no message came for one time_to_live"));
  }
}

}  // namespace unipresence
