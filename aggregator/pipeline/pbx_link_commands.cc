// What a link is asked to do by PbxControl.

#include <fmt/format.h>

#include <utility>

#include "aggregator/pipeline/pbx_link.h"

namespace unipresence {

absl::Status PbxLink::CheckSynced() const {
  const PbxStatus& status = pbxs_[pbx_];
  if (status.link == LinkState::kSynced) return absl::OkStatus();
  return absl::UnavailableError(
      fmt::format("the link to PBX '{}' is {}; {}", status.name, ToString(status.link),
                  status.last_error.empty() ? "try again when it is synced" : status.last_error));
}

void PbxLink::SetWriteBack(bool on) {
  const bool synced = pbxs_[pbx_].link == LinkState::kSynced;
  writer_.SetEnabled(on, synced ? &session_ : nullptr);
}

void PbxLink::Load(ExpectedConfiguration expected, PbxControl::LoadCallback done) {
  if (absl::Status status = CheckSynced(); !status.ok()) return std::move(done)(status);
  if (loading_) {
    return std::move(done)(
        absl::ResourceExhaustedError("a configuration is being loaded already; wait for it"));
  }
  loading_.emplace(Loading{.done = std::move(done)});
  pbxs_.ExpectChanges(pbx_, true);
  loader_.Load(std::move(expected), [this](const absl::Status& status) {
    if (!status.ok()) return AnswerLoad(status);
    loading_->step = Loading::Step::kWaits;
  });
}

void PbxLink::AnswerLoad(const absl::Status& status) {
  Loading ended = *std::exchange(loading_, std::nullopt);
  pbxs_.ExpectChanges(pbx_, false);
  std::move(ended.done)(status);
}

void PbxLink::FindConflicts(const ConfiguredNames& next, const FormerConfiguration& former,
                            PbxControl::Look look, PbxControl::ConflictsCallback done) {
  if (absl::Status status = CheckSynced(); !status.ok()) return std::move(done)(status);
  survey_.Find(session_, next, former, look, std::move(done));
}

void PbxLink::Reconcile(PbxControl::ReconcileCallback done) {
  if (absl::Status status = CheckSynced(); !status.ok()) return std::move(done)(status);
  if (reconciling_) {
    return std::move(done)(absl::ResourceExhaustedError(
        fmt::format("PBX '{}' is being reconciled already; wait for it", pbxs_[pbx_].name)));
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

}  // namespace unipresence
