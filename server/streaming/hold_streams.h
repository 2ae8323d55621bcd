#ifndef UNIPRESENCE_SERVER_STREAMING_HOLD_STREAMS_H_
#define UNIPRESENCE_SERVER_STREAMING_HOLD_STREAMS_H_

// The HoldSession streams: each message gives the session another time-to-live and is answered by
// it.
//
// The stream as such does not keep the session alive, its messages do: so a session whose client
// vanished ends one time-to-live after its last message, without waiting for the dead connection to
// be noticed.

#include <grpcpp/server_context.h>
#include <grpcpp/support/server_callback.h>

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "server/streaming/session_streams.h"
#include "server/streaming/stream_context.h"
#include "unipresence/v1/session.pb.h"

namespace unipresence {

class HoldStreams {
 public:
  // The session of that key with another time-to-live, as its client is told. Thread: the
  // pipeline's.
  using Touch = std::function<absl::StatusOr<v1::Session>(Core& core, const SessionKey& key)>;

  // `shared` must outlive this.
  HoldStreams(const StreamContext& shared, StreamAccess access, Touch touch);
  ~HoldStreams();

  using ServerReactor = grpc::ServerBidiReactor<v1::HoldSessionRequest, v1::HoldSessionResponse>;
  // The rpc, of the session of that key; an error ends it at once. Thread: gRPC's.
  ServerReactor* Hold(grpc::CallbackServerContext* context, const absl::StatusOr<SessionKey>& key);

  // Any thread. Ends the streams of that session.
  void EndSession(std::string session);
  // Any thread. Ends all streams, and those to come, with SERVER_STOPPING.
  void Stop();

  // Thread: the watch thread's. To be called each WatchOptions::tick.
  void Tick();

 private:
  class Reactor;
  struct Open;

  void OnOpen(std::uint64_t id, Reactor* reactor, const SessionKey& key);
  void OnRegistered(std::uint64_t id, absl::StatusOr<Caller> caller);
  void OnRead(std::uint64_t id, bool ok);
  void OnTouched(std::uint64_t id, absl::StatusOr<v1::Session> session);
  void OnWritten(std::uint64_t id, bool ok);
  void OnEnded(Open& open);

  const StreamContext& shared_;
  const StreamAccess access_;
  const Touch touch_;
  std::atomic<std::uint64_t> next_id_{1};

  // The rest is the watch thread's.
  SessionStreams<Open> streams_;
  MonotonicTime next_tick_;
  std::optional<MonotonicTime> last_tick_;
};

}  // namespace unipresence

#endif  // UNIPRESENCE_SERVER_STREAMING_HOLD_STREAMS_H_
