#include "aggregator/pipeline/answer_watch.h"

#include <spdlog/spdlog.h>

#include <utility>

namespace unipresence {

void AnswerWatch::Sent(std::string_view action) {
  auto at = waiting_.find(action);
  if (at == waiting_.end()) at = waiting_.emplace(std::string(action), Waiting{}).first;
  ++at->second.in_flight;
  if (!at->second.since) at->second.since = now_;
}

void AnswerWatch::Ended(std::string_view action, bool answered) {
  const auto at = waiting_.find(action);
  if (at == waiting_.end()) return;  // of a link that was lost
  Waiting& waiting = at->second;
  --waiting.in_flight;
  if (!answered) return;
  answered_ = true;
  waiting.since = waiting.in_flight > 0 ? std::optional(now_) : std::nullopt;
}

void AnswerWatch::LinkLost() {
  waiting_.clear();
  silent_since_.reset();
  calm_since_.reset();
  answered_ = false;
}

void AnswerWatch::OnTick(MonotonicTime now) {
  now_ = now;
  silent_since_.reset();
  std::string_view silent;
  for (const auto& [action, waiting] : waiting_) {
    if (!waiting.since || now - *waiting.since < kPatience) continue;
    if (silent_since_ && *silent_since_ <= *waiting.since) continue;
    silent_since_ = waiting.since;
    silent = action;
  }
  if (silent_since_) {
    calm_since_.reset();
    if (std::exchange(told_, true)) return;
    spdlog::warn(
        "pbx {}: Asterisk does not answer {}: whether it holds what was chosen is not known, and "
        "calls may ring where they rang before",
        pbx_, silent);
    return;
  }
  if (!told_ || !answered_) return;
  if (!calm_since_) calm_since_ = now;
  if (now - *calm_since_ < 2 * kPatience) return;
  told_ = false;
  spdlog::info("pbx {}: Asterisk answers what it is told again", pbx_);
}

}  // namespace unipresence
