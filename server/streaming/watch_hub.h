#ifndef UNIPRESENCE_SERVER_STREAMING_WATCH_HUB_H_
#define UNIPRESENCE_SERVER_STREAMING_WATCH_HUB_H_

// Every WatchPresences stream: takes the pipeline's batches, keeps the log of newest changes, and
// has one write in flight per stream.
//
//   pipeline --OnBatch--> Feed -> watch thread: WatchStream -> StartWrite
//
// A stream whose write is in flight is left alone until gRPC says that it is done; meanwhile its
// changes wait in the log, and travel together in the next response. A burst is taken in as a whole
// before anything is written. A stream that falls behind the log's window gets its changes merged
// (watch_stream.h). WriteOptions::buffer_hint is never used: it hangs gRPC 1.51's callback server.
//
// What is bounded, and what happens at the bound:
//   waiting batches        dropped, and every stream starts over (RESET)
//   the log                the oldest changes leave; who has not got them gets them merged
//   what was merged        streams that are behind start over (RESET)
//   the log of mailboxes   one entry per user (newest_log.h)
//   initial values         one slice on its way and one written per stream; the pipeline reads one
//                          slice at a time for all streams together
//   streams                StreamProblem::kTooMany
//
// Streams hold their session (it does not expire while the connection lives) and end with it.

#include <grpcpp/server_context.h>
#include <grpcpp/support/byte_buffer.h>
#include <grpcpp/support/server_callback.h>

#include <atomic>
#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <vector>

#include "aggregator/publish/batch.h"
#include "server/streaming/feed.h"
#include "server/streaming/newest_log.h"
#include "server/streaming/session_streams.h"
#include "server/streaming/stream_context.h"
#include "server/streaming/watch_history.h"
#include "server/streaming/watch_source.h"
#include "server/streaming/watch_stream.h"

namespace unipresence {

// What a stream asks for.
struct WatchRequest {
  SessionKey key{};
  WatchedUsers users;
  std::string resume_token;
  bool mailboxes = false;
};

class WatchHub final : public publish::BatchSink {
 public:
  // Both must outlive the hub.
  WatchHub(const StreamContext& shared, WatchSource& source);
  ~WatchHub() override;

  // Thread: the pipeline's.
  void OnBatch(std::shared_ptr<const publish::Batch> batch) override;
  void OnMailboxes(std::shared_ptr<const publish::Batch> batch) override;

  // The rpc; an error ends it at once. Thread: gRPC's.
  grpc::ServerWriteReactor<grpc::ByteBuffer>* Watch(grpc::CallbackServerContext* context,
                                                    absl::StatusOr<WatchRequest> request);

  // Any thread. Ends the streams of that session.
  void EndSession(std::string session);
  // Any thread. Ends all streams, and those to come, with SERVER_STOPPING.
  void Stop();

  // Thread: the watch thread's. To be called each time its queue is empty, and each
  // WatchOptions::tick; true if it wants to be called again at once.
  bool Work();

 private:
  class Reactor;
  // One open stream.
  struct Open;

  // All on the watch thread.
  void OnOpen(std::uint64_t id, Reactor* reactor, WatchRequest request);
  void OnRegistered(std::uint64_t id, absl::StatusOr<WatchSource::Opened> opened);
  void OnSlice(std::uint64_t id, InitialSlice slice);
  void OnWritten(std::uint64_t id, bool ok);

  void Enter(Open& open);
  void Leave(Open& open);
  void NotePushed(const WaitingBatches::Pushed& pushed);
  void TakePresences();
  void TakeMailboxes();
  void Wake(Open& open);
  // Writes what the stream wants, if it may.
  void Pump(Open& open);
  void Write(Open& open, const WatchStream::Response& response);
  void AskForSlice(Open& open);
  void ReadNextSlice();
  void Tick();
  void TrimHistory();
  void TrimMailboxes();
  void CountSizes();
  void StartOverAll();
  void StartOver(Open& open);
  const WatchHistory& history() const { return presences_.log(); }
  void OnEnded(Open& open);

  const StreamContext& shared_;
  WatchSource& source_;
  std::atomic<std::uint64_t> next_id_{1};

  // Only Push is called on other threads.
  Feed<WatchHistory, Open> presences_;
  Feed<NewestLog, Open> mailboxes_;  // of streams that send them

  // The rest is the watch thread's.
  std::uint64_t log_version_ = 0;
  SessionStreams<Open> streams_;
  std::size_t registering_ = 0;
  std::deque<std::uint64_t> ready_;          // streams to pump
  std::deque<std::uint64_t> slices_wanted_;  // streams that want initial values
  bool slice_in_flight_ = false;
  MonotonicTime next_tick_;

  // The response that streams of everyone at one place share.
  struct Shared {
    std::uint64_t version = 0;
    std::uint64_t from = 0;
    std::uint64_t to = 0;
    WatchStream::Response response;
  } last_response_;
};

}  // namespace unipresence

#endif  // UNIPRESENCE_SERVER_STREAMING_WATCH_HUB_H_
