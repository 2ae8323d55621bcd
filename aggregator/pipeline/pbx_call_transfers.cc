// Attended transfers of PbxCallControl. While one runs, the user's channel is in
// unipresence-consult and the other party's in unipresence-hold (deploy/asterisk).

#include <fmt/format.h>

#include "aggregator/base/strings.h"
#include "aggregator/pbx/call_actions.h"
#include "aggregator/pipeline/pbx_call_control.h"

namespace unipresence {

bool PbxCallControl::UpdateConsultation(const Link& link, const std::string& own,
                                        Consultation& consultation) {
  const std::optional<pbx::CallView> view = link.tracker->Call(own);
  if (!view || !link.tracker->Call(consultation.held)) return false;
  const bool together = view->peer_uniqueid == consultation.held;
  if (together) return !consultation.left;
  consultation.left = true;
  if (consultation.answer_time == 0 && !view->peer_uniqueid.empty()) {
    consultation.answer_time = clock_.WallNow();
  }
  return true;
}

void PbxCallControl::UpdateConsultations(Link& link) {
  // Channels are not known for sure until the lists are through.
  if (!Synced(link)) return;
  absl::erase_if(consultations_, [&](auto& entry) {
    return entry.second.pbx == link.pbx && !UpdateConsultation(link, entry.first, entry.second);
  });
  CollectChanges();
}

void PbxCallControl::StartAttendedTransfer(std::string_view user, std::string_view call,
                                           std::string_view destination, TransferDone done) {
  const absl::StatusOr<Found> found = FindOwn(user, call);
  if (!found.ok()) return std::move(done)(found.status());
  absl::Status status = Transferable(*found);
  if (status.ok() && found->call.holding) {
    status = CallError(CallProblem::kCallState,
                       fmt::format("call '{}' is on hold on the phone, which would not hear the "
                                   "destination; take it back first",
                                   call));
  }
  if (!status.ok()) return std::move(done)(status);
  const std::string context = ContextOf(user, *found->link);
  starting_.insert(found->uniqueid);
  TransferDone started = [this, own = found->uniqueid, done = std::move(done)](
                             absl::StatusOr<AttendedTransfer> transfer) mutable {
    starting_.erase(own);
    std::move(done)(std::move(transfer));
  };
  CheckConsultation(*found->link, context, destination,
                    [this, found = *found, context, destination = std::string(destination),
                     started = std::move(started)](const absl::Status& reached) mutable {
                      if (!reached.ok()) return std::move(started)(reached);
                      RedirectToConsult(found, context, std::move(destination), std::move(started));
                    });
}

void PbxCallControl::CheckConsultation(Link& link, std::string_view context,
                                       std::string_view destination, Done done) {
  CheckExtension(link, context, destination,
                 [this, &link, number = std::string(destination),
                  done = std::move(done)](const absl::Status& reached) mutable {
                   if (!reached.ok()) return std::move(done)(reached);
                   // Asterisk would hang both channels up if the place to send them to did not
                   // exist.
                   CheckExtension(
                       link, pbx::kConsultContext, number,
                       [this, &link, done = std::move(done)](absl::Status exists) mutable {
                         if (CallProblemOf(exists) == CallProblem::kDestinationForbidden) {
                           exists = CallError(
                               CallProblem::kCallState,
                               fmt::format("PBX '{}' has no context {} in its dialplan; include "
                                           "the files of deploy/asterisk",
                                           pbxs_[link.pbx].name, pbx::kConsultContext));
                         }
                         std::move(done)(std::move(exists));
                       });
                 });
}

void PbxCallControl::RedirectToConsult(const Found& found, std::string_view context,
                                       std::string destination, TransferDone done) {
  // The call may have changed while the numbers were checked.
  const std::optional<pbx::CallView> held = found.link->tracker->Call(found.peer_uniqueid);
  if (!held) {
    return std::move(done)(
        CallError(CallProblem::kCallNotFound, "the call has changed; list the calls again"));
  }
  const auto actions = pbx::ConsultActions({.channel = found.uniqueid,
                                            .held = found.peer_uniqueid,
                                            .held_name = held->channel,
                                            .context = context,
                                            .destination = destination});
  Consultation consultation{.pbx = found.link->pbx,
                            .held = found.peer_uniqueid,
                            .held_party = found.call.other_party,
                            .destination = std::move(destination),
                            .start_time = clock_.WallNow()};
  CommandLast(*found.link, actions,
              [this, found, consultation = std::move(consultation),
               done = std::move(done)](absl::Status status) mutable {
                if (!status.ok()) return std::move(done)(status);
                consultations_.insert_or_assign(found.uniqueid, std::move(consultation));
                CollectChanges();
                std::move(done)(TransferOf(found));
              });
}

absl::StatusOr<AttendedTransfer> PbxCallControl::TransferOf(const Found& found) const {
  const std::optional<pbx::CallView> view = found.link->tracker->Call(found.uniqueid);
  std::vector<Found> both;
  if (view) {
    AddCall({.kind = found.call.kind,
             .pbx = found.call.pbx,
             .device = found.call.device,
             .link = found.link},
            *view, both);
  }
  if (both.size() != 2) {
    return CallError(CallProblem::kCallNotFound, "the call has ended; list the calls again");
  }
  return AttendedTransfer{.call = std::move(both[0].call), .consultation = std::move(both[1].call)};
}

absl::StatusOr<PbxCallControl::Found> PbxCallControl::FindTransfer(std::string_view user,
                                                                   std::string_view call) const {
  absl::StatusOr<Found> found = FindOwn(user, call);
  if (!found.ok()) return found;
  if (found->consultation || !consultations_.contains(found->uniqueid)) {
    return CallError(
        CallProblem::kCallState,
        fmt::format("no attended transfer of call '{}' was begun, or it is over", call));
  }
  return found;
}

void PbxCallControl::CompleteAttendedTransfer(std::string_view user, std::string_view call,
                                              Done done) {
  const absl::StatusOr<Found> found = FindTransfer(user, call);
  if (!found.ok()) return std::move(done)(found.status());
  const Consultation& consultation = consultations_.find(found->uniqueid)->second;
  if (consultation.answer_time == 0 || found->peer_uniqueid.empty()) {
    return std::move(done)(
        CallError(CallProblem::kCallState,
                  fmt::format("'{}' has not answered yet; wait, or cancel and transfer blindly",
                              consultation.destination)));
  }
  CommandLast(*found->link,
              pbx::CompleteActions(found->uniqueid, consultation.held, found->peer_uniqueid),
              std::move(done));
}

void PbxCallControl::CancelAttendedTransfer(std::string_view user, std::string_view call,
                                            CallDone done) {
  const absl::StatusOr<Found> found = FindTransfer(user, call);
  if (!found.ok()) return std::move(done)(found.status());
  Command(*found->link, pbx::TakeBackAction(found->uniqueid),
          [this, own = found->uniqueid, back = found->call,
           done = std::move(done)](absl::Status status) mutable {
            if (!status.ok()) return std::move(done)(status);
            consultations_.erase(own);
            CollectChanges();
            back.transfer_call.clear();
            back.holding = false;
            std::move(done)(std::move(back));
          });
}

}  // namespace unipresence
