#ifndef UNIPRESENCE_AGGREGATOR_PIPELINE_PIPELINE_H_
#define UNIPRESENCE_AGGREGATOR_PIPELINE_PIPELINE_H_

// The pipeline thread: every PBX's link, the engine, the sessions and the publisher on one Asio
// loop.
//
//   Pipeline pipeline(options, clock);
//   UNIPRESENCE_RETURN_IF_ERROR(
//       pipeline.Start([&](Core& core) { return LoadUsers(core.engine); }));
//   pipeline.Post([](Core& core) { ... });   // from any thread
//   pipeline.Stop();
//
// Each socket read runs to completion: framed, tracked, fused, encoded, sent, before the next one.
// Between reads come commands and slices of long work (sweeps, snapshots), so that nothing waits
// long behind anything. The thread never waits for another.

#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "absl/status/status.h"
#include "aggregator/ami/ami_probe.h"
#include "aggregator/ami/config.h"
#include "aggregator/base/clock.h"
#include "aggregator/base/mutex.h"
#include "aggregator/engine/engine.h"
#include "aggregator/engine/session_table.h"
#include "aggregator/pipeline/executor.h"
#include "aggregator/pipeline/pbx_call_control.h"
#include "aggregator/pipeline/pbx_control.h"
#include "aggregator/pipeline/pbx_link.h"
#include "aggregator/pipeline/pipeline_probe.h"
#include "aggregator/publish/publisher.h"

namespace unipresence {

struct PipelineOptions {
  std::vector<PbxOptions> pbxs;  // names must differ
  publish::PublisherOptions publish;
  SessionTable::Options sessions;
  Engine::Options engine;
  // Commands that wait at most; a full queue refuses (Executor::Post).
  std::size_t command_queue_capacity = 65'536;
  // How often each PBX is listed again to count and mend what was missed.
  Duration reconcile_interval = std::chrono::minutes(5);
};

class Pipeline final : public Executor, private PbxControl {
 public:
  // `clock` must outlive the pipeline.
  Pipeline(PipelineOptions options, const Clock& clock);
  // Stops.
  ~Pipeline() override;
  Pipeline(const Pipeline&) = delete;
  Pipeline& operator=(const Pipeline&) = delete;

  // Starts the thread, runs `load` on it, opens the ZeroMQ sockets, then connects to the PBXs.
  // Returns when all that is done, or with the first error, after which the thread has ended.
  absl::Status Start(absl::AnyInvocable<absl::Status(Core&) &&> load);

  // Runs the commands that were accepted, closes the links and joins the thread. Not from the
  // thread.
  void Stop();

  // Any thread.
  bool Post(Command command) override;

  // Called on the pipeline thread about 20 times a second: what must happen in time without a read
  // or a command (sessions that expire). Set before Start.
  void SetTickCallback(std::function<void(Core&)> callback);

  // Called on the pipeline thread when a PBX's link state has changed. Set before Start.
  void SetLinkCallback(std::function<void(const PbxStatus&)> callback);

  // Keeps what users change from their phones: called on the pipeline thread with the core. Set
  // before Start.
  using AdoptCallback =
      std::function<void(Core&, PhoneSetting, absl::AnyInvocable<void(absl::Status) &&> done)>;
  void SetAdoptCallback(AdoptCallback callback);

  // --- On the pipeline thread, from a command ---

  // A PBX from now on; or another address, credentials or write-back for one of that name, whose
  // link alone comes up anew. INVALID_ARGUMENT as PbxLink::Start: it is not connected then.
  absl::Status SetPbx(const PbxOptions& options);
  // It is configured no more (PbxLink::Retire).
  void RemovePbx(std::string_view name);
  // A PBX that is configured; null if there is none of that name. The link itself stays for as long
  // as the pipeline.
  PbxLink* FindPbx(std::string_view name) const;

  // --- Any thread ---

  // Set the batch sink before Start; endpoints are known after it.
  publish::Publisher& publisher() { return publisher_; }
  const publish::Publisher& publisher() const { return publisher_; }

  // Any thread.
  const PipelineProbe& probe() const { return probe_; }
  // By the order of the options. Any thread, after Start.
  const ami::AmiProbe& ami_probe(std::size_t pbx) const;
  const PbxLinkProbe& link_probe(std::size_t pbx) const;
  const RoutingWriterProbe& writer_probe(std::size_t pbx) const;

 private:
  class Loop;  // Asio's part: io_context, timers, descriptors

  void Run(absl::AnyInvocable<absl::Status(Core&) &&> load);
  absl::Status Open(absl::AnyInvocable<absl::Status(Core&) &&> load);
  void Close();
  void Reconcile(std::string_view pbx, ReconcileCallback done) override;
  void AbandonReconciles() override;
  void WhenTold(std::string_view user, absl::AnyInvocable<void() &&> done) override;
  void Load(std::string_view pbx, ExpectedConfiguration expected, LoadCallback done) override;
  void FindConflicts(std::string_view pbx, const ConfiguredNames& next,
                     const FormerConfiguration& former, Look look, ConflictsCallback done) override;

  absl::Status AddLink(const PbxOptions& options);
  std::unique_ptr<PbxLink> MakeLink(const PbxOptions& options);
  // After each read, command or slice: sends what was gathered, to subscribers and then to PBXs,
  // and schedules what is left.
  void AfterTurn();
  void Publish();
  void TellPbxs();
  void ScheduleSlice();
  void RunSlice();
  void RunCommands();
  void OnTick();
  void UpdateGauges();

  PipelineOptions options_;
  const Clock& clock_;
  PipelineProbe probe_;
  publish::Publisher publisher_;
  Engine engine_;
  SessionTable sessions_;
  PbxCallControl calls_;
  Core core_;
  std::function<void(Core&)> on_tick_;
  std::function<void(const PbxStatus&)> on_link_;
  AdoptCallback on_adopt_;

  std::unique_ptr<Loop> loop_;
  std::vector<std::unique_ptr<PbxLink>> links_;
  bool slice_scheduled_ = false;

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
