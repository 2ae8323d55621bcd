#include "aggregator/ami/pending_actions.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "fmt/format.h"

namespace unipresence::ami {

namespace {

std::string_view TextOf(const Message& response) {
  std::string_view text = response.Get("Message");
  while (text.ends_with('\n')) text.remove_suffix(1);
  return text;
}

}  // namespace

void PendingActions::Add(ActionToken token, std::string_view name, ActionKind kind,
                         ActionCallback callback, MonotonicTime now) {
  const MonotonicTime deadline = now + timeout_;
  actions_.emplace(token, Action{std::string(name), kind, std::move(callback), deadline});
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
    at->second.deadline = now + timeout_;
    return true;
  }
  Finish(at, ActionReply{success, TextOf(response), response});
  return true;
}

RowKind PendingActions::Classify(ActionToken token, const Message& event, MonotonicTime now) {
  const auto at = actions_.find(token);
  if (at == actions_.end()) return RowKind::kStray;
  // Only the event that ends a list has this header. Older modules send one without it.
  if (event.Has("EventList") || event.Event().ends_with("Complete")) return RowKind::kEnd;
  at->second.deadline = now + timeout_;
  return RowKind::kRow;
}

void PendingActions::OnListEnd(ActionToken token, const Message& event) {
  const auto at = actions_.find(token);
  if (at == actions_.end()) return;
  const std::string_view list = event.Get("EventList");
  if (list == "cancelled" || list == "Cancelled") {
    Finish(at, absl::AbortedError(fmt::format("Asterisk cancelled the list of action {}: {}",
                                              at->second.name, event.Get("Message"))));
    return;
  }
  Finish(at, ActionReply{true, TextOf(event), event});
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
    Finish(at, absl::DeadlineExceededError(fmt::format(
                   "action {}: no answer from Asterisk within {} s; it may have obeyed or not",
                   at->second.name, std::chrono::duration<double>(timeout_).count())));
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
