#include "aggregator/ami/pending_actions.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "aggregator/ami/printable.h"
#include "fmt/format.h"

namespace unipresence::ami {

namespace {

// Only the event that ends a list has this header. Older modules send one without it.
bool IsListEnd(const Message& event) {
  return event.Has("EventList") || event.Event().ends_with("Complete");
}

double Seconds(Duration duration) { return std::chrono::duration<double>(duration).count(); }

std::string_view TextOf(const Message& response) {
  std::string_view text = response.Get("Message");
  while (text.ends_with('\n')) text.remove_suffix(1);
  return text;
}

}  // namespace

void PendingActions::Add(ActionToken token, std::string_view name, ActionKind kind,
                         ActionCallback callback, MonotonicTime now) {
  const MonotonicTime deadline = now + times_.action;
  actions_.emplace(token, Action{std::string(name), kind, std::move(callback), now, deadline});
  deadline_ = std::min(deadline_, deadline);
}

void PendingActions::Finish(Map::iterator at, const absl::StatusOr<ActionReply>& reply) {
  Action action = std::move(at->second);
  actions_.erase(at);
  if (actions_.empty()) deadline_ = MonotonicTime::max();
  if (action.callback) action.callback(reply);
}

bool PendingActions::OnResponse(ActionToken token, const Message& response, MonotonicTime now) {
  const auto at = actions_.find(token);
  if (at == actions_.end()) return false;
  const bool success = response.Response() != "Error";
  if (success && (at->second.kind == ActionKind::kList || response.Get("EventList") == "start")) {
    at->second.kind = ActionKind::kList;
    at->second.deadline = std::min(now + times_.action, ListEnd(at->second));
    return true;
  }
  Finish(at, ActionReply{success, TextOf(response), response, 0});
  return true;
}

RowKind PendingActions::Classify(ActionToken token, const Message& event, MonotonicTime now) {
  const auto at = actions_.find(token);
  if (at == actions_.end()) return RowKind::kStray;
  if (IsListEnd(event)) return RowKind::kEnd;
  OnRow(at->second, now);
  return RowKind::kRow;
}

// A row keeps its list alive.
void PendingActions::OnRow(Action& action, MonotonicTime now) const {
  ++action.rows;
  action.deadline = std::min(now + times_.action, ListEnd(action));
}

MonotonicTime PendingActions::ListEnd(const Action& action) const {
  const Duration rows = times_.list_row * static_cast<Duration::rep>(action.rows);
  return action.begun + std::min(times_.list + rows, times_.list_most);
}

bool PendingActions::OnCut(ActionToken token, const Message& message, std::size_t bytes,
                           MonotonicTime now) {
  const auto at = actions_.find(token);
  if (at == actions_.end()) return false;
  if (!message.Event().empty() && !IsListEnd(message)) {
    ++at->second.skipped_rows;
    OnRow(at->second, now);
    return true;
  }
  Finish(at, absl::DataLossError(fmt::format(
                 "action {}: Asterisk's answer of {} bytes is beyond the limits and was passed "
                 "over; it may have obeyed or not",
                 at->second.name, bytes)));
  return true;
}

void PendingActions::OnListEnd(ActionToken token, const Message& event) {
  const auto at = actions_.find(token);
  if (at == actions_.end()) return;
  const std::string_view list = event.Get("EventList");
  if (list == "cancelled" || list == "Cancelled") {
    Finish(at, absl::AbortedError(fmt::format("Asterisk cancelled the list of action {}: {}",
                                              at->second.name, Printable(event.Get("Message")))));
    return;
  }
  Finish(at, ActionReply{true, TextOf(event), event, at->second.skipped_rows});
}

std::size_t PendingActions::TimeOut(MonotonicTime now) {
  if (now < deadline_) return 0;
  std::vector<ActionToken> late;
  deadline_ = MonotonicTime::max();
  for (const auto& [token, action] : actions_) {
    if (action.deadline <= now) {
      late.push_back(token);
    } else {
      deadline_ = std::min(deadline_, action.deadline);
    }
  }
  for (const ActionToken token : late) {
    const auto at = actions_.find(token);
    if (at == actions_.end()) continue;  // a callback failed them all
    const Action& action = at->second;
    const bool endless = now >= ListEnd(action);
    Finish(at,
           absl::DeadlineExceededError(
               endless ? fmt::format("action {}: its list had no end after {:.0f} s and {} rows",
                                     action.name, Seconds(now - action.begun), action.rows)
                       : fmt::format("action {}: no answer from Asterisk within {} s; it may "
                                     "have obeyed or not",
                                     action.name, Seconds(times_.action))));
  }
  return late.size();
}

void PendingActions::FailAll(const absl::Status& reason) {
  // One by one: a callback may fail the rest itself.
  while (!actions_.empty()) {
    const auto at = actions_.begin();
    Finish(at, absl::UnavailableError(fmt::format(
                   "action {}: {}", at->second.name,
                   std::string_view(reason.message().data(), reason.message().size()))));
  }
}

}  // namespace unipresence::ami
