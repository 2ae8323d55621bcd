#ifndef UNIPRESENCE_AGGREGATOR_PIPELINE_PIPELINE_H_
#define UNIPRESENCE_AGGREGATOR_PIPELINE_PIPELINE_H_

// The pipeline thread: the loop on which turns run (turn.h). It owns the thread, the Asio loop with
// its sockets and timer, and the queue of commands, and decides nothing else.
//
//   Pipeline pipeline(options, clock);
//   UNIPRESENCE_RETURN_IF_ERROR(
//       pipeline.Start([&](Core& core) { return LoadUsers(core.writer); }));
//   pipeline.Post([](Core& core) { ... });  // from any thread
//   pipeline.Stop();
//
// Each socket read runs to completion: framed, tracked, fused, encoded, sent, before the next one.
// Between reads come commands and slices of long work (sweeps, snapshots), so that nothing waits
// long behind anything. The thread never waits for another.

#include <functional>
#include <memory>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "absl/status/status.h"
#include "aggregator/base/clock.h"
#include "aggregator/base/mutex.h"
#include "aggregator/pipeline/executor.h"
#include "aggregator/pipeline/pbx_link.h"
#include "aggregator/pipeline/pipeline_probe.h"
#include "aggregator/pipeline/turn.h"
#include "aggregator/publish/publisher.h"

namespace unipresence {

struct PipelineOptions : TurnOptions {
  // Commands that wait at most; a full queue refuses (Executor::Post).
  std::size_t command_queue_capacity = 65'536;
};

class Pipeline final : public Executor {
 public:
  // `clock` must outlive the pipeline.
  Pipeline(PipelineOptions options, const Clock& clock);
  // Stops.
  ~Pipeline() override;
  Pipeline(const Pipeline&) = delete;
  Pipeline& operator=(const Pipeline&) = delete;

  // Starts the thread, runs `load` on it, opens the ZeroMQ sockets, then connects to the PBXs.
  // Returns when all that is done, or with the first error, after which the thread has ended. Whom
  // the hooks call must live until Stop.
  using Hooks = Turn::Hooks;
  absl::Status Start(absl::AnyInvocable<absl::Status(Core&) &&> load, Hooks hooks = {});

  // Runs the commands that were accepted, closes the links and joins the thread. Not from the
  // thread.
  void Stop();

  // Any thread.
  bool Post(Command command) override;

  // --- On the pipeline thread, from a command ---

  // As Turn's.
  absl::Status SetPbx(const PbxOptions& options);
  void RemovePbx(std::string_view name);
  PbxLink* FindPbx(std::string_view name) const;

  // --- Any thread ---

  // Endpoints are known after Start.
  publish::Publisher& publisher();
  const publish::Publisher& publisher() const;

  // Any thread.
  const PipelineProbe& probe() const;
  // By the order of the options. Any thread may read what it counts, after Start.
  const PbxLink& link(std::size_t pbx) const;

 private:
  class Loop;  // Asio's part, and the turn that runs on it

  void Run(absl::AnyInvocable<absl::Status(Core&) &&> load, Hooks hooks);
  void RunCommands();

  const std::size_t command_queue_capacity_;
  std::unique_ptr<Loop> loop_;

  Mutex mutex_;
  std::vector<Command> commands_ ABSL_GUARDED_BY(mutex_);
  bool accepting_ ABSL_GUARDED_BY(mutex_) = false;

  ConditionVariable started_;
  bool start_done_ ABSL_GUARDED_BY(mutex_) = false;
  absl::Status start_status_ ABSL_GUARDED_BY(mutex_);
  std::thread thread_;
};

}  // namespace unipresence

#endif  // UNIPRESENCE_AGGREGATOR_PIPELINE_PIPELINE_H_
