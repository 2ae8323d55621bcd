#include "server/service/call_streams.h"

#include <optional>
#include <utility>
#include <vector>

#include "server/service/call_convert.h"
#include "server/service/status.h"

namespace unipresence {
namespace {

// How long an end waits for a client that does not read before the stream is cancelled.
constexpr Duration kEndPatience = std::chrono::seconds(2);

}  // namespace

class CallStreams::Reactor final : public ServerReactor {
 public:
  Reactor(CallStreams& streams, grpc::CallbackServerContext& context, std::uint64_t id)
      : streams_(streams), context_(context), id_(id) {}

  void OnWriteDone(bool ok) override {
    streams_.thread_.Post([&streams = streams_, id = id_, ok] { streams.OnWritten(id, ok); });
  }
  void OnCancel() override {
    streams_.thread_.Post([&streams = streams_, id = id_] {
      streams.End(id, absl::CancelledError("the client ended the stream"));
    });
  }
  void OnDone() override { delete this; }

  void FinishWith(const absl::Status& status) {
    Finish(AnswerOf(streams_.shared_, Method::kWatchCalls, status));
  }
  void Cancel() { context_.TryCancel(); }

  List response;  // in flight

 private:
  CallStreams& streams_;
  grpc::CallbackServerContext& context_;
  const std::uint64_t id_;
};

struct CallStreams::Open {
  std::uint64_t id;
  Reactor* reactor;
  std::optional<Caller> caller;  // once registered
  std::string user{};
  List next{};  // to be sent; null: nothing new
  bool writing = false;
  std::optional<absl::Status> end{};  // why it ends, while a write is still in flight
  MonotonicTime end_deadline{};
  MonotonicTime last_write{};
};

CallStreams::CallStreams(const WatchOptions& options, const ServiceContext& shared,
                         StreamLimit& limit, TaskThread& thread)
    : options_(options),
      shared_(shared),
      limit_(limit),
      thread_(thread),
      poster_(shared.executor) {}

CallStreams::~CallStreams() = default;

CallStreams::ServerReactor* CallStreams::Watch(grpc::CallbackServerContext* context,
                                               const v1::WatchCallsRequest* request) {
  const std::uint64_t id = next_id_.fetch_add(1);
  auto* reactor = new Reactor(*this, *context, id);
  const absl::StatusOr<SessionKey> key = KeyOf(*context);
  const absl::Status status = key.ok() ? limit_.Enter() : key.status();
  if (!status.ok()) {
    shared_.probe.refused_streams.Add(key.ok());
    reactor->FinishWith(status);
    return reactor;
  }
  thread_.Post([this, id, reactor, key = *key, user = request->user()]() mutable {
    OnOpen(id, reactor, key, std::move(user));
  });
  return reactor;
}

void CallStreams::EndSession(std::string session) {
  thread_.Post([this, session = std::move(session)] {
    const auto it = by_session_.find(session);
    if (it == by_session_.end()) return;
    const std::vector<std::uint64_t> ids(it->second.begin(), it->second.end());
    for (const std::uint64_t id : ids) {
      End(id, Failure(v1::ERROR_REASON_SESSION_EXPIRED, "the session has ended; log in again"));
    }
  });
}

void CallStreams::Stop() {
  thread_.Post([this] {
    stopped_ = true;
    std::vector<std::uint64_t> ids;
    for (const auto& [id, open] : streams_) ids.push_back(id);
    for (const std::uint64_t id : ids) End(id, ServerStopping());
  });
}

// --- Streams come and go -----------------------------------------------------------------------

void CallStreams::OnOpen(std::uint64_t id, Reactor* reactor, const SessionKey& key,
                         std::string user) {
  streams_.emplace(id, std::make_unique<Open>(Open{.id = id, .reactor = reactor, .caller = {}}));
  shared_.probe.call_streams.Set(static_cast<std::int64_t>(streams_.size()));
  if (stopped_) return End(id, ServerStopping());
  poster_.Post([this, id, key, user = std::move(user)](Core& core) {
    absl::StatusOr<Opened> opened = Register(core, key, user);
    const std::string watched = opened.ok() ? opened->user : std::string();
    thread_.Post(
        [this, id, opened = std::move(opened)]() mutable { OnRegistered(id, std::move(opened)); });
    if (!watched.empty()) ReadList(core, watched);
  });
}

absl::StatusOr<CallStreams::Opened> CallStreams::Register(Core& core, const SessionKey& key,
                                                          const std::string& user) {
  absl::StatusOr<Caller> caller = shared_.sessions.Authenticate(core, key);
  if (!caller.ok()) return caller.status();
  absl::Status status = Authorize(Method::kWatchCalls, *caller, user);
  if (status.ok()) status = HasCallControl(core);
  if (!status.ok()) return status;
  Opened opened{.caller = *std::move(caller), .user = user};
  if (opened.user.empty()) opened.user = opened.caller.user;
  if (absl::Status exists = core.calls->List(opened.user).status(); !exists.ok()) {
    return FromCalls(exists, opened.user);
  }
  status = shared_.sessions.OpenStream(core, opened.caller, options_.max_streams_per_session,
                                       /*hold=*/true);
  if (!status.ok()) return status;
  if (!std::exchange(listening_, true)) {
    core.calls->SetListener([this](const std::string& changed) {
      if (!changed_.insert(changed).second) return;
      thread_.Post([this, changed] { AskFor(changed, /*refresh=*/false); });
    });
  }
  core.calls->Watch(opened.user);
  return opened;
}

void CallStreams::OnRegistered(std::uint64_t id, absl::StatusOr<Opened> opened) {
  const auto it = streams_.find(id);
  if (it == streams_.end()) {  // it was cancelled meanwhile
    if (!opened.ok()) return;
    return poster_.Post([this, opened = *std::move(opened)](Core& core) {
      core.calls->Unwatch(opened.user);
      shared_.sessions.CloseStream(core, opened.caller, /*hold=*/true);
    });
  }
  if (!opened.ok()) {
    shared_.probe.refused_streams.Add(ReasonOf(opened.status()) ==
                                      v1::ERROR_REASON_TOO_MANY_STREAMS);
    return End(id, opened.status());
  }
  Open& open = *it->second;
  open.caller = std::move(opened->caller);
  open.user = std::move(opened->user);
  open.last_write = shared_.clock.Now();
  by_session_[open.caller->session].insert(id);
  by_user_[open.user].insert(id);
}

void CallStreams::End(std::uint64_t id, absl::Status status) {
  const auto it = streams_.find(id);
  if (it == streams_.end() || it->second->end) return;
  Open& open = *it->second;
  open.end = std::move(status);
  open.end_deadline = shared_.clock.Now() + kEndPatience;
  if (!open.writing) Finish(open);
}

void CallStreams::Finish(Open& open) {
  if (open.caller) {
    const auto forget = [&](auto& map, const std::string& key) {
      const auto ids = map.find(key);
      ids->second.erase(open.id);
      if (ids->second.empty()) map.erase(ids);
    };
    forget(by_session_, open.caller->session);
    forget(by_user_, open.user);
    poster_.Post([this, caller = *open.caller, user = open.user](Core& core) {
      core.calls->Unwatch(user);
      shared_.sessions.CloseStream(core, caller, /*hold=*/true);
    });
  }
  limit_.Leave();
  open.reactor->FinishWith(*open.end);
  streams_.erase(open.id);
  shared_.probe.call_streams.Set(static_cast<std::int64_t>(streams_.size()));
}

// --- Lists -------------------------------------------------------------------------------------

void CallStreams::AskFor(const std::string& user, bool refresh) {
  poster_.Post([this, user, refresh](Core& core) {
    changed_.erase(user);
    if (refresh) core.calls->Refresh(user);
    ReadList(core, user);
  });
}

void CallStreams::ReadList(Core& core, const std::string& user) {
  const absl::StatusOr<LiveCalls> live = core.calls->List(user);
  absl::StatusOr<List> list = List();
  if (live.ok()) {
    auto response = std::make_shared<v1::WatchCallsResponse>();
    for (const LiveCall& call : live->calls) FillCall(core, user, call, *response->add_calls());
    response->set_stale(live->stale);
    list = std::move(response);
  } else {
    list = FromCalls(live.status(), user);
  }
  thread_.Post([this, user, list = std::move(list)] { OnList(user, list); });
}

void CallStreams::OnList(const std::string& user, const absl::StatusOr<List>& list) {
  const auto watching = by_user_.find(user);
  if (watching == by_user_.end()) return;
  const std::vector<std::uint64_t> ids(watching->second.begin(), watching->second.end());
  for (const std::uint64_t id : ids) {
    if (!list.ok()) {
      End(id, list.status());
      continue;
    }
    Open& open = *streams_.at(id);
    open.next = *list;
    Write(open);
  }
}

void CallStreams::Write(Open& open) {
  if (open.writing || open.end || open.next == nullptr) return;
  open.writing = true;
  open.last_write = shared_.clock.Now();
  open.reactor->response = std::exchange(open.next, nullptr);
  open.reactor->StartWrite(open.reactor->response.get());
}

void CallStreams::OnWritten(std::uint64_t id, bool ok) {
  const auto it = streams_.find(id);
  if (it == streams_.end()) return;
  Open& open = *it->second;
  open.writing = false;
  open.reactor->response.reset();
  if (open.end) return Finish(open);
  if (!ok) return End(id, absl::CancelledError("the client ended the stream"));
  Write(open);
}

void CallStreams::Tick() {
  const MonotonicTime now = shared_.clock.Now();
  if (now < next_tick_) return;
  next_tick_ = now + options_.tick;
  poster_.Flush();
  absl::flat_hash_set<std::string> silent;
  for (const auto& [id, open] : streams_) {
    if (open->end && open->writing && now >= open->end_deadline) open->reactor->Cancel();
    if (open->writing || open->end || !open->caller) continue;
    if (now - open->last_write < options_.heartbeat) continue;
    open->last_write = now;
    silent.insert(open->user);
  }
  for (const std::string& user : silent) AskFor(user, /*refresh=*/true);
}

}  // namespace unipresence
