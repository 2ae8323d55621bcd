#include "aggregator/pipeline/pbx_link.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <utility>

#include "aggregator/base/status_macros.h"
#include "aggregator/base/strings.h"
#include "aggregator/base/valid_text.h"
#include "aggregator/pbx/manager_rights.h"
#include "aggregator/pbx/resync.h"

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

PbxLink::PbxLink(const ami::SessionDriverFactory& make_driver, const PbxOptions& options,
                 Engine& engine, const Clock& clock, Duration reconcile_interval, Hooks hooks)
    : engine_(engine),
      pbxs_(engine.pbxs()),
      clock_(clock),
      reconcile_interval_(reconcile_interval),
      hooks_(std::move(hooks)),
      pbx_(pbxs_.Add(options.ami.name, fmt::format("{}:{}", options.ami.host, options.ami.port))),
      driver_(make_driver(options.ami, *this)),
      session_(driver_->session()),
      writer_(engine, pbx_, options.write_back, hooks_.adopt),
      complaints_(options.ami.name),
      mailbox_reader_(session_, engine.mailboxes(), pbx_,
                      [this](const ami::Message& answer) { tracker_.OnMailboxReply(answer); }),
      loader_(session_, clock),
      survey_(clock) {
  pbxs_.facts(pbx_).tls = options.ami.tls.enabled;
  SetLinkGauge();
}

PbxLink::~PbxLink() { Stop(); }

absl::Status PbxLink::Restart(const PbxOptions& options) {
  // A link that works is not given up for one that cannot.
  UNIPRESENCE_RETURN_IF_ERROR(driver_->Check(options.ami));
  driver_->Stop();
  pbxs_.Add(options.ami.name, fmt::format("{}:{}", options.ami.host, options.ami.port));
  pbxs_.facts(pbx_).tls = options.ami.tls.enabled;
  writer_.SetEnabled(options.write_back, nullptr);
  driver_->SetConfig(options.ami);
  SetLinkGauge();
  return driver_->Start();
}

void PbxLink::Retire() {
  driver_->Stop();
  engine_.LinkLost(pbx_, "configured no more");
  pbxs_.Add(pbxs_[pbx_].name, "");
  SetLinkGauge();
}

// --- The order of all that is under way --------------------------------------------------------

// What was read goes to the engine before anything else, since all that follows asks the engine
// what is so; then what the read has ended is finished; then the next questions go out; and at last
// all of it is told. Step by step:
//
//   1. ApplyRead             to the engine and to those who follow calls; the read is forgotten
//   2. TakeFromDialplan     settings made from phones, of users as the engine knows them by 1
//   3. FinishResync         lists that have ended. Before 1 the engine would take devices that the
//                           last rows name for missing. It starts the readers of 5 and the writer
//   4. SendNextList         behind 3, which ends the one before; ahead of 5, for Asterisk answers
//                           in order and the users are stale until the lists are complete
//   5. boxes, files, names  share the room in flight that is left
//   6. LogMailboxErrors    of what 5 has ended
//   7. reconciles           at a tick: one is answered before the next one starts, and that starts
//                           behind 5, where the files are loaded that it is to look at
//   8. read_end             after a read: subscribers and Asterisk are told of all of it
//
// Nothing has come between the last read and a tick: there 1 to 3 have nothing to do.
void PbxLink::Proceed(Occasion occasion) {
  const bool read = occasion == Occasion::kReadEnd;
  std::size_t changes = 0;
  if (read) {
    changes = tracker_.changes().size();
    ApplyRead();
    TakeFromDialplan();
    FinishResync();
  }
  SendNextList();
  mailbox_reader_.Continue();
  loader_.Continue();
  survey_.Continue();
  LogMailboxErrors();
  if (read) {
    // min(): nothing was handed over; a list was given up.
    const MonotonicTime started = std::exchange(read_started_, kBetweenReads);
    return hooks_.read_end(started == kBetweenReads ? clock_.Now() : started, changes);
  }
  AnswerReconcile();
  StartReconcileIfDue();
}

void PbxLink::OnReadEnd() { Proceed(Occasion::kReadEnd); }

