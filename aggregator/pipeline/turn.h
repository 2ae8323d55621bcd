#ifndef UNIPRESENCE_AGGREGATOR_PIPELINE_TURN_H_
#define UNIPRESENCE_AGGREGATOR_PIPELINE_TURN_H_

// All that the pipeline does, without the loop that runs it: the engine, the sessions, the
// publisher, the links to the PBXs and the calls in hand, and what is done after a read, a command,
// a tick or a slice of long work. It has no thread, no socket of a PBX and no clock of its own:
// pipeline.h runs it on an Asio loop, tests run it in their own thread on a clock that they turn.
//
//   Turn turn(options, clock, loop);
//   UNIPRESENCE_RETURN_IF_ERROR(turn.Open(hooks, load));
//   // from now on, in any order: reads come by the drivers that `loop` made, and
//   turn.OnTick();                // every Turn::kTick
//   turn.RunSlice();              // after loop.ScheduleSlice()
//   turn.OnPublisherEvent();      // publisher().publish_fd() or snapshot_fd() is readable
//   turn.RunCommands(commands);
//   turn.Close();
//
// Thread: one, except where said.

#include <cstddef>
#include <functional>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "absl/status/status.h"
#include "aggregator/ami/session_driver.h"
#include "aggregator/base/clock.h"
#include "aggregator/engine/engine.h"
#include "aggregator/engine/session_table.h"
#include "aggregator/pipeline/executor.h"
#include "aggregator/pipeline/pbx_call_control.h"
#include "aggregator/pipeline/pbx_control.h"
#include "aggregator/pipeline/pbx_link.h"
#include "aggregator/pipeline/pipeline_probe.h"
#include "aggregator/publish/publisher.h"

namespace unipresence {

struct TurnOptions {
  std::vector<PbxOptions> pbxs;  // names must differ
  publish::PublisherOptions publish;
  SessionTable::Options sessions;
  Engine::Options engine;
  // How often each PBX is listed again to count and mend what was missed.
  Duration reconcile_interval = std::chrono::minutes(5);
};

// What a turn asks of the loop that runs it.
class TurnLoop {
 public:
  virtual ~TurnLoop() = default;

  // Call Turn::RunSlice() once, behind what is ready now. Not from within.
  virtual void ScheduleSlice() = 0;

  // The driver of a link to a PBX, on this loop; it goes before the loop does.
  virtual std::unique_ptr<ami::SessionDriver> MakeDriver(ami::PbxConfig config,
                                                         ami::SessionHandler& handler) = 0;
};

class Turn final : private PbxControl {
 public:
  // How late a session may expire, a heartbeat be sent, or a reconcile begin.
  static constexpr Duration kTick = std::chrono::milliseconds(50);

  // Whom it calls, on its thread. None may be empty.
  struct Hooks {
    // At each tick: what must happen in time without a read or a command.
    std::function<void(Core&)> tick = [](Core&) {};
    // The link state of a PBX is another one now.
    std::function<void(const PbxStatus&)> link_changed = [](const PbxStatus&) {};
    // Keeps what users change from their phones.
    std::function<void(Core&, PhoneSetting, absl::AnyInvocable<void(absl::Status) &&> done)> adopt =
        [](Core&, const PhoneSetting& setting, absl::AnyInvocable<void(absl::Status) &&> done) {
          KeepNoSetting(setting, std::move(done));
        };
    // Gets what is published, in batches (publish/publisher.h); must outlive the turn.
    publish::BatchSink* batches = &publish::NoBatches();
  };

  // `clock` and `loop` must outlive it.
  Turn(TurnOptions options, const Clock& clock, TurnLoop& loop);
  ~Turn() override;
  Turn(const Turn&) = delete;
  Turn& operator=(const Turn&) = delete;

  // Runs `load`, opens the publisher's sockets, then connects to the PBXs; stops at the first
  // error. Once.
  absl::Status Open(Hooks hooks, absl::AnyInvocable<absl::Status(Core&) &&> load);
  // Ends the links. Nothing is to be called afterwards.
  void Close();

  // --- Inputs of the loop ---

  // Commands that came together: what they changed is sent behind the last of them.
  void RunCommands(std::span<Command> commands);
  // One of the publisher's descriptors is readable.
  void OnPublisherEvent() { End(); }
  // A slice of what takes long.
  void RunSlice();
  void OnTick();

  // --- From a command ---

  // A PBX from now on; or another address, credentials or write-back for one of that name, whose
  // link alone comes up anew. INVALID_ARGUMENT as PbxLink::Start: it is not connected then.
  absl::Status SetPbx(const PbxOptions& options);
  // It is configured no more (PbxLink::Retire).
  void RemovePbx(std::string_view name);
  // A PBX that is configured; null if there is none of that name. The link itself stays for as long
  // as the turn.
  PbxLink* FindPbx(std::string_view name) const;

  // What commands get.
  Core& core() { return core_; }

  // By the order of the options. Any thread, after Open.
  const PbxLink& link(std::size_t pbx) const { return *links_[pbx]; }
  publish::Publisher& publisher() { return publisher_; }
  // Any thread may read it; its loop counts what it refuses there.
  PipelineProbe& probe() { return probe_; }

 private:
  void Reconcile(std::string_view pbx, ReconcileCallback done) override;
  void AbandonReconciles() override;
  void WhenWritten(std::string_view user, absl::AnyInvocable<void() &&> done) override;
  absl::Status SetWriteBack(std::string_view pbx, bool on) override;
  void Load(std::string_view pbx, ExpectedConfiguration expected, LoadCallback done) override;
  void FindConflicts(std::string_view pbx, const ConfiguredNames& next,
                     const FormerConfiguration& former, Look look, ConflictsCallback done) override;

  absl::Status AddLink(const PbxOptions& options);
  PbxLink::Hooks LinkHooks();
  void OnReadEnd(MonotonicTime started, std::size_t changes);
  // The end of each turn, whatever began it.
  void End();
  void Publish();
  void DrainRoutings();
  void ScheduleSlice();
  void UpdateGauges();

  TurnOptions options_;
  const Clock& clock_;
  TurnLoop& loop_;
  PipelineProbe probe_;
  publish::Publisher publisher_;
  Engine engine_;
  SessionTable sessions_;
  PbxCallControl calls_;
  Core core_;
  Hooks hooks_;
  std::vector<std::unique_ptr<PbxLink>> links_;
  bool slice_scheduled_ = false;
};

}  // namespace unipresence

#endif  // UNIPRESENCE_AGGREGATOR_PIPELINE_TURN_H_
