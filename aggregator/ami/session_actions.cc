// Sending the actions of the session.

#include <charconv>
#include <string>
#include <utility>

#include "aggregator/ami/session.h"
#include "fmt/format.h"

namespace unipresence::ami {

absl::StatusOr<ActionToken> Session::Send(const ActionBuilder& action, ActionKind kind,
                                          ActionCallback callback) {
  if (!online()) {
    return absl::UnavailableError(fmt::format("action {}: PBX {} is {}, not ONLINE", action.name(),
                                              config_.name, ToString(state_)));
  }
  if (pending_.size() >= config_.max_actions_in_flight) {
    probe_.actions_refused.Add();
    return absl::ResourceExhaustedError(
        fmt::format("action {}: {} actions are in flight on PBX {}, limit {}", action.name(),
                    pending_.size(), config_.name, config_.max_actions_in_flight));
  }
  return Submit(action, kind, std::move(callback));
}

absl::StatusOr<ActionToken> Session::Submit(const ActionBuilder& action, ActionKind kind,
                                            ActionCallback callback) {
  const ActionToken token = next_token_;
  const absl::StatusOr<std::string> bytes = action.Encode(ActionIdOf(token));
  if (!bytes.ok()) return bytes.status();
  if (!transport_.Write(*bytes)) {
    probe_.actions_refused.Add();
    return absl::ResourceExhaustedError(fmt::format(
        "action {}: the write queue of PBX {} is full, limit {} bytes; it reads too slowly",
        action.name(), config_.name, config_.write_queue_bytes));
  }
  ++next_token_;
  pending_.Add(token, action.name(), kind, std::move(callback), clock_.Now());
  probe_.actions_sent.Add();
  probe_.actions_in_flight.store(static_cast<std::uint32_t>(pending_.size()),
                                 std::memory_order_relaxed);
  return token;
}

ActionToken Session::TokenOf(std::string_view action_id) const {
  if (!action_id.starts_with(id_prefix_)) return kLiveEvent;
  const std::string_view digits = action_id.substr(id_prefix_.size());
  ActionToken token = kLiveEvent;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), token);
  return error == std::errc() && end == digits.data() + digits.size() ? token : kLiveEvent;
}

}  // namespace unipresence::ami