// The figures are told while the link is down too.
void PbxLink::OnTick() {
  writer_.OnTick(clock_.Now());
  RecordLinkFacts();
  UpdateProbe();
  if (session_.online()) Proceed(Occasion::kTick);
}

void PbxLink::ApplyRead() {
  // Before the first list there is nothing to compare with: the lists will tell all.
  if (pbxs_[pbx_].link != LinkState::kDown) {
    engine_.Apply(pbx_, tracker_.changes());
    engine_.mailboxes().Apply(pbx_, tracker_.mailbox_changes());
  }
  hooks_.calls_read(pbx_);
  // They point into the read buffer.
  tracker_.ClearChanges();
}

void PbxLink::StartReconcileIfDue() {
  if (tracker_.resync_running()) return;
  if (pbxs_[pbx_].link != LinkState::kSynced) return;
  const bool asked = reconciling_ && reconciling_->step == Reconciling::Step::kWaits;
  const bool loaded = loading_ && loading_->step == Loading::Step::kWaits;
  if (!pbxs_.TakeListingWanted(pbx_) && clock_.Now() < reconcile_due_ && !asked && !loaded) {
    return;
  }
  if (loaded) loading_->step = Loading::Step::kLists;
  if (asked) reconciling_->step = Reconciling::Step::kLists;
  pbxs_.TakeCorrections(pbx_);
  tracker_.StartResync(pbx::ResyncKind::kReconcile);
  SendNextList();
}

// --- The life of a link ------------------------------------------------------------------------

void PbxLink::OnOnline() { AskVersion(); }

