#ifndef UNIPRESENCE_SERVER_STREAMING_CALL_STREAMS_H_
#define UNIPRESENCE_SERVER_STREAMING_CALL_STREAMS_H_

// The WatchCalls streams: the whole list of a user's live calls at first, after each change, and
// each heartbeat.
//
// One write is in flight per stream; a client that reads slowly is sent the newest list when it can
// take one. A change is read from the pipeline once per user, however often he changed meanwhile
// and however many streams watch him: the list is built once and shared. So what waits is bounded
// by the number of users watched.
//
// Streams hold their session and end with it, as those of WatchPresences do.

#include <grpcpp/server_context.h>
#include <grpcpp/support/server_callback.h>

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "absl/container/flat_hash_set.h"
#include "server/streaming/session_streams.h"
#include "server/streaming/stream_context.h"
#include "server/streaming/watchers.h"
#include "unipresence/v1/call_control.pb.h"

namespace unipresence {

class CallStreams {
 public:
  // The calls of the user as they are now, or why they cannot be told, for a client. Thread: the
  // pipeline's.
  using Read =
      std::function<absl::Status(Core& core, const std::string& user, v1::WatchCallsResponse& out)>;

  // `shared` must outlive this.
  CallStreams(const StreamContext& shared, StreamAccess access, Read read);
  ~CallStreams();

  using ServerReactor = grpc::ServerWriteReactor<v1::WatchCallsResponse>;
  // The rpc, of the session of that key; an error ends it at once. Thread: gRPC's.
  ServerReactor* Watch(grpc::CallbackServerContext* context, const absl::StatusOr<SessionKey>& key,
                       const v1::WatchCallsRequest& request);

  // Any thread. Ends the streams of that session.
  void EndSession(std::string session);
  // Any thread. Ends all streams, and those to come, with SERVER_STOPPING.
  void Stop();

  // Thread: the watch thread's. To be called each WatchOptions::tick.
  void Tick();

 private:
  class Reactor;
  struct Open;
  using List = std::shared_ptr<const v1::WatchCallsResponse>;

  // On the pipeline thread.
  struct Opened {
    Caller caller;
    std::string user;
  };
  absl::StatusOr<Opened> Register(Core& core, const SessionKey& key, const std::string& user);
  void ReadList(Core& core, const std::string& user);

  // On the watch thread.
  void OnOpen(std::uint64_t id, Reactor* reactor, const SessionKey& key, std::string user);
  void OnRegistered(std::uint64_t id, absl::StatusOr<Opened> opened);
  void AskFor(const std::string& user, bool refresh);
  void OnList(const std::string& user, const absl::StatusOr<List>& list);
  void OnWritten(std::uint64_t id, bool ok);
  void Write(Open& open);
  void OnEnded(Open& open);

  const StreamContext& shared_;
  const StreamAccess access_;
  const Read read_;
  std::atomic<std::uint64_t> next_id_{1};

  // The pipeline's.
  bool listening_ = false;
  absl::flat_hash_set<std::string> changed_;  // users whose list is about to be read

  // The rest is the watch thread's.
  SessionStreams<Open> streams_;
  Watchers<Open> watchers_;
  MonotonicTime next_tick_;
};

}  // namespace unipresence

#endif  // UNIPRESENCE_SERVER_STREAMING_CALL_STREAMS_H_
