#ifndef UNIPRESENCE_SERVER_STREAMING_SESSION_STREAMS_H_
#define UNIPRESENCE_SERVER_STREAMING_SESSION_STREAMS_H_

// The open streams of one streaming rpc: each begins without a caller, belongs to a session once it
// is registered, and ends once, as soon as no write is in flight.
//
// Thread: the watch thread's.

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "absl/status/status.h"
#include "aggregator/base/probe.h"
#include "server/streaming/stream_context.h"
#include "server/streaming/stream_problem.h"

namespace unipresence {

// What the streams of all rpcs have; those of one rpc derive from it. The reactor is the rpc's own,
// with FinishWith(status), which is its end, and Cancel().
template <typename Reactor>
struct SessionStream {
  std::uint64_t id = 0;
  Reactor* reactor = nullptr;
  std::optional<Caller> caller;  // once registered
  bool writing = false;
  std::optional<absl::Status> end;  // why it ends, while a write is still in flight
  MonotonicTime end_deadline{};

  bool writable() const { return caller && !writing && !end; }
};

template <typename Stream>
class SessionStreams {
 public:
  using Map = absl::flat_hash_map<std::uint64_t, std::unique_ptr<Stream>>;

  // The limit was entered for each stream and is left at its end. `open` tells their number.
  // `ended` is called before the rpc is answered. All must outlive this.
  SessionStreams(const StreamContext& shared, Gauge& open, std::function<void(Stream&)> ended)
      : shared_(shared), open_(open), ended_(std::move(ended)) {}

  // False if it was ended at once, for the server stops.
  bool Add(std::unique_ptr<Stream> added) {
    Stream& stream = *added;
    streams_.emplace(stream.id, std::move(added));
    Tell();
    if (stopped_) End(stream, StreamsStopping());
    return !stopped_;
  }

  // Null if it has ended.
  Stream* Find(std::uint64_t id) {
    const auto it = streams_.find(id);
    return it == streams_.end() ? nullptr : it->second.get();
  }
  const Map& all() const { return streams_; }

  // It belongs to the caller's session from now on.
  void SetCaller(Stream& stream, const Caller& caller) {
    stream.caller = caller;
    by_session_[stream.caller->session].insert(stream.id);
  }

  // At once, or when its write is over: the stream may be gone after this. Ended again it keeps its
  // first status.
  void End(Stream& stream, const absl::Status& status) {
    if (stream.end) return;
    stream.end = status;
    stream.end_deadline = shared_.clock.Now() + kEndPatience;
    if (!stream.writing) Finish(stream);
  }
  void OnCancelled(std::uint64_t id) {
    if (Stream* const stream = Find(id)) End(*stream, ClientEnded());
  }
  void EndSession(const std::string& session, const absl::Status& status) {
    const auto it = by_session_.find(session);
    if (it == by_session_.end()) return;
    const std::vector<std::uint64_t> ids(it->second.begin(), it->second.end());
    for (const std::uint64_t id : ids) End(*Find(id), status);
  }
  // Ends all, and those to come.
  void Stop() {
    stopped_ = true;
    std::vector<std::uint64_t> ids;
    for (const auto& [id, stream] : streams_) ids.push_back(id);
    for (const std::uint64_t id : ids) End(*Find(id), StreamsStopping());
  }

  // A write is over. False if the stream has ended by that.
  bool OnWritten(Stream& stream, bool ok) {
    stream.writing = false;
    if (stream.end) {
      Finish(stream);
      return false;
    }
    if (!ok) End(stream, ClientEnded());
    return ok;
  }

  // Cancels those whose client has not read what was written before their end. Now and then.
  void CancelUnread() {
    const MonotonicTime now = shared_.clock.Now();
    for (const auto& [id, stream] : streams_) {
      if (stream->end && now >= stream->end_deadline) stream->reactor->Cancel();
    }
  }

 private:
  // How long an end waits for a client that does not read.
  static constexpr Duration kEndPatience = std::chrono::seconds(2);

  static absl::Status ClientEnded() { return absl::CancelledError("the client ended the stream"); }

  void Finish(Stream& stream) {
    if (stream.caller) {
      const auto session = by_session_.find(stream.caller->session);
      session->second.erase(stream.id);
      if (session->second.empty()) by_session_.erase(session);
    }
    ended_(stream);
    shared_.limit.Leave();
    stream.reactor->FinishWith(*stream.end);
    streams_.erase(stream.id);
    Tell();
  }

  void Tell() { open_.Set(static_cast<std::int64_t>(streams_.size())); }

  const StreamContext& shared_;
  Gauge& open_;
  const std::function<void(Stream&)> ended_;
  Map streams_;
  absl::flat_hash_map<std::string, absl::flat_hash_set<std::uint64_t>> by_session_;
  bool stopped_ = false;
};

}  // namespace unipresence

#endif  // UNIPRESENCE_SERVER_STREAMING_SESSION_STREAMS_H_
