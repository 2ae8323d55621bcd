#include "aggregator/pipeline/pbx_call_control.h"

#include <fmt/format.h>

#include <algorithm>

#include "aggregator/ami/printable.h"
#include "aggregator/base/strings.h"
#include "aggregator/pbx/call_actions.h"
#include "aggregator/pbx/manager_rights.h"

namespace unipresence {

PbxCallControl::PbxCallControl(const PresenceSource& presences, RoutingBacklog& routings,
                               const PbxTable& pbxs, const Clock& clock)
    : presences_(presences),
      routings_(routings),
      pbxs_(pbxs),
      clock_(clock),
      id_prefix_(fmt::format("unipresence-{:x}-", presences.epoch())) {}

PbxCallControl::~PbxCallControl() = default;

void PbxCallControl::AddLink(PbxIndex pbx, ami::Session& session, pbx::Tracker& tracker) {
  links_.push_back(
      std::make_unique<Link>(Link{.pbx = pbx, .session = &session, .tracker = &tracker}));
}

void PbxCallControl::OnTick() {
  for (const auto& link : links_) {
    if (!pending_.empty()) UpdatePending(*link);
  }
  if (clock_.Now() < next_sweep_) return;
  next_sweep_ = clock_.Now() + kSweepPeriod;
  absl::erase_if(dialled_, [this](const auto& entry) {
    return !pending_.contains(entry.first) &&
           std::none_of(links_.begin(), links_.end(), [&](const auto& link) {
             return link->tracker->Call(entry.first).has_value();
           });
  });
}

// --- Actions ---------------------------------------------------------------------------------

absl::Status PbxCallControl::Unavailable(const Link& link) const {
  return CallError(CallProblem::kPbxUnavailable,
                   fmt::format("the link to PBX '{}' is down, nothing was done; retry later",
                               pbxs_[link.pbx].name));
}

void PbxCallControl::Send(Link& link, const ami::ActionBuilder& action,
                          absl::AnyInvocable<void(const Reply&) &&> done) {
  if (!Synced(link)) return std::move(done)(Unavailable(link));
  if (link.actions >= kMaxActions) {
    return std::move(done)(
        CallError(CallProblem::kBusy, fmt::format("{} commands wait for PBX '{}'; retry later",
                                                  link.actions, pbxs_[link.pbx].name)));
  }
  // The session may refuse without calling back, so both ways lead to `answer`.
  auto answer = std::make_shared<absl::AnyInvocable<void(const Reply&) &&>>(std::move(done));
  const absl::StatusOr<ami::ActionToken> sent =
      link.session->Send(action, ami::ActionKind::kSingle, [&link, answer](const Reply& reply) {
        --link.actions;
        std::move (*answer)(reply);
      });
  if (sent.ok()) {
    ++link.actions;
    return;
  }
  const CallProblem problem = sent.status().code() == absl::StatusCode::kResourceExhausted
                                  ? CallProblem::kBusy
                                  : CallProblem::kPbxUnavailable;
  std::move (*answer)(CallError(problem, FromAbsl(sent.status().message())));
}

absl::Status PbxCallControl::StatusOf(const Link& link, std::string_view action,
                                      const Reply& reply) const {
  const std::string& name = pbxs_[link.pbx].name;
  if (!reply.ok()) {
    if (CallProblemOf(reply.status())) return reply.status();
    return CallError(CallProblem::kPbxUnavailable,
                     fmt::format("PBX '{}' has not answered {}: {}; whether it obeyed shows in the "
                                 "list of calls",
                                 name, action, FromAbsl(reply.status().message())));
  }
  if (reply->success) return absl::OkStatus();
  if (pbx::IsChannelGone(reply->text)) {
    return CallError(CallProblem::kCallNotFound,
                     "the call has ended, or one of its ends has; list the calls again");
  }
  if (reply->text.find(pbx::kPermissionDenied) != std::string::npos) {
    return CallError(CallProblem::kPbxUnavailable,
                     fmt::format("PBX '{}' does not permit {}; give the manager account {}", name,
                                 action, pbx::kCallRights));
  }
  return CallError(CallProblem::kCallState, fmt::format("PBX '{}' refuses {}: {}; list the calls "
                                                        "again",
                                                        name, action, ami::Printable(reply->text)));
}

void PbxCallControl::Command(Link& link, const ami::ActionBuilder& action, Done done) {
  Send(link, action,
       [this, &link, name = std::string(action.name()), done = std::move(done)](
           const Reply& reply) mutable { std::move(done)(StatusOf(link, name, reply)); });
}

void PbxCallControl::CommandLast(Link& link, std::span<const ami::ActionBuilder> actions,
                                 Done done) {
  for (const ami::ActionBuilder& action : actions.first(actions.size() - 1)) {
    Send(link, action, [](const Reply&) {});
  }
  Command(link, actions.back(), std::move(done));
}

std::string PbxCallControl::ContextOf(std::string_view user, const Link& link) {
  std::string context;
  routings_.Read(link.pbx, user, [&](const Routing& routing, bool) { context = routing.context; });
  return context;
}

void PbxCallControl::CheckExtension(Link& link, std::string_view context, std::string_view number,
                                    Done done) {
  Send(link, pbx::FindExtensionAction(context, number),
       [this, &link, context = std::string(context), number = std::string(number),
        done = std::move(done)](const Reply& reply) mutable {
         if (!reply.ok() || !reply->success) {
           return std::move(done)(StatusOf(link, "Getvar", reply));
         }
         const std::optional<bool> reached = pbx::ExtensionFound(reply->message);
         if (!reached) {
           return std::move(done)(
               CallError(CallProblem::kPbxUnavailable,
                         fmt::format("PBX '{}' cannot check numbers; have it load func_dialplan.so",
                                     pbxs_[link.pbx].name)));
         }
         if (*reached) return std::move(done)(absl::OkStatus());
         std::move(done)(
             CallError(CallProblem::kDestinationForbidden,
                       fmt::format("destination '{}': the context '{}' does not reach it; give "
                                   "a number that can be dialled on the phone",
                                   number, context)));
       });
}

void PbxCallControl::CheckDestination(std::string_view user, std::string_view destination,
                                      Done done) {
  const absl::StatusOr<std::vector<Line>> lines = LinesOf(user);
  if (!lines.ok()) return std::move(done)(lines.status());
  // The deskphone's PBX if there is one: lines are in the order of their kinds.
  for (const Line& line : *lines) {
    if (line.link == nullptr) continue;
    return CheckExtension(*line.link, ContextOf(user, *line.link), destination, std::move(done));
  }
  std::move(done)(CallError(CallProblem::kPbxUnavailable,
                            fmt::format("no PBX of user '{}' is configured here", user)));
}

absl::StatusOr<PbxCallControl::Found> PbxCallControl::FindOwn(std::string_view user,
                                                              std::string_view call) const {
  const absl::StatusOr<std::vector<Line>> lines = LinesOf(user);
  if (!lines.ok()) return lines.status();
  for (Found& found : FindAll(*lines)) {
    if (found.call.id != call) continue;
    if (const LineKindTraits kind = TraitsOf(found.call.kind); !kind.client.empty()) {
      return CallError(CallProblem::kCallState,
                       fmt::format("call '{}' is one of the {}; control it in the {}", call,
                                   kind.noun, kind.client));
    }
    if (!Synced(*found.link)) return Unavailable(*found.link);
    return std::move(found);
  }
  return CallError(
      CallProblem::kCallNotFound,
      fmt::format("'{}' has no call '{}'; it has ended, list the calls again", user, call));
}

// --- Placing, ending, transferring blindly ---------------------------------------------------

void PbxCallControl::Place(PlaceCallOrder order, CallDone done) {
  const absl::StatusOr<std::vector<Line>> lines = LinesOf(order.user);
  if (!lines.ok()) return std::move(done)(lines.status());
  const auto line = std::find_if(lines->begin(), lines->end(),
                                 [](const Line& one) { return TraitsOf(one.kind).client.empty(); });
  if (line == lines->end()) {
    return std::move(done)(CallError(
        CallProblem::kNoDeskphone, fmt::format("'{}' has no deskphone to call from", order.user)));
  }
  if (!order.request_id.empty()) {
    PlacedCalls::Entry* const entry = placed_.Find(order.user, order.request_id, clock_.Now());
    if (entry != nullptr && entry->pending) {
      entry->also.push_back(std::move(done));
      return;
    }
    if (entry != nullptr) return std::move(done)(AnswerAgain(order.user, *entry));
  }
  if (line->link == nullptr || !Synced(*line->link)) {
    return std::move(done)(CallError(
        CallProblem::kPbxUnavailable,
        fmt::format("the link to PBX '{}' is down, nothing was done; retry later", line->pbx)));
  }
  if (line->state == DeviceState::kUnavailable || line->state == DeviceState::kInvalid) {
    return std::move(done)(Unreachable(line->kind, line->device));
  }
  if (!order.request_id.empty()) placed_.Begin(order.user, order.request_id, clock_.Now());
  Pending pending{.pbx = line->link->pbx,
                  .user = order.user,
                  .request_id = order.request_id,
                  .call = {.kind = line->kind,
                           .device = line->device,
                           .pbx = line->pbx,
                           .direction = CallDirection::kEmitted,
                           .other_party = {.number = order.destination, .name = {}},
                           .state = CallState::kOriginating},
                  .done = std::move(done)};
  const std::string context = ContextOf(order.user, *line->link);
  const std::string destination = order.destination;
  CheckExtension(*line->link, context, destination,
                 [this, link = line->link, order = std::move(order),
                  pending = std::move(pending)](absl::Status status) mutable {
                   if (!status.ok()) return FinishPlaced(std::move(pending), status, false);
                   Originate(*link, order, std::move(pending));
                 });
}

absl::StatusOr<LiveCall> PbxCallControl::AnswerAgain(std::string_view user,
                                                     const PlacedCalls::Entry& entry) const {
  if (entry.answer.ok()) return entry.answer;
  // The PBX did not answer at first: by now it may be known that it obeyed.
  const absl::StatusOr<LiveCalls> live = List(user);
  if (!live.ok()) return live.status();
  for (const LiveCall& call : live->calls) {
    if (call.id == entry.call) return call;
  }
  return CallError(CallProblem::kPbxUnavailable,
                   "it is not known whether this call was dialled; it does not live now. To dial, "
                   "give another request_id");
}

absl::Status PbxCallControl::Unreachable(LineKind kind, std::string_view device) const {
  return CallError(CallProblem::kDeskphoneUnreachable,
                   fmt::format("the {} {} is not registered, or does not take a call; look "
                               "at the phone",
                               TraitsOf(kind).noun, device));
}

void PbxCallControl::Originate(Link& link, const PlaceCallOrder& order, Pending pending) {
  const std::string context = ContextOf(order.user, link);
  const std::string uniqueid = fmt::format("{}{}", id_prefix_, next_id_++);
  pending.call.id = IdOf(pending.call.pbx, uniqueid);
  pending.call.start_time = clock_.WallNow();
  pending.call.linked_id = uniqueid;
  const ami::ActionBuilder action = pbx::OriginateAction({.phone = pending.call.device,
                                                          .context = context,
                                                          .destination = order.destination,
                                                          .uniqueid = uniqueid,
                                                          .rings = kOwnPhoneRings});
  dialled_.emplace(uniqueid, order.destination);
  pending_.emplace(uniqueid, std::move(pending));
  Send(link, action, [this, &link, uniqueid](const Reply& reply) {
    const absl::Status status = StatusOf(link, "Originate", reply);
    const auto at = pending_.find(uniqueid);
    if (at == pending_.end()) return;
    if (status.ok()) {  // its channel comes, or an OriginateResponse
      at->second.deadline = clock_.Now() + kAppearsWithin;
      return;
    }
    Pending failed = std::move(at->second);
    pending_.erase(at);
    // After a lost link nobody knows whether the phone rang: it must not do so again.
    const bool uncertain = !reply.ok() && !CallProblemOf(reply.status());
    FinishPlaced(std::move(failed), status, uncertain);
  });
}

void PbxCallControl::UpdatePending(Link& link) {
  std::vector<std::pair<Pending, absl::StatusOr<LiveCall>>> finished;
  absl::erase_if(pending_, [&](auto& entry) {
    auto& [uniqueid, pending] = entry;
    if (pending.pbx != link.pbx) return false;
    const auto failed = link.tracker->failed_originates();
    absl::StatusOr<LiveCall> answer = pending.call;
    if (std::find(failed.begin(), failed.end(), uniqueid) != failed.end()) {
      answer = Unreachable(pending.call.kind, pending.call.device);
    } else if (!link.tracker->Call(uniqueid) && clock_.Now() < pending.deadline) {
      return false;
    }
    finished.emplace_back(std::move(pending), std::move(answer));
    return true;
  });
  for (auto& [pending, answer] : finished) FinishPlaced(std::move(pending), answer, answer.ok());
}

void PbxCallControl::FinishPlaced(Pending pending, const absl::StatusOr<LiveCall>& answer,
                                  bool keep) {
  std::vector<CallDone> also;
  if (!pending.request_id.empty()) {
    also = placed_.Finish(pending.user, pending.request_id, pending.call.id, answer, keep);
  }
  std::move(pending.done)(answer);
  for (CallDone& done : also) std::move(done)(answer);
}

void PbxCallControl::HangUp(std::string_view user, std::string_view call, Done done) {
  const absl::StatusOr<Found> found = FindOwn(user, call);
  if (!found.ok()) return std::move(done)(found.status());
  if (found->consultation) {
    return CancelAttendedTransfer(
        user, found->call.transfer_call,
        [done = std::move(done)](const absl::StatusOr<LiveCall>& back) mutable {
          std::move(done)(back.status());
        });
  }
  // Of the two calls on one channel the held one ends with the other party's channel.
  const auto transfer = consultations_.find(ToAbsl(found->uniqueid));
  const ami::ActionBuilder action =
      pbx::HangupAction(transfer == consultations_.end() ? found->uniqueid : transfer->second.held,
                        found->call.state == CallState::kRinging);
  Command(*found->link, action, std::move(done));
}

absl::Status PbxCallControl::Transferable(const Found& found) const {
  if (!found.call.transfer_call.empty() || starting_.contains(ToAbsl(found.uniqueid))) {
    return CallError(CallProblem::kCallState,
                     fmt::format("call '{}' is being transferred already; complete or cancel that",
                                 found.call.id));
  }
  if (found.call.state == CallState::kAnswered && !found.peer_uniqueid.empty()) {
    return absl::OkStatus();
  }
  return CallError(CallProblem::kCallState,
                   fmt::format("call '{}' cannot be transferred: it is {} and no call of two who "
                               "talk",
                               found.call.id, ToString(found.call.state)));
}

void PbxCallControl::Transfer(std::string_view user, std::string_view call,
                              std::string_view destination, Done done) {
  const absl::StatusOr<Found> found = FindOwn(user, call);
  if (!found.ok()) return std::move(done)(found.status());
  if (absl::Status status = Transferable(*found); !status.ok()) return std::move(done)(status);
  std::string context = ContextOf(user, *found->link);
  ami::ActionBuilder action = pbx::BlindTransferAction(found->uniqueid, destination, context);
  CheckExtension(*found->link, context, destination,
                 [this, link = found->link, action = std::move(action),
                  done = std::move(done)](absl::Status status) mutable {
                   if (!status.ok()) return std::move(done)(status);
                   Command(*link, action, std::move(done));
                 });
}

}  // namespace unipresence