void PbxLink::AskVersion() {
  auto sent = session_.Send(
      pbx::VersionAction(), ami::ActionKind::kSingle,
      [this](const absl::StatusOr<ami::ActionReply>& reply) {
        // An account that may not ask, or an old Asterisk, leaves the version unknown.
        if (!reply.ok() && !session_.online()) return;
        BeginResync(reply.ok() ? ValidText(pbx::VersionIn(reply->message), kMaxVersion)
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

// Those who wait for answers first: their answers are lost. Then the engine, which marks the users
// stale; then who waits for the link; and at last subscribers are told.
void PbxLink::OnOffline(const absl::Status& reason) {
  read_started_ = kBetweenReads;
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
        fmt::format("the link to PBX '{}' was lost: {}", pbxs_[pbx_].name, why)));
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

void PbxLink::SendNextList() {
  const std::optional<pbx::ListAction> action = tracker_.NextAction();
  if (!action) return;
  const absl::StatusOr<ami::ActionToken> token =
      session_.Send(ami::ActionBuilder(action->name),
                    action->list ? ami::ActionKind::kList : ami::ActionKind::kSingle,
                    [this](const absl::StatusOr<ami::ActionReply>& reply) { OnListEnd(reply); });
  // Otherwise the next read or tick tries again.
  if (token.ok()) tracker_.ActionSent(*token);
}

void PbxLink::OnListEnd(const absl::StatusOr<ami::ActionReply>& reply) {
  if (!session_.online()) return;  // OnOffline follows and clears up
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
  session_.MarkToldAll();
  if (outcome->devices_complete) LogUnlisted();
  probe_.resyncs.Add();
  const PbxStatus& status = pbxs_[pbx_];
  probe_.last_resync_micros.Set(status.last_resync_duration.count() / 1000);
  spdlog::info("pbx {}: synced in {} ms, {} rows", status.name,
               status.last_resync_duration.count() / 1'000'000, outcome->rows);
  SetLinkGauge();
  writer_.OnSynced(session_);
}

void PbxLink::LogUnlisted() {
  constexpr std::size_t kMaxNames = 10;
  const PbxTable::UnlistedDevices unlisted = pbxs_.FindUnlisted(pbx_);
  if (unlisted.count == 0) return;
  const std::size_t shown = std::min(kMaxNames, unlisted.names.size());
  spdlog::warn(
      "pbx {}: Asterisk lists {} device(s) of users nowhere: {}{}; look for a misspelt name or a "
      "missing endpoint (what is not PJSIP is listed once it has told a state); `unipresence pbx "
      "status` shows them",
      pbxs_[pbx_].name, unlisted.count,
      fmt::join(unlisted.names.begin(), unlisted.names.begin() + static_cast<std::ptrdiff_t>(shown),
                ", "),
      unlisted.count > shown ? ", ..." : "");
}

void PbxLink::FinishReconcile(const pbx::ResyncOutcome& outcome) {
  probe_.reconciles.Add();
  pbxs_.EndReconcile(pbx_);
  if (outcome.devices_complete) LogUnlisted();
  if (loading_ && loading_->step == Loading::Step::kLists) AnswerLoad(absl::OkStatus());
  if (!reconciling_ || reconciling_->step != Reconciling::Step::kLists) {
    return writer_.StartRound(RoutingWriter::Pace::kSlow);
  }
  reconciling_->corrections = pbxs_.TakeCorrections(pbx_);
  reconciling_->step = Reconciling::Step::kRound;
  writer_.StartRound(RoutingWriter::Pace::kFast);
}

void PbxLink::TakeFromDialplan() {
  for (pbx::ReportedSetting& heard : tracker_.dialplan().TakeSettings()) {
    writer_.OnPhoneSetting(std::move(heard));
  }
}

void PbxLink::UpdateProbe() {
  pbxs_.SetRewrites(pbx_, writer_.rewritten());
  probe_.channels.Set(static_cast<std::int64_t>(tracker_.channel_count()));
  probe_.contacts.Set(static_cast<std::int64_t>(tracker_.contact_count()));
}

void PbxLink::TakeListErrors(const pbx::ResyncOutcome& outcome) {
  probe_.list_errors.Add(outcome.errors.size());
  for (const pbx::ListError& error : outcome.errors) {
    complaints_.Raise(error.action, error.why, pbx::kListRights);
  }
  for (const std::string_view list : outcome.whole) complaints_.Resolve(list);
  for (const std::string_view list : outcome.skipped) complaints_.Rest(list);
  pbxs_.facts(pbx_).list_errors = complaints_.Standing();
}

void PbxLink::LogMailboxErrors() {
  const std::uint64_t refused = mailbox_reader_.refused() - probe_.mailbox_errors.value();
  const std::uint64_t rounds = mailbox_reader_.rounds();
  if (refused == 0 && rounds == mailbox_rounds_) return;
  probe_.mailbox_errors.Add(refused);
  if (!mailbox_reader_.error().empty()) {
    complaints_.Raise(kMailboxCount, mailbox_reader_.error(), pbx::kMailboxRights);
  } else if (rounds != mailbox_rounds_) {
    complaints_.Resolve(kMailboxCount);
  }
  mailbox_rounds_ = rounds;
  pbxs_.facts(pbx_).list_errors = complaints_.Standing();
}

void PbxLink::RecordLinkFacts() {
  PbxLinkFacts& facts = pbxs_.facts(pbx_);
  const LinkPhase phase = PhaseOf(session_);
  if (phase != facts.phase || facts.phase_since == 0) {
    facts.phase = phase;
    facts.phase_since = clock_.WallNow();
  }
  const ami::AmiProbe& probe = driver_->probe();
  facts.messages = probe.messages.value();
  facts.skipped_messages = probe.skipped_messages.value();
  const std::optional<MonotonicTime> unanswered = writer_.unanswered_since();
  if (!unanswered) {
    facts.write_unanswered_since = 0;
  } else if (facts.write_unanswered_since == 0) {
    facts.write_unanswered_since = clock_.WallNow() - (clock_.Now() - *unanswered).count() / 1'000;
  }
  RecordLastError();
}

void PbxLink::RecordLastError() {
  const ami::AmiProbe& probe = driver_->probe();
  if (errors_told_ == probe.errors.value()) return;
  errors_told_ = probe.errors.value();
  pbxs_.SetLastError(pbx_, probe.last_error());
}

void PbxLink::SetLinkGauge() {
  probe_.link.Set(static_cast<std::int64_t>(pbxs_[pbx_].link));
  hooks_.link_changed(pbx_);
}

}  // namespace unipresence
