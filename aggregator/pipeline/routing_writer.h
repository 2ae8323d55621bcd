#ifndef UNIPRESENCE_AGGREGATOR_PIPELINE_ROUTING_WRITER_H_
#define UNIPRESENCE_AGGREGATOR_PIPELINE_ROUTING_WRITER_H_

// Moves what one PBX has to be told from the engine's queue into Asterisk (pbx/write_back.h), and
// what was changed from its phones back to whoever keeps it.
//
// While the link is synced, Drain() takes as much from the engine as there is room for in flight,
// so nothing piles up here: what waits, waits in the engine as an index, and is read when its turn
// comes. After each resync everything is looked at as fast as Asterisk answers; the periodic check
// looks at kSlowChecksPerTick numbers a tick, 14 questions each, so that it costs Asterisk a few
// per cent of a core.
//
// Thread: the pipeline's.

#include <cstdint>
#include <deque>
#include <functional>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "aggregator/ami/message.h"
#include "aggregator/ami/session.h"
#include "aggregator/engine/engine.h"
#include "aggregator/model/phone_setting.h"
#include "aggregator/pbx/dialplan_tracker.h"
#include "aggregator/pbx/write_back.h"
#include "aggregator/pipeline/answer_watch.h"
#include "aggregator/pipeline/pbx_complaints.h"
#include "aggregator/pipeline/pipeline_probe.h"

namespace unipresence {

// Makes a setting durable and applies it to the engine, then calls `done` on the pipeline thread,
// exactly once: OK, or why not (pbx::WriteBack::OnAdopted says what each code means).
using PhoneSettingAdopter =
    std::function<void(PhoneSetting, absl::AnyInvocable<void(absl::Status) &&> done)>;
// Where nothing keeps settings: phones keep what they changed.
void KeepNoSetting(const PhoneSetting& setting, absl::AnyInvocable<void(absl::Status) &&> done);

class RoutingWriter {
 public:
  // A tick is 50 ms: 200 numbers a second, a million in 83 minutes.
  static constexpr int kSlowChecksPerTick = 10;

  // The references outlive the writer. Without `enabled` nothing is written, and settings made from
  // phones are only adopted.
  RoutingWriter(Engine& engine, PbxIndex pbx, bool enabled, PhoneSettingAdopter adopt);
  // Whether to write from now on. Off: what waits is dropped, what is on its way to Asterisk is not
  // followed up, those who wait are answered, and settings made from phones are only adopted, those
  // that were heard already too. On: everything is looked at, as after a resync. `session` is that
  // of a link which is synced, else null.
  void SetEnabled(bool enabled, ami::Session* session);
  RoutingWriter(const RoutingWriter&) = delete;
  RoutingWriter& operator=(const RoutingWriter&) = delete;

  // The lists were applied; actions go to `session` from now on, which outlives the link.
  void OnSynced(ami::Session& session);
  void OnLinkLost();

  // Whether the row was asked for here.
  bool OnRow(ami::ActionToken token, const ami::Message& row);
  // A phone has changed a setting. While the link is not synced the note in AstDB tells it later.
  void OnPhoneSetting(pbx::ReportedSetting heard);

  // Sends what there is room for. True if more could be sent at once, had the turn not to end: call
  // it again soon.
  bool Drain();
  // About 20 times a second.
  void OnTick(MonotonicTime now);

  // As PbxControl::WhenWritten, for this PBX.
  void WhenWritten(std::string_view user, MonotonicTime now, absl::AnyInvocable<void() &&> done);

  enum class Pace : std::uint8_t {
    kFirst,  // fast; what was looked at on this link already is passed over
    kFast,
    kSlow,
  };
  // Has every number of the PBX looked at, and mended where it is wrong. A slow one is not started
  // while another runs.
  void StartRound(Pace pace);
  // True if no round runs and everything that it took from the engine is settled.
  bool round_done() const;

  std::uint64_t rewritten() const { return write_back_.probe().rewritten.value(); }
  // Since when Asterisk does not answer what it is told; nullopt while it does.
  const std::optional<MonotonicTime>& unanswered_since() const { return watch_.silent_since(); }
  // Any thread.
  const RoutingWriterProbe& probe() const { return probe_; }
  const pbx::WriteBackProbe& write_back_probe() const { return write_back_.probe(); }

 private:
  struct Waiter {
    std::string user;
    MonotonicTime deadline;
    absl::AnyInvocable<void() &&> done;
  };
  // Beyond these nobody waits: the answers come at once.
  static constexpr std::size_t kMaxWaiters = 2'000;
  // Beyond these a setting is left to the note of it in AstDB.
  static constexpr std::size_t kMaxReported = 10'000;

  bool Written(std::string_view user);
  // Answers the waiters that `ready` is true of.
  void Answer(absl::FunctionRef<bool(const Waiter&)> ready);

  enum class Taken : std::uint8_t { kOne, kNone, kNoneYet };

  bool WriteMore();
  bool Send(const pbx::WriteBack::Outgoing& action);
  Taken TakeNext();
  void QueueReported();
  void Adopt();
  void OnAdopted(std::uint64_t ticket, const absl::Status& status);
  void RaiseComplaints();
  void UpdateProbe();
  // Nothing is sent or waited for any more, until OnSynced.
  void Stop();

  const Engine& engine_;
  RoutingBacklog& backlog_;  // of engine_
  const PbxIndex pbx_;
  bool enabled_;
  const PhoneSettingAdopter adopt_;
  pbx::WriteBack write_back_;
  ami::Session* session_ = nullptr;  // null: not synced, or not enabled
  std::uint64_t stretch_ = 0;        // from OnSynced to Stop; tells answers of an earlier one
  bool waits_for_sweep_ = false;     // the users are not fused after the resync yet
  Pace pace_ = Pace::kFirst;
  int slow_checks_left_ = 0;  // until the next tick
  std::deque<pbx::ReportedSetting> reported_;
  std::vector<Waiter> waiters_;
  std::uint64_t finished_ = 0;  // of write_back_, when the waiters were looked at last
  AnswerWatch watch_;
  PbxComplaints complaints_;
  std::set<std::string, std::less<>> refused_;  // actions, on this link
  RoutingWriterProbe probe_;
};

}  // namespace unipresence

#endif  // UNIPRESENCE_AGGREGATOR_PIPELINE_ROUTING_WRITER_H_
