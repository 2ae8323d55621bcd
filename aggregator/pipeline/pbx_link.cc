#include "aggregator/pipeline/pbx_link.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <utility>

#include "aggregator/base/status_macros.h"
#include "aggregator/base/strings.h"
#include "aggregator/base/valid_text.h"

namespace unipresence {
namespace {

constexpr MonotonicTime kBetweenReads = MonotonicTime::min();
// Bytes of texts that are kept of a PBX.
constexpr std::size_t kMaxVersion = 80;
constexpr std::size_t kMaxReason = 500;
constexpr std::string_view kMailboxCount = "MailboxCount";

LinkPhase PhaseOf(const ami::Session& session) {
  switch (session.state()) {
    case ami::SessionState::kStopped:
    case ami::SessionState::kOnline:
      return LinkPhase::kDisconnected;
    case ami::SessionState::kBackoff:
      return session.login_refused() ? LinkPhase::kRefused : LinkPhase::kDisconnected;
    case ami::SessionState::kConnecting:
    case ami::SessionState::kBanner:
      return LinkPhase::kConnecting;
    case ami::SessionState::kChallenge:
    case ami::SessionState::kLogin:
      return LinkPhase::kAuthenticating;
    case ami::SessionState::kBooting:
      return LinkPhase::kBooting;
  }
  __builtin_unreachable();
}

}  // namespace

PbxLink::PbxLink(asio::io_context& io, const PbxOptions& options, Engine& engine,
                 const Clock& clock, Duration reconcile_interval, Hooks hooks)
    : engine_(engine),
      clock_(clock),
      reconcile_interval_(reconcile_interval),
      hooks_(std::move(hooks)),
      pbx_(engine.AddPbx(options.ami.name,
                         fmt::format("{}:{}", options.ami.host, options.ami.port))),
      writer_(engine, pbx_, options.write_back, hooks_.adopt),
      complaints_(options.ami.name),
      mailbox_reader_(connection_, engine, pbx_,
                      [this](const ami::Message& answer) { tracker_.OnMailboxReply(answer); }),
      loader_(connection_, clock),
      survey_(clock),
      connection_(io, options.ami, *this, clock) {
  engine_.facts(pbx_).tls = options.ami.tls.enabled;
  SetLinkGauge();
}

absl::Status PbxLink::Restart(const PbxOptions& options) {
  // A link that works is not given up for one that cannot.
  UNIPRESENCE_RETURN_IF_ERROR(ami::Connection::Check(options.ami));
  connection_.Stop();
  engine_.AddPbx(options.ami.name, fmt::format("{}:{}", options.ami.host, options.ami.port));
  engine_.facts(pbx_).tls = options.ami.tls.enabled;
  writer_.SetEnabled(options.write_back);
  connection_.SetConfig(options.ami);
  SetLinkGauge();
  return connection_.Start();
}

void PbxLink::Retire() {
  connection_.Stop();
  engine_.LinkLost(pbx_, "configured no more");
  engine_.AddPbx(engine_.pbx(pbx_).name, "");
  SetLinkGauge();
}

void PbxLink::OnTick() {
  writer_.OnTick(clock_.Now());
  TellLinkFacts();
  UpdateProbe();
  if (!connection_.session().online()) return;
  SendNextList();
  mailbox_reader_.Continue();
  loader_.Continue();
  survey_.Continue();
  AnswerReconcile();
  if (tracker_.resync_running()) return;
  if (engine_.pbx(pbx_).link != LinkState::kSynced) return;
  const bool asked = reconciling_ && reconciling_->step == Reconciling::Step::kWaits;
  const bool loaded = loading_ && loading_->step == Loading::Step::kWaits;
  if (!engine_.TakeListingWanted(pbx_) && clock_.Now() < reconcile_due_ && !asked && !loaded) {
    return;
  }
  if (loaded) loading_->step = Loading::Step::kLists;
  if (asked) reconciling_->step = Reconciling::Step::kLists;
  engine_.TakeCorrections(pbx_);
  tracker_.StartResync(pbx::ResyncKind::kReconcile);
  SendNextList();
}

absl::Status PbxLink::CheckSynced() const {
  const PbxStatus& status = engine_.pbx(pbx_);
  if (status.link == LinkState::kSynced) return absl::OkStatus();
  return absl::UnavailableError(
      fmt::format("the link to PBX '{}' is {}; {}", status.name, ToString(status.link),
                  status.last_error.empty() ? "try again when it is synced" : status.last_error));
}

void PbxLink::Load(ExpectedConfiguration expected, PbxControl::LoadCallback done) {
  if (absl::Status status = CheckSynced(); !status.ok()) return std::move(done)(status);
  if (loading_) {
    return std::move(done)(
        absl::ResourceExhaustedError("a configuration is being loaded already; wait for it"));
  }
  loading_.emplace(Loading{.done = std::move(done)});
  engine_.ExpectChanges(pbx_, true);
  loader_.Load(std::move(expected), [this](const absl::Status& status) {
    if (!status.ok()) return AnswerLoad(status);
    loading_->step = Loading::Step::kWaits;
  });
}

void PbxLink::AnswerLoad(const absl::Status& status) {
  Loading ended = *std::exchange(loading_, std::nullopt);
  engine_.ExpectChanges(pbx_, false);
  std::move(ended.done)(status);
}

void PbxLink::FindConflicts(const ConfiguredNames& next, const FormerConfiguration& former,
                            PbxControl::Look look, PbxControl::ConflictsCallback done) {
  if (absl::Status status = CheckSynced(); !status.ok()) return std::move(done)(status);
  survey_.Find(connection_.session(), next, former, look, std::move(done));
}

void PbxLink::Reconcile(PbxControl::ReconcileCallback done) {
  if (absl::Status status = CheckSynced(); !status.ok()) return std::move(done)(status);
  if (reconciling_) {
    return std::move(done)(absl::ResourceExhaustedError(
        fmt::format("PBX '{}' is being reconciled already; wait for it", engine_.pbx(pbx_).name)));
  }
  reconciling_.emplace(Reconciling{
      .started = clock_.Now(), .rewritten_before = writer_.rewritten(), .done = std::move(done)});
}

void PbxLink::AbandonReconcile() {
  if (!reconciling_) return;
  Reconciling ended = *std::exchange(reconciling_, std::nullopt);
  std::move(ended.done)(absl::CancelledError("the server stops"));
}

void PbxLink::AnswerReconcile() {
  if (!reconciling_ || reconciling_->step != Reconciling::Step::kRound) return;
  if (!writer_.round_done()) return;
  Reconciling ended = *std::exchange(reconciling_, std::nullopt);
  std::move(ended.done)(ReconcileReport{.corrections = ended.corrections.count,
                                        .rewrites = writer_.rewritten() - ended.rewritten_before,
                                        .duration = clock_.Now() - ended.started,
                                        .corrected_users = std::move(ended.corrections.users)});
}

void PbxLink::OnOnline() { AskVersion(); }

void PbxLink::AskVersion() {
  auto sent = connection_.session().Send(
      ami::ActionBuilder("CoreSettings"), ami::ActionKind::kSingle,
      [this](const absl::StatusOr<ami::ActionReply>& reply) {
        // An account that may not ask, or an old Asterisk, leaves the version unknown.
        if (!reply.ok() && !connection_.session().online()) return;
        BeginResync(reply.ok() ? ValidText(reply->message.Get("AsteriskVersion"), kMaxVersion)
                               : std::string());
      });
  if (!sent.ok()) BeginResync("");
}

void PbxLink::BeginResync(std::string_view version) {
  engine_.BeginResync(pbx_, version);
  SetLinkGauge();
  tracker_.StartResync(pbx::ResyncKind::kResync);
  SendNextList();
}

void PbxLink::OnOffline(const absl::Status& reason) {
  const std::string why = ValidText(FromAbsl(reason.message()), kMaxReason);
  tracker_.LinkLost();
  mailbox_reader_.Stop();
  loader_.Stop(reason);
  survey_.Stop(reason);
  // The files are loaded; the lists come with the next link.
  if (loading_) AnswerLoad(absl::OkStatus());
  tracker_.ClearChanges();
  writer_.OnLinkLost();
  reconcile_due_ = MonotonicTime::max();
  engine_.LinkLost(pbx_, why);
  SetLinkGauge();
  if (auto ended = std::exchange(reconciling_, std::nullopt)) {
    std::move(ended->done)(absl::UnavailableError(
        fmt::format("the link to PBX '{}' was lost: {}", engine_.pbx(pbx_).name, why)));
  }
  hooks_.read_end(clock_.Now(), 0);
}

void PbxLink::OnEvent(const ami::Message& event, ami::ActionToken list) {
  if (read_started_ == kBetweenReads) {
    read_started_ = clock_.Now();
    tracker_.SetTime(clock_.WallNow());
  }
  if (list != ami::kLiveEvent && writer_.OnRow(list, event)) return;
  tracker_.OnEvent(event, list);
  loader_.OnRow(event, list);
  survey_.OnRow(event, list);
}

void PbxLink::OnReadEnd() {
  const MonotonicTime started = read_started_ == kBetweenReads ? clock_.Now() : read_started_;
  read_started_ = kBetweenReads;
  const std::size_t changes = tracker_.changes().size();
  // Before the first list there is nothing to compare with: the lists will tell all.
  if (engine_.pbx(pbx_).link != LinkState::kDown) {
    engine_.Apply(pbx_, tracker_.changes());
    engine_.ApplyMailboxes(pbx_, tracker_.mailbox_changes());
  }
  if (hooks_.calls_read) hooks_.calls_read(pbx_);
  tracker_.ClearChanges();
  TakeFromDialplan();
  FinishResync();
  SendNextList();
  mailbox_reader_.Continue();
  loader_.Continue();
  survey_.Continue();
  TellMailboxErrors();
  hooks_.read_end(started, changes);
}

void PbxLink::SendNextList() {
  const std::optional<pbx::ListAction> action = tracker_.NextAction();
  if (!action) return;
  const absl::StatusOr<ami::ActionToken> token = connection_.session().Send(
      ami::ActionBuilder(action->name),
      action->list ? ami::ActionKind::kList : ami::ActionKind::kSingle,
      [this](const absl::StatusOr<ami::ActionReply>& reply) { OnListEnd(reply); });
  // Otherwise the next read or tick tries again.
  if (token.ok()) tracker_.ActionSent(*token);
}

void PbxLink::OnListEnd(const absl::StatusOr<ami::ActionReply>& reply) {
  if (!connection_.session().online()) return;  // OnOffline follows and clears up
  tracker_.OnReply(reply);
  // An answer comes within a read, whose end goes on; that there was none comes from a timer.
  if (!reply.ok()) OnReadEnd();
}

void PbxLink::FinishResync() {
  const std::optional<pbx::ResyncOutcome> outcome = tracker_.TakeOutcome();
  if (!outcome) return;
  TakeListErrors(*outcome);
  mailbox_reader_.Start();
  reconcile_due_ = clock_.Now() + reconcile_interval_;
  if (outcome->kind == pbx::ResyncKind::kReconcile) return FinishReconcile(*outcome);
  engine_.EndResync(pbx_);
  connection_.session().MarkToldAll();
  if (outcome->devices_complete) TellUnlisted();
  probe_.resyncs.Add();
  const PbxStatus& status = engine_.pbx(pbx_);
  probe_.last_resync_micros.Set(status.last_resync_duration.count() / 1000);
  spdlog::info("pbx {}: synced in {} ms, {} rows", status.name,
               status.last_resync_duration.count() / 1'000'000, outcome->rows);
  SetLinkGauge();
  writer_.OnSynced(connection_.session());
}

void PbxLink::TellUnlisted() {
  constexpr std::size_t kMaxNames = 10;
  const Engine::UnlistedDevices unlisted = engine_.FindUnlisted(pbx_);
  if (unlisted.count == 0) return;
  const std::size_t shown = std::min(kMaxNames, unlisted.names.size());
  spdlog::warn(
      "pbx {}: Asterisk lists {} device(s) of users nowhere: {}{}; look for a misspelt name or a "
      "missing endpoint (what is not PJSIP is listed once it has told a state); `unipresence pbx "
      "status` shows them",
      engine_.pbx(pbx_).name, unlisted.count,
      fmt::join(unlisted.names.begin(), unlisted.names.begin() + static_cast<std::ptrdiff_t>(shown),
                ", "),
      unlisted.count > shown ? ", ..." : "");
}

void PbxLink::FinishReconcile(const pbx::ResyncOutcome& outcome) {
  probe_.reconciles.Add();
  engine_.EndReconcile(pbx_);
  if (outcome.devices_complete) TellUnlisted();
  if (loading_ && loading_->step == Loading::Step::kLists) AnswerLoad(absl::OkStatus());
  if (!reconciling_ || reconciling_->step != Reconciling::Step::kLists) {
    return writer_.StartRound(RoutingWriter::Pace::kSlow);
  }
  reconciling_->corrections = engine_.TakeCorrections(pbx_);
  reconciling_->step = Reconciling::Step::kRound;
  writer_.StartRound(RoutingWriter::Pace::kFast);
}

void PbxLink::TakeFromDialplan() {
  for (pbx::HeardSetting& heard : tracker_.dialplan().TakeSettings()) {
    writer_.OnPhoneSetting(std::move(heard));
  }
}

void PbxLink::UpdateProbe() {
  engine_.SetRewrites(pbx_, writer_.rewritten());
  const pbx::TrackerCounters counters = tracker_.counters();
  probe_.channels.Set(static_cast<std::int64_t>(tracker_.channel_count()));
  probe_.contacts.Set(static_cast<std::int64_t>(tracker_.contact_count()));
  probe_.malformed_events.Set(static_cast<std::int64_t>(counters.malformed_events +
                                                        counters.unknown_device_states +
                                                        counters.unknown_contact_statuses));
  for (std::size_t i = 0; i < pbx::kDialplanOutcomeCount; ++i) {
    Counter& outcome = probe_.dialplan_outcomes[i];
    outcome.Add(tracker_.dialplan().outcomes()[i] - outcome.value());
  }
}

void PbxLink::TakeListErrors(const pbx::ResyncOutcome& outcome) {
  probe_.list_errors.Add(outcome.errors.size());
  for (const pbx::ListError& error : outcome.errors) {
    complaints_.Raise(error.action, error.why, "read = system,call,user and write = system,call");
  }
  for (const std::string_view list : outcome.whole) complaints_.Mend(list);
  for (const std::string_view list : outcome.skipped) complaints_.Rest(list);
  engine_.facts(pbx_).list_errors = complaints_.Standing();
}

void PbxLink::TellMailboxErrors() {
  const std::uint64_t refused = mailbox_reader_.refused() - probe_.mailbox_errors.value();
  const std::uint64_t rounds = mailbox_reader_.rounds();
  if (refused == 0 && rounds == mailbox_rounds_) return;
  probe_.mailbox_errors.Add(refused);
  if (!mailbox_reader_.error().empty()) {
    complaints_.Raise(kMailboxCount, mailbox_reader_.error(), "write = call");
  } else if (rounds != mailbox_rounds_) {
    complaints_.Mend(kMailboxCount);
  }
  mailbox_rounds_ = rounds;
  engine_.facts(pbx_).list_errors = complaints_.Standing();
}

void PbxLink::TellLinkFacts() {
  PbxLinkFacts& facts = engine_.facts(pbx_);
  const LinkPhase phase = PhaseOf(connection_.session());
  if (phase != facts.phase || facts.phase_since == 0) {
    facts.phase = phase;
    facts.phase_since = clock_.WallNow();
  }
  const ami::AmiProbe& probe = connection_.probe();
  facts.messages = probe.messages.value();
  facts.skipped_messages = probe.skipped_messages.value();
  const std::optional<MonotonicTime> unanswered = writer_.unanswered_since();
  if (!unanswered) {
    facts.write_unanswered_since = 0;
  } else if (facts.write_unanswered_since == 0) {
    facts.write_unanswered_since = clock_.WallNow() - (clock_.Now() - *unanswered).count() / 1'000;
  }
  TellLastError();
}

void PbxLink::TellLastError() {
  const ami::AmiProbe& probe = connection_.probe();
  if (errors_told_ == probe.errors.value()) return;
  errors_told_ = probe.errors.value();
  engine_.SetLastError(pbx_, probe.last_error());
}

void PbxLink::SetLinkGauge() {
  probe_.link.Set(static_cast<std::int64_t>(engine_.pbx(pbx_).link));
  if (hooks_.link_changed) hooks_.link_changed(pbx_);
}

}  // namespace unipresence
