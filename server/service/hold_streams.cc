#include "server/service/hold_streams.h"

#include <optional>
#include <utility>
#include <vector>

#include "server/service/convert.h"
#include "server/service/status.h"

namespace unipresence {
namespace {

// The session of a silent client expires by itself; the stream's own end is for sessions that
// something else keeps alive, and comes a little later.
constexpr Duration kPatience = std::chrono::seconds(1);
// How long an end waits for a client that does not read before the stream is cancelled.
constexpr Duration kEndPatience = std::chrono::seconds(2);

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
    Post([](HoldStreams& streams, std::uint64_t id) {
      streams.End(id, absl::CancelledError("the client ended the stream"));
    });
  }
  void OnDone() override { delete this; }

  void FinishWith(const absl::Status& status) {
    Finish(AnswerOf(streams_.shared_, Method::kHoldSession, status));
  }
  void Cancel() { context_.TryCancel(); }

  v1::HoldSessionRequest request;
  v1::HoldSessionResponse response;

 private:
  template <typename Task>
  void Post(Task task) {
    streams_.thread_.Post([&streams = streams_, id = id_, task] { task(streams, id); });
  }

  HoldStreams& streams_;
  grpc::CallbackServerContext& context_;
  const std::uint64_t id_;
};

struct HoldStreams::Open {
  std::uint64_t id;
  Reactor* reactor;
  SessionKey key;
  std::optional<Caller> caller;  // once registered
  bool writing = false;
  std::optional<absl::Status> end;  // why it ends, while a write is still in flight
  MonotonicTime end_deadline{};
  MonotonicTime silent_deadline = MonotonicTime::max();
};

HoldStreams::HoldStreams(const WatchOptions& options, const ServiceContext& shared,
                         StreamLimit& limit, TaskThread& thread)
    : options_(options),
      shared_(shared),
      limit_(limit),
      thread_(thread),
      poster_(shared.executor) {}

HoldStreams::~HoldStreams() = default;

HoldStreams::ServerReactor* HoldStreams::Hold(grpc::CallbackServerContext* context) {
  const std::uint64_t id = next_id_.fetch_add(1);
  auto* reactor = new Reactor(*this, *context, id);
  const absl::StatusOr<SessionKey> key = KeyOf(*context);
  const absl::Status status = key.ok() ? limit_.Enter() : key.status();
  if (!status.ok()) {
    reactor->FinishWith(status);
    return reactor;
  }
  thread_.Post([this, id, reactor, key = *key] { OnOpen(id, reactor, key); });
  return reactor;
}

void HoldStreams::EndSession(std::string session) {
  thread_.Post([this, session = std::move(session)] {
    const auto it = by_session_.find(session);
    if (it == by_session_.end()) return;
    const std::vector<std::uint64_t> ids(it->second.begin(), it->second.end());
    for (const std::uint64_t id : ids) {
      End(id, Failure(v1::ERROR_REASON_SESSION_EXPIRED, "the session has ended; log in again"));
    }
  });
}

void HoldStreams::Stop() {
  thread_.Post([this] {
    stopped_ = true;
    std::vector<std::uint64_t> ids;
    for (const auto& [id, open] : streams_) ids.push_back(id);
    for (const std::uint64_t id : ids) End(id, ServerStopping());
  });
}

void HoldStreams::OnOpen(std::uint64_t id, Reactor* reactor, const SessionKey& key) {
  streams_.emplace(id, std::make_unique<Open>(Open{.id = id, .reactor = reactor, .key = key}));
  shared_.probe.hold_streams.Set(static_cast<std::int64_t>(streams_.size()));
  if (stopped_) return End(id, ServerStopping());
  poster_.Post([this, id, key](Core& core) {
    absl::StatusOr<Caller> caller = shared_.sessions.Authenticate(core, key);
    if (caller.ok()) {
      absl::Status opened = shared_.sessions.OpenStream(
          core, *caller, options_.max_streams_per_session, /*hold=*/false);
      if (!opened.ok()) caller = opened;
    }
    thread_.Post(
        [this, id, caller = std::move(caller)]() mutable { OnRegistered(id, std::move(caller)); });
  });
}

