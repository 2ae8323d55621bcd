#include "server/streaming/call_streams.h"

#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "server/streaming/stream_problem.h"

namespace unipresence {
class CallStreams::Reactor final : public ServerReactor {
 public:
  Reactor(CallStreams& streams, grpc::CallbackServerContext& context, std::uint64_t id)
      : streams_(streams), context_(context), id_(id) {}

  void OnWriteDone(bool ok) override {
    streams_.shared_.thread.Post(
        [&streams = streams_, id = id_, ok] { streams.OnWritten(id, ok); });
  }
  void OnCancel() override {
    streams_.shared_.thread.Post(
        [&streams = streams_, id = id_] { streams.streams_.OnCancelled(id); });
  }
  void OnDone() override { delete this; }

  void FinishWith(const absl::Status& status) { Finish(streams_.access_.answer(status)); }
  void Cancel() { context_.TryCancel(); }

  List response;  // in flight

 private:
  CallStreams& streams_;
  grpc::CallbackServerContext& context_;
  const std::uint64_t id_;
};

struct CallStreams::Open : SessionStream<Reactor> {
  std::string user;
  WatchedUsers watched;  // the user alone
  List next;             // to be sent; null: nothing new
  MonotonicTime last_write{};
};

CallStreams::CallStreams(const StreamContext& shared, StreamAccess access, Read read)
    : shared_(shared),
      access_(std::move(access)),
      read_(std::move(read)),
      streams_(shared, shared.probe.call_streams, [this](Open& open) { OnEnded(open); }) {}

CallStreams::~CallStreams() = default;

CallStreams::ServerReactor* CallStreams::Watch(grpc::CallbackServerContext* context,
                                               const absl::StatusOr<SessionKey>& key,
                                               const v1::WatchCallsRequest& request) {
  const std::uint64_t id = next_id_.fetch_add(1);
  auto* reactor = new Reactor(*this, *context, id);
  const absl::Status status = key.ok() ? shared_.limit.Enter() : key.status();
  if (!status.ok()) {
    shared_.probe.refused_streams.Add(key.ok());
    reactor->FinishWith(status);
    return reactor;
  }
  shared_.thread.Post([this, id, reactor, key = *key, user = request.user()]() mutable {
    OnOpen(id, reactor, key, std::move(user));
  });
  return reactor;
}

void CallStreams::EndSession(std::string session) {
  shared_.thread.Post([this, session = std::move(session)] {
    streams_.EndSession(session, StreamSessionEnded("log in again"));
  });
}

void CallStreams::Stop() {
  shared_.thread.Post([this] { streams_.Stop(); });
}

// --- Streams come and go -----------------------------------------------------------------------

void CallStreams::OnOpen(std::uint64_t id, Reactor* reactor, const SessionKey& key,
                         std::string user) {
  auto open = std::make_unique<Open>();
  open->id = id;
  open->reactor = reactor;
  if (!streams_.Add(std::move(open))) return;
  shared_.executor.Post([this, id, key, user = std::move(user)](Core& core) {
    absl::StatusOr<Opened> opened = Register(core, key, user);
    const std::string watched = opened.ok() ? opened->user : std::string();
    shared_.thread.Post(
        [this, id, opened = std::move(opened)]() mutable { OnRegistered(id, std::move(opened)); });
    if (!watched.empty()) ReadList(core, watched);
  });
}

absl::StatusOr<CallStreams::Opened> CallStreams::Register(Core& core, const SessionKey& key,
                                                          const std::string& user) {
  absl::StatusOr<Caller> caller = access_.admit(core, key, user);
  if (!caller.ok()) return caller.status();
  Opened opened{.caller = *std::move(caller), .user = user};
  if (opened.user.empty()) opened.user = opened.caller.user;
  v1::WatchCallsResponse unused;
  absl::Status status = read_(core, opened.user, unused);
  if (status.ok()) status = access_.open(core, opened.caller);
  if (!status.ok()) return status;
  if (!std::exchange(listening_, true)) {
    core.calls->SetListener([this](const std::string& changed) {
      if (!changed_.insert(changed).second) return;
      shared_.thread.Post([this, changed] { AskFor(changed, /*refresh=*/false); });
    });
  }
  core.calls->Watch(opened.user);
  return opened;
}

void CallStreams::OnRegistered(std::uint64_t id, absl::StatusOr<Opened> opened) {
  Open* const open = streams_.Find(id);
  if (open == nullptr) {  // it was cancelled meanwhile
    if (!opened.ok()) return;
    shared_.executor.Post([this, opened = *std::move(opened)](Core& core) {
      core.calls->Unwatch(opened.user);
      access_.close(core, opened.caller);
    });
    return;
  }
  if (!opened.ok()) {
    shared_.probe.refused_streams.Add(absl::IsResourceExhausted(opened.status()));
    return streams_.End(*open, opened.status());
  }
  open->user = std::move(opened->user);
  open->watched = std::make_shared<const std::vector<std::string>>(1, open->user);
  open->last_write = shared_.clock.Now();
  streams_.SetCaller(*open, opened->caller);
  watchers_.Enter(*open, open->watched);
}

void CallStreams::OnEnded(Open& open) {
  if (!open.caller) return;
  watchers_.Leave(open, open.watched);
  shared_.executor.Post([this, caller = *open.caller, user = open.user](Core& core) {
    core.calls->Unwatch(user);
    access_.close(core, caller);
  });
}

// --- Lists -------------------------------------------------------------------------------------

void CallStreams::AskFor(const std::string& user, bool refresh) {
  shared_.executor.Post([this, user, refresh](Core& core) {
    changed_.erase(user);
    if (refresh) core.calls->Refresh(user);
    ReadList(core, user);
  });
}

void CallStreams::ReadList(Core& core, const std::string& user) {
  auto response = std::make_shared<v1::WatchCallsResponse>();
  const absl::Status read = read_(core, user, *response);
  absl::StatusOr<List> list = List(std::move(response));
  if (!read.ok()) list = read;
  shared_.thread.Post([this, user, list = std::move(list)] { OnList(user, list); });
}

void CallStreams::OnList(const std::string& user, const absl::StatusOr<List>& list) {
  const Watchers<Open>::Of* const watching = watchers_.Find(user);
  if (watching == nullptr) return;
  const Watchers<Open>::Of copy = *watching;  // those that end leave
  for (const auto& [open, index] : copy) {
    if (!list.ok()) {
      streams_.End(*open, list.status());
      continue;
    }
    open->next = *list;
    Write(*open);
  }
}

void CallStreams::Write(Open& open) {
  if (!open.writable() || open.next == nullptr) return;
  open.writing = true;
  open.last_write = shared_.clock.Now();
  open.reactor->response = std::exchange(open.next, nullptr);
  open.reactor->StartWrite(open.reactor->response.get());
}

void CallStreams::OnWritten(std::uint64_t id, bool ok) {
  Open* const open = streams_.Find(id);
  if (open == nullptr) return;
  open->reactor->response.reset();
  if (streams_.OnWritten(*open, ok)) Write(*open);
}

void CallStreams::Tick() {
  const MonotonicTime now = shared_.clock.Now();
  if (now < next_tick_) return;
  next_tick_ = now + shared_.options.tick;
  streams_.CancelUnread();
  absl::flat_hash_set<std::string> silent;
  for (const auto& [id, open] : streams_.all()) {
    if (!open->writable() || now - open->last_write < shared_.options.heartbeat) continue;
    open->last_write = now;
    silent.insert(open->user);
  }
  for (const std::string& user : silent) AskFor(user, /*refresh=*/true);
}

}  // namespace unipresence
