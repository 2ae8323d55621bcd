#ifndef UNIPRESENCE_AGGREGATOR_PIPELINE_PBX_LINK_H_
#define UNIPRESENCE_AGGREGATOR_PIPELINE_PBX_LINK_H_

// One Asterisk wired to the engine: session -> tracker -> engine, the lists that make the
// beginning (resync) and the checks (reconcile), and engine -> writer -> session. What moves the
// session's bytes (ami/session_driver.h) is given to it: a socket, or a test.
//
// Thread: the pipeline's.

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "aggregator/ami/config.h"
#include "aggregator/ami/session.h"
#include "aggregator/ami/session_driver.h"
#include "aggregator/ami/session_handler.h"
#include "aggregator/base/clock.h"
#include "aggregator/engine/engine.h"
#include "aggregator/pbx/tracker.h"
#include "aggregator/pipeline/configuration_loader.h"
#include "aggregator/pipeline/configuration_survey.h"
#include "aggregator/pipeline/mailbox_reader.h"
#include "aggregator/pipeline/pbx_complaints.h"
#include "aggregator/pipeline/pbx_control.h"
#include "aggregator/pipeline/pipeline_probe.h"
#include "aggregator/pipeline/routing_writer.h"

namespace unipresence {

// One PBX as it is configured.
struct PbxOptions {
  ami::PbxConfig ami;
  bool write_back = true;  // tell it where calls ring (routing_writer.h)
};

class PbxLink final : public ami::SessionHandler {
 public:
  // What the link calls, all on the pipeline thread. None may be empty.
  struct Hooks {
    // A read was applied, `started` is when it was handed over: send what was gathered.
    std::function<void(MonotonicTime started, std::size_t changes)> read_end = [](MonotonicTime,
                                                                                  std::size_t) {};
    // The same, earlier: the tracker still holds what the read told of calls.
    std::function<void(PbxIndex)> calls_read = [](PbxIndex) {};
    // The link state of this PBX is another one now.
    std::function<void(PbxIndex)> link_changed = [](PbxIndex) {};
    // Keeps what users change from their phones.
    PhoneSettingAdopter adopt = &KeepNoSetting;
  };

  // `engine` and `clock` must outlive the link.
  PbxLink(const ami::SessionDriverFactory& make_driver, const PbxOptions& options, Engine& engine,
          const Clock& clock, Duration reconcile_interval, Hooks hooks);
  // Stops.
  ~PbxLink() override;

  // INVALID_ARGUMENT if the configuration cannot work (ami::SessionDriver::Start).
  absl::Status Start() { return driver_->Start(); }
  // The same PBX with other settings: its link comes up anew. INVALID_ARGUMENT as Start.
  absl::Status Restart(const PbxOptions& options);
  // It is configured no more: the link ends, its users stay as they are and are stale. Restart
  // brings it back.
  void Retire();
  void Stop() { driver_->Stop(); }

  // Call now and then: starts a reconcile when one is due or a new device wants to be listed.
  void OnTick();
  // Tells Asterisk what changed; after each turn. True: call it again soon.
  bool DrainRoutings() { return writer_.Drain(); }
  // As PbxControl::WhenWritten, for this PBX.
  void WhenWritten(std::string_view user, absl::AnyInvocable<void() &&> done) {
    writer_.WhenWritten(user, clock_.Now(), std::move(done));
  }
  // As PbxControl::SetWriteBack.
  void SetWriteBack(bool on);
  // As PbxControl::Reconcile and AbandonReconciles.
  void Reconcile(PbxControl::ReconcileCallback done);
  void AbandonReconcile();
  // As PbxControl::Load and FindConflicts.
  void Load(ExpectedConfiguration expected, PbxControl::LoadCallback done);
  void FindConflicts(const ConfiguredNames& next, const FormerConfiguration& former,
                     PbxControl::Look look, PbxControl::ConflictsCallback done);