void HoldStreams::OnRegistered(std::uint64_t id, absl::StatusOr<Caller> caller) {
  const auto it = streams_.find(id);
  if (it == streams_.end()) {  // it was cancelled meanwhile
    if (caller.ok()) {
      poster_.Post([this, caller = *caller](Core& core) {
        shared_.sessions.CloseStream(core, caller, /*hold=*/false);
      });
    }
    return;
  }
  if (!caller.ok()) return End(id, caller.status());
  Open& open = *it->second;
  open.caller = *std::move(caller);
  by_session_[open.caller->session].insert(id);
  open.reactor->StartRead(&open.reactor->request);
}

void HoldStreams::OnRead(std::uint64_t id, bool ok) {
  const auto it = streams_.find(id);
  if (it == streams_.end()) return;
  if (!ok) return End(id, absl::OkStatus());  // the client is through
  poster_.Post([this, id, key = it->second->key](Core& core) {
    const absl::StatusOr<Caller> caller = shared_.sessions.Authenticate(core, key);
    absl::StatusOr<v1::Session> answer = v1::Session();
    if (!caller.ok()) {
      answer = caller.status();
    } else {
      FillSession(core, shared_.sessions, *shared_.sessions.Find(caller->session), *answer);
    }
    thread_.Post(
        [this, id, answer = std::move(answer)]() mutable { OnTouched(id, std::move(answer)); });
  });
}

void HoldStreams::OnTouched(std::uint64_t id, absl::StatusOr<v1::Session> session) {
  const auto it = streams_.find(id);
  if (it == streams_.end()) return;
  if (!session.ok()) return End(id, session.status());
  Open& open = *it->second;
  if (open.end) return;
  open.silent_deadline = shared_.clock.Now() + DurationOf(session->time_to_live()) + kPatience;
  open.writing = true;
  *open.reactor->response.mutable_session() = *std::move(session);
  open.reactor->StartWrite(&open.reactor->response);
}

void HoldStreams::OnWritten(std::uint64_t id, bool ok) {
  const auto it = streams_.find(id);
  if (it == streams_.end()) return;
  Open& open = *it->second;
  open.writing = false;
  if (open.end) return Finish(open);
  if (!ok) return End(id, absl::CancelledError("the client ended the stream"));
  open.reactor->StartRead(&open.reactor->request);
}

void HoldStreams::End(std::uint64_t id, absl::Status status) {
  const auto it = streams_.find(id);
  if (it == streams_.end() || it->second->end) return;
  Open& open = *it->second;
  open.end = std::move(status);
  open.end_deadline = shared_.clock.Now() + kEndPatience;
  if (!open.writing) Finish(open);
}

void HoldStreams::Finish(Open& open) {
  if (open.caller) {
    const auto session = by_session_.find(open.caller->session);
    session->second.erase(open.id);
    if (session->second.empty()) by_session_.erase(session);
    poster_.Post([this, caller = *open.caller](Core& core) {
      shared_.sessions.CloseStream(core, caller, /*hold=*/false);
    });
  }
  limit_.Leave();
  open.reactor->FinishWith(*open.end);
  streams_.erase(open.id);
  shared_.probe.hold_streams.Set(static_cast<std::int64_t>(streams_.size()));
}

void HoldStreams::Tick() {
  const MonotonicTime now = shared_.clock.Now();
  if (now < next_tick_) return;
  next_tick_ = now + options_.tick;
  poster_.Flush();
  std::vector<std::uint64_t> silent;
  for (const auto& [id, open] : streams_) {
    if (open->end && open->writing && now >= open->end_deadline) open->reactor->Cancel();
    if (now >= open->silent_deadline) silent.push_back(id);
  }
  for (const std::uint64_t id : silent) {
    End(id, absl::DeadlineExceededError("no message came for one time_to_live"));
  }
}

}  // namespace unipresence
