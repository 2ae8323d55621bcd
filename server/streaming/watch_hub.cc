#include "server/streaming/watch_hub.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "aggregator/base/strings.h"
#include "server/streaming/stream_problem.h"

namespace unipresence {
namespace {

// Streams served in one round, so that batches and other streams' events are not kept waiting.
constexpr std::size_t kPumpsPerRound = 64;

}  // namespace

// --- The rpc, on gRPC's threads ---

class WatchHub::Reactor final : public grpc::ServerWriteReactor<grpc::ByteBuffer> {
 public:
  Reactor(WatchHub& hub, grpc::CallbackServerContext& context, std::uint64_t id)
      : hub_(hub), context_(context), id_(id) {}

  void OnWriteDone(bool ok) override {
    hub_.shared_.thread.Post([&hub = hub_, id = id_, ok] { hub.OnWritten(id, ok); });
  }
  void OnCancel() override {
    hub_.shared_.thread.Post([&hub = hub_, id = id_] { hub.streams_.OnCancelled(id); });
  }
  void OnDone() override { delete this; }

  void FinishWith(const absl::Status& status) { Finish(hub_.source_.Answer(status)); }
  void Cancel() { context_.TryCancel(); }

  grpc::ByteBuffer response;  // in flight; the watch thread's while none is

 private:
  WatchHub& hub_;
  grpc::CallbackServerContext& context_;
  const std::uint64_t id_;
};

struct WatchHub::Open : SessionStream<Reactor> {
  explicit Open(WatchStream watch) : stream(std::move(watch)) {}