  PbxIndex pbx() const { return pbx_; }
  // To send actions and to look up calls.
  ami::Session& session() { return session_; }
  pbx::Tracker& tracker() { return tracker_; }
  // Any thread.
  const ami::AmiProbe& ami_probe() const { return driver_->probe(); }
  const PbxLinkProbe& probe() const { return probe_; }
  const RoutingWriterProbe& writer_probe() const { return writer_.probe(); }
  const pbx::TrackerProbe& tracker_probe() const { return tracker_.probe(); }
  const pbx::WriteBackProbe& write_back_probe() const { return writer_.write_back_probe(); }

  // ami::SessionHandler.
  void OnOnline() override;
  void OnOffline(const absl::Status& reason) override;
  void OnEvent(const ami::Message& event, ami::ActionToken list) override;
  void OnReadEnd() override;

 private:
  enum class Occasion : std::uint8_t { kReadEnd, kTick };
  // One step further with all that is under way, in the one order that holds.
  void Proceed(Occasion occasion);
  // Hands what the read told to the engine and to those who follow calls, and forgets it.
  void ApplyRead();
  // Starts the lists of a reconcile that is due, was asked for, or has a new device to look at.
  void StartReconcileIfDue();

  // UNAVAILABLE unless it is.
  absl::Status CheckSynced() const;
  void AskVersion();
  void BeginResync(std::string_view version);
  void SendNextList();
  void OnListEnd(const absl::StatusOr<ami::ActionReply>& reply);
  void FinishResync();
  void TakeListErrors(const pbx::ResyncOutcome& outcome);
  void LogMailboxErrors();
  // Logs the devices of users that the lists which have ended do not show.
  void LogUnlisted();
  void FinishReconcile(const pbx::ResyncOutcome& outcome);
  void RecordLinkFacts();
  void RecordLastError();
  // Ends the reconcile that was asked for, if it is done.
  void AnswerReconcile();
  void TakeFromDialplan();
  void UpdateProbe();
  void SetLinkGauge();

  // Ends the load that was asked for, now that its end is `status`.
  void AnswerLoad(const absl::Status& status);

  // A load that somebody waits for: the files, then the lists of what they brought.
  struct Loading {
    PbxControl::LoadCallback done;
    enum class Step : std::uint8_t { kFiles, kWaits, kLists } step = Step::kFiles;
  };
  // A reconcile that somebody waits for: its lists, then its round.
  struct Reconciling {
    MonotonicTime started;
    std::uint64_t rewritten_before = 0;
    PbxControl::ReconcileCallback done;
    enum class Step : std::uint8_t { kWaits, kLists, kRound } step = Step::kWaits;
    PbxTable::Corrections corrections{};
  };

  Engine& engine_;
  PbxTable& pbxs_;  // of engine_
  const Clock& clock_;
  const Duration reconcile_interval_;
  const Hooks hooks_;
  const PbxIndex pbx_;
  // Before those that send: the destructor stops it first, so that it calls nobody who is gone.
  const std::unique_ptr<ami::SessionDriver> driver_;
  ami::Session& session_;  // of driver_
  pbx::Tracker tracker_;
  RoutingWriter writer_;
  std::optional<Reconciling> reconciling_;
  std::optional<Loading> loading_;
  PbxLinkProbe probe_;
  MonotonicTime read_started_ = MonotonicTime::min();  // min(): between reads
  MonotonicTime reconcile_due_ = MonotonicTime::max();
  PbxComplaints complaints_;
  std::uint64_t errors_told_ = 0;     // of the probe of the driver
  std::uint64_t mailbox_rounds_ = 0;  // of the reader, when its errors were told last
  MailboxReader mailbox_reader_;
  ConfigurationLoader loader_;
  ConfigurationSurvey survey_;
};

}  // namespace unipresence

#endif  // UNIPRESENCE_AGGREGATOR_PIPELINE_PBX_LINK_H_