  WatchStream stream;
  bool wants_mailboxes = false;
  bool ready = false;  // in `ready_`
  MonotonicTime last_write{};
};

grpc::ServerWriteReactor<grpc::ByteBuffer>* WatchHub::Watch(grpc::CallbackServerContext* context,
                                                            absl::StatusOr<WatchRequest> request) {
  const std::uint64_t id = next_id_.fetch_add(1);
  auto* reactor = new Reactor(*this, *context, id);
  const absl::Status status = request.ok() ? shared_.limit.Enter() : request.status();
  if (!status.ok()) {
    shared_.probe.refused_streams.Add(absl::IsResourceExhausted(status));
    reactor->FinishWith(status);
    return reactor;
  }
  shared_.thread.Post([this, id, reactor, request = *std::move(request)]() mutable {
    OnOpen(id, reactor, std::move(request));
  });
  return reactor;
}

WatchHub::WatchHub(const StreamContext& shared, WatchSource& source)
    : shared_(shared),
      source_(source),
      presences_(shared.options.max_waiting_bytes, WatchHistory(shared.options.window)),
      mailboxes_(shared.options.max_waiting_bytes, NewestLog()),
      streams_(shared, shared.probe.watch_streams, [this](Open& open) { OnEnded(open); }) {}

WatchHub::~WatchHub() = default;

void WatchHub::EndSession(std::string session) {
  shared_.thread.Post([this, session = std::move(session)] {
    streams_.EndSession(session, StreamSessionEnded("log in again and resume with the last token"));
  });
}

void WatchHub::Stop() {
  shared_.thread.Post([this] { streams_.Stop(); });
}

// --- Streams come and go ---

void WatchHub::OnOpen(std::uint64_t id, Reactor* reactor, WatchRequest request) {
  auto open = std::make_unique<Open>(
      WatchStream(std::move(request.users), std::move(request.resume_token)));
  open->id = id;
  open->reactor = reactor;
  open->wants_mailboxes = request.mailboxes;
  if (!streams_.Add(std::move(open))) return;
  ++registering_;
  shared_.executor.Post([this, id, key = request.key, mailboxes = request.mailboxes](Core& core) {
    shared_.thread.Post([this, id, opened = source_.Open(core, key, mailboxes)]() mutable {
      OnRegistered(id, std::move(opened));
    });
  });
}

void WatchHub::OnRegistered(std::uint64_t id, absl::StatusOr<WatchSource::Opened> opened) {
  --registering_;
  // Also for a stream that is gone by now: those after it rely on it. When batches were made
  // before, the log is only behind, and what it lacks up to that sequence is on its way.
  if (opened.ok() && opened->started && history().log().end() < opened->registration.sequence) {
    presences_.log().Reset(opened->registration.sequence);
    ++log_version_;
  }
  if (opened.ok() && opened->mailboxes_started &&
      mailboxes_.log().end() < opened->registration.mailbox_sequence) {
    mailboxes_.log().Reset(opened->registration.mailbox_sequence);
  }
  Open* const found = streams_.Find(id);
  if (found == nullptr) {  // it was cancelled meanwhile
    if (opened.ok()) {
      shared_.executor.Post(
          [this, caller = opened->caller](Core& core) { source_.Close(core, caller); });
    }
    return;
  }
  Open& open = *found;
  if (!opened.ok()) {
    shared_.probe.refused_streams.Add(absl::IsResourceExhausted(opened.status()));
    return streams_.End(open, opened.status());
  }
  streams_.SetCaller(open, opened->caller);
  if (open.wants_mailboxes) {
    open.stream.WatchMailboxes(open.caller->user, open.caller->role == Role::kAdministrator,
                               mailboxes_.log());
  }
  switch (open.stream.Begin(opened->registration, history())) {
    case WatchStream::Start::kFresh:
      break;
    case WatchStream::Start::kResumed:
    case WatchStream::Start::kReread:
      shared_.probe.watch_resumed.Add();
      break;
    case WatchStream::Start::kReset:
      shared_.probe.watch_resets.Add();
      break;
  }
  open.last_write = shared_.clock.Now();
  Enter(open);
  Wake(open);
}

void WatchHub::Enter(Open& open) {
  presences_.watchers().Enter(open, open.stream.users());
  const MailboxWatch* const mailboxes = open.stream.mailboxes();
  if (mailboxes != nullptr) mailboxes_.watchers().Enter(open, mailboxes->users());
}

void WatchHub::Leave(Open& open) {
  presences_.watchers().Leave(open, open.stream.users());
  const MailboxWatch* const mailboxes = open.stream.mailboxes();
  if (mailboxes != nullptr) mailboxes_.watchers().Leave(open, mailboxes->users());
}

void WatchHub::OnEnded(Open& open) {
  if (open.caller) {
    shared_.executor.Post(
        [this, caller = *open.caller](Core& core) { source_.Close(core, caller); });
  }
  Leave(open);
}

// --- Changes come ---

void WatchHub::OnBatch(std::shared_ptr<const publish::Batch> batch) {
  NotePushed(presences_.Push(std::move(batch)));
}

void WatchHub::OnMailboxes(std::shared_ptr<const publish::Batch> batch) {
  NotePushed(mailboxes_.Push(std::move(batch)));
}

void WatchHub::NotePushed(const WaitingBatches::Pushed& pushed) {
  shared_.probe.watch_dropped_batches.Add(pushed.dropped);
  if (pushed.wake) shared_.thread.Post([] {});  // Work() follows
}

void WatchHub::TakePresences() {
  const bool news = presences_.Drain(
      [this] { StartOverAll(); },
      [this](Open& open, std::uint32_t index, const publish::Batch& batch, std::size_t i) {
        open.stream.NoteChange(index, batch.sequence(i), history());
        Wake(open);
      },
      [this] {
        if (history().log().full()) TrimHistory();
      });
  if (!news) return;
  ++log_version_;
  for (Open* open : presences_.watchers().everyone()) Wake(*open);
  CountSizes();
}

// Changes leave the log; what is still needed of them is kept, within its bound.
void WatchHub::TrimHistory() {
  const std::uint64_t begin = history().log().TrimmedBegin();
  std::vector<std::uint64_t> places;
  std::vector<Open*> behind;
  std::size_t entries = history().entries();
  for (const auto& [id, open] : streams_.all()) {
    if (!open->caller || open->end || !open->stream.FallsBehind(begin, history())) continue;
    behind.push_back(open.get());
    entries += open->stream.entries();
    if (open->stream.everyone() && open->stream.place() < begin) {
      places.push_back(open->stream.place());
    }
  }
  if (entries > shared_.options.max_merged) {
    for (Open* open : behind) StartOver(*open);
    behind.clear();
    places.clear();
  }
  std::sort(places.begin(), places.end());
  places.erase(std::unique(places.begin(), places.end()), places.end());
  presences_.log().Trim(places, !behind.empty());
  ++log_version_;
}

void WatchHub::CountSizes() {
  StreamProbe& probe = shared_.probe;
  probe.watch_log_entries.Set(
      static_cast<std::int64_t>(history().log().size() + history().entries()));
  probe.watch_log_bytes.Set(static_cast<std::int64_t>(history().log().bytes()));
}

void WatchHub::TakeMailboxes() {
  const bool news = mailboxes_.Drain(
      [this] {
        for (const auto& [id, open] : streams_.all()) {
          if (open->stream.mailboxes() != nullptr) StartOver(*open);
        }
      },
      [this](Open& open, std::uint32_t, const publish::Batch& batch, std::size_t i) {
        open.stream.mailboxes()->NoteChange(batch.user(i), batch.sequence(i));
        Wake(open);
      },
      [] {});
  if (!news) return;
  for (Open* open : mailboxes_.watchers().everyone()) Wake(*open);
}

void WatchHub::StartOverAll() {
  ++log_version_;
  for (const auto& [id, open] : streams_.all()) StartOver(*open);
}

void WatchHub::StartOver(Open& open) {
  if (!open.caller || open.end) return;
  open.stream.StartOver(history());
  shared_.probe.watch_resets.Add();
  Wake(open);
}

// --- Responses go out ---

bool WatchHub::Work() {
  TakePresences();
  TakeMailboxes();
  if (shared_.clock.Now() >= next_tick_) Tick();
  for (std::size_t i = 0; i < kPumpsPerRound && !ready_.empty(); ++i) {
    Open* const open = streams_.Find(ready_.front());
    ready_.pop_front();
    if (open == nullptr) continue;
    open->ready = false;
    Pump(*open);
  }
  return !ready_.empty();
}

void WatchHub::Wake(Open& open) {
  if (open.ready || !open.writable()) return;
  open.ready = true;
  ready_.push_back(open.id);
}

void WatchHub::Pump(Open& open) {
  if (!open.writable()) return;
  const std::optional<std::uint64_t> place = open.stream.SharedPlace(history());
  if (place && last_response_.version == log_version_ && last_response_.from == *place) {
    open.stream.SkipTo(last_response_.to);
    return Write(open, last_response_.response);
  }
  std::optional<WatchStream::Response> response =
      open.stream.Next(history(), shared_.options.response_bytes);
  if (response && place) {
    last_response_ = {
        .version = log_version_, .from = *place, .to = open.stream.place(), .response = *response};
  }
  if (response) Write(open, *response);
  AskForSlice(open);
}

void WatchHub::Write(Open& open, const WatchStream::Response& response) {
  open.writing = true;
  open.last_write = shared_.clock.Now();
  shared_.probe.watch_responses.Add();
  shared_.probe.watch_updates.Add(response.updates);
  shared_.probe.watch_bytes.Add(response.bytes.Length());
  shared_.probe.watch_coalesced.Add(response.missed);
  open.reactor->response = response.bytes;
  open.reactor->StartWrite(&open.reactor->response);
}

void WatchHub::OnWritten(std::uint64_t id, bool ok) {
  Open* const open = streams_.Find(id);
  if (open == nullptr) return;
  open->reactor->response.Clear();
  if (streams_.OnWritten(*open, ok)) Wake(*open);
}

void WatchHub::AskForSlice(Open& open) {
  if (!open.stream.wants_slice()) return;
  slices_wanted_.push_back(open.id);
  ReadNextSlice();
}

void WatchHub::ReadNextSlice() {
  while (!slice_in_flight_ && !slices_wanted_.empty()) {
    const std::uint64_t id = slices_wanted_.front();
    slices_wanted_.pop_front();
    Open* const open = streams_.Find(id);
    if (open == nullptr) continue;
    const std::optional<SliceRequest> request = open->stream.TakeSliceRequest();
    if (!request) continue;
    slice_in_flight_ = true;
    shared_.executor.Post([this, id, users = open->stream.users(), request = *request](Core& core) {
      shared_.thread.Post([this, id, slice = source_.ReadSlice(core, users, request)]() mutable {
        OnSlice(id, std::move(slice));
      });
    });
  }
}

void WatchHub::OnSlice(std::uint64_t id, InitialSlice slice) {
  slice_in_flight_ = false;
  shared_.probe.watch_initial_values.Add(slice.updates);
  Open* const open = streams_.Find(id);
  if (open != nullptr && open->stream.AddSlice(std::move(slice))) Wake(*open);
  ReadNextSlice();
}

// --- Time passes ---

void WatchHub::Tick() {
  const MonotonicTime now = shared_.clock.Now();
  next_tick_ = now + shared_.options.tick;
  streams_.CancelUnread();
  for (const auto& [id, open] : streams_.all()) {
    if (!open->writable() || now - open->last_write < shared_.options.heartbeat) continue;
    Write(*open, open->stream.SignOfLife(history()));
  }
  TrimMailboxes();
  if (!streams_.all().empty() || history().log().end() == 0) return;
  shared_.executor.Post([this](Core& core) {
    if (!source_.StopIfIdle(core)) return;
    shared_.thread.Post([this] {
      presences_.log().Reset(0);
      mailboxes_.log().Reset(0);
      ++log_version_;
    });
  });
}

void WatchHub::TrimMailboxes() {
  // A stream that is being registered may stand anywhere above what is there now.
  if (registering_ > 0 || mailboxes_.log().entries() == 0) return;
  std::uint64_t needed = mailboxes_.log().end();
  for (const auto& [id, open] : streams_.all()) {
    const MailboxWatch* const mailboxes = open->stream.mailboxes();
    if (mailboxes != nullptr) needed = std::min(needed, mailboxes->Needs());
  }
  mailboxes_.log().Trim(needed, /*keep=*/0);
}

}  // namespace unipresence
