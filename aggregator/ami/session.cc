#include "aggregator/ami/session.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "aggregator/ami/printable.h"
#include "fmt/format.h"
#include "spdlog/spdlog.h"

namespace unipresence::ami {
namespace {

constexpr MonotonicTime kNever = MonotonicTime::max();
// A cut link that had told everything waits for twice backoff_first, half of it at random.
constexpr std::uint32_t kFailuresOnceToldAll = 1;
constexpr Duration kBetweenSkippedLogs = std::chrono::minutes(1);

double Seconds(Duration duration) { return std::chrono::duration<double>(duration).count(); }

std::string_view Text(const absl::Status& status) {
  return {status.message().data(), status.message().size()};
}

}  // namespace

Session::Session(const PbxConfig& config, SessionTransport& transport, SessionHandler& handler,
                 AmiProbe& probe, const Clock& clock, std::function<std::uint64_t()> random)
    : config_(config),
      transport_(transport),
      handler_(handler),
      probe_(probe),
      clock_(clock),
      random_(std::move(random)),
      id_prefix_(fmt::format("up-{:08x}-", random_() & 0xffffffffU)),
      pending_(config.times) {}

// ---- States ----

void Session::Enter(SessionState state, MonotonicTime deadline) {
  state_ = state;
  deadline_ = deadline;
  probe_.state.store(state, std::memory_order_relaxed);
}

void Session::Start() {
  if (state_ == SessionState::kStopped) Connect();
}

void Session::Connect() {
  ++link_;
  probe_.connects.Add();
  Enter(SessionState::kConnecting, clock_.Now() + config_.times.connect);
  transport_.Connect();
}

void Session::OnConnected() {
  if (state_ != SessionState::kConnecting) return;
  framer_.Reset();
  banner_.clear();
  shutting_down_ = restarting_ = told_all_ = false;
  Enter(SessionState::kBanner, clock_.Now() + config_.times.banner);
}

void Session::OnClosed(const absl::Status& reason) {
  switch (state_) {
    case SessionState::kStopped:
    case SessionState::kBackoff:
      return;
    case SessionState::kConnecting:
      Fail(reason.ok() ? absl::UnavailableError("cannot connect") : reason);
      return;
    case SessionState::kBanner:
    case SessionState::kChallenge:
    case SessionState::kLogin:
    case SessionState::kBooting:
    case SessionState::kOnline:
      break;
  }
  if (shutting_down_) {
    FailOrderly();
  } else if (!reason.ok()) {
    Fail(reason);
  } else if (state_ == SessionState::kBanner) {
    Fail(absl::UnavailableError("closed without a banner: Asterisk is stopping or starting"));
  } else {
    Fail(absl::UnavailableError(
        fmt::format("Asterisk closed the connection in state {}", ToString(state_))));
  }
}

void Session::Stop() {
  if (state_ == SessionState::kStopped) return;
  Drop(absl::UnavailableError("stopped"), SessionState::kStopped, kNever);
}

void Session::Fail(const absl::Status& reason) {
  const Duration delay = NextBackoff(reason);
  // What follows from an orderly stop has been said.
  const bool away = state_ == SessionState::kConnecting || state_ == SessionState::kBanner;
  if (!away || clock_.Now() >= excused_until_) Report(reason, delay);
  login_refused_ = false;
  Drop(reason, SessionState::kBackoff, clock_.Now() + delay);
}

void Session::FailLogin(const absl::Status& reason) {
  probe_.login_refused.Add();
  const Duration delay = config_.times.backoff_login_refused;
  Report(reason, delay);
  login_refused_ = true;
  Drop(reason, SessionState::kBackoff, clock_.Now() + delay);
}

// Asterisk said that it stops, and closed the link.
void Session::FailOrderly() {
  const absl::Status reason = absl::UnavailableError(
      restarting_ ? "Asterisk restarts in an orderly way" : "Asterisk stopped in an orderly way");
  const Duration delay = NextBackoff(reason);
  excused_until_ = clock_.Now() + config_.times.orderly_stop;
  probe_.SetLastError(Text(reason));
  reported_ = Text(reason);
  spdlog::info("ami {}: {}; it is tried again until it is back", config_.name, reported_);
  login_refused_ = false;
  Drop(reason, SessionState::kBackoff, clock_.Now() + delay);
}

// A link that fails the same way again and again is logged once.
void Session::Report(const absl::Status& reason, Duration delay) {
  probe_.SetLastError(Text(reason));
  if (Text(reason) == reported_) return;
  reported_ = Text(reason);
  spdlog::warn("ami {}: {}; next attempt in {:.1f} s", config_.name, reported_, Seconds(delay));
}

void Session::Drop(const absl::Status& reason, SessionState next, MonotonicTime deadline) {
  owes_offline_ = owes_offline_ || online();
  const bool had_link = state_ != SessionState::kBackoff;
  if (had_link && state_ != SessionState::kConnecting) probe_.disconnects.Add();
  ++link_;
  Enter(next, deadline);
  if (had_link) transport_.Close();
  // A callback may stop the session: then that call does the rest of this one.
  pending_.FailAll(reason);
  probe_.actions_in_flight.store(0, std::memory_order_relaxed);
  if (std::exchange(owes_offline_, false)) handler_.OnOffline(reason);
}

Duration Session::NextBackoff(const absl::Status& reason) {
  if (online() && clock_.Now() - online_time_ >= config_.times.of_use) {
    failures_ = 0;
    reported_.clear();
  } else if (told_all_ && absl::IsUnavailable(reason)) {
    failures_ = std::min(failures_, kFailuresOnceToldAll);
  }
  told_all_ = false;
  Duration delay = config_.times.backoff_first;
  for (std::uint32_t i = 0; i < failures_ && delay < config_.times.backoff_cap; ++i) delay *= 2;
  delay = std::min(delay, config_.times.backoff_cap);
  ++failures_;
  const auto half = static_cast<std::uint64_t>(delay.count() / 2);
  return delay - Duration(static_cast<Duration::rep>(random_() % (half + 1)));
}

absl::Status Session::StateTimeout() const {
  const SessionTimes& times = config_.times;
  switch (state_) {
    case SessionState::kConnecting:
      return absl::DeadlineExceededError(
          fmt::format("no connection within {} s", Seconds(times.connect)));
    case SessionState::kBanner:
      return absl::DeadlineExceededError(
          fmt::format("no banner within {} s of connecting; check that it is an AMI port, and one "
                      "with TLS if tls is enabled",
                      Seconds(times.banner)));
    case SessionState::kChallenge:
    case SessionState::kLogin:
      return absl::DeadlineExceededError(
          fmt::format("no answer to {} within {} s", ToString(state_), Seconds(times.login)));
    case SessionState::kBooting:
      return absl::DeadlineExceededError(fmt::format(
          "no FullyBooted within {} s of the login: Asterisk is still booting, or user {} "
          "lacks the read class system in manager.conf",
          Seconds(times.fully_booted), config_.username));
    case SessionState::kStopped:
    case SessionState::kBackoff:
    case SessionState::kOnline:
      break;
  }
  return absl::InternalError("a state without a deadline timed out");
}

// ---- Time ----

MonotonicTime Session::NextDeadline() const {
  MonotonicTime next = deadline_;
  if (logged_in()) next = std::min({next, silence_due_, pending_.deadline()});
  return next;
}

void Session::OnTime() {
  const MonotonicTime now = clock_.Now();
  if (now >= deadline_) {
    if (state_ == SessionState::kBackoff) {
      Connect();
    } else {
      Fail(StateTimeout());
    }
    return;
  }
  if (!logged_in()) return;
  const std::uint64_t link = link_;
  probe_.actions_timed_out.Add(pending_.TimeOut(now));
  probe_.actions_in_flight.store(static_cast<std::uint32_t>(pending_.size()),
                                 std::memory_order_relaxed);
  if (link_ == link) CheckSilence(now);
}

void Session::CheckSilence(MonotonicTime now) {
  if (now < silence_due_) return;
  if (!ping_sent_) {
    SendPing(now);
    return;
  }
  probe_.dead_links.Add();
  Fail(
      absl::UnavailableError(fmt::format("nothing received for {:.1f} s, not even the answer to a "
                                         "ping: the link is dead",
                                         Seconds(now - read_time_))));
}

void Session::SendPing(MonotonicTime now) {
  ping_sent_ = true;
  silence_due_ = now + config_.times.dead_after;
  probe_.pings.Add();
  // A full write queue is as good as a ping: if nothing comes, the link is dead all the same.
  (void)Submit(ActionBuilder("Ping"), ActionKind::kSingle, nullptr);
}

// ---- Bytes ----

void Session::OnRead(std::size_t size) {
  framer_.Commit(size);
  probe_.bytes_received.Add(size);
  read_time_ = clock_.Now();
  silence_due_ = read_time_ + config_.times.ping_after;
  ping_sent_ = false;
  const std::uint64_t link = link_;
  const bool any = Drain();
  if (any && link_ == link) handler_.OnReadEnd();
  if (link_ == link && !framer_.status().ok()) {
    probe_.protocol_errors.Add();
    Fail(framer_.status());
  }
}

// Handles the complete messages, until the link ends; true if there was any.
bool Session::Drain() {
  const std::uint64_t link = link_;
  if (state_ == SessionState::kBanner && !TakeBanner()) return false;
  bool any = false;
  while (link_ == link) {
    const Message* message = framer_.Next();
    if (message == nullptr) break;
    any = true;
    if (framer_.cut_bytes() > 0) {
      OnCut(*message);
    } else {
      OnMessage(*message);
    }
  }
  return any;
}

void Session::OnMessage(const Message& message) {
  probe_.messages.Add();
  if (!message.Event().empty()) {
    OnEvent(message);
  } else if (!message.Response().empty()) {
    OnResponse(message);
  } else {
    probe_.protocol_errors.Add();  // neither: passed over, the framing still holds
  }
}

// A message beyond the limits: what says whose it was may be there.
void Session::OnCut(const Message& message) {
  probe_.messages.Add();
  probe_.skipped_messages.Add();
  const MonotonicTime now = clock_.Now();
  if (now >= say_skipped_) {
    say_skipped_ = now + kBetweenSkippedLogs;
    const std::string_view event = message.Event();
    spdlog::warn(
        "ami {}: a message of {} bytes ({}{}{}) is beyond the limits and was passed over, {} since "
        "the start; all others are heard",
        config_.name, framer_.cut_bytes(),
        event.empty() ? std::string_view("no event") : std::string_view("event "), Printable(event),
        message.Has("UserEvent") ? " " + Printable(message.Get("UserEvent")) : std::string(),
        probe_.skipped_messages.value());
  }
  // As in OnEvent: a live event has a Privilege.
  if (message.Has("Privilege")) return;
  pending_.OnCut(TokenOf(message.Get("ActionID")), message, framer_.cut_bytes(), read_time_);
  probe_.actions_in_flight.store(static_cast<std::uint32_t>(pending_.size()),
                                 std::memory_order_relaxed);
}

void Session::OnResponse(const Message& response) {
  // An error without ActionID answers an action that Asterisk could not parse; that one times out.
  const ActionToken token = TokenOf(response.Get("ActionID"));
  if (!pending_.OnResponse(token, response, read_time_)) {
    probe_.stray_answers.Add();
    if (response.Response() == "Error") {
      probe_.SetLastError(fmt::format("Asterisk answers no action in flight: {}",
                                      Printable(response.Get("Message"))));
    }
  }
  probe_.actions_in_flight.store(static_cast<std::uint32_t>(pending_.size()),
                                 std::memory_order_relaxed);
}

void Session::OnEvent(const Message& event) {
  if (!logged_in()) {  // none is due
    probe_.protocol_errors.Add();
    return;
  }
  // The second header of nearly every live event; found at once.
  if (!event.Has("Privilege")) {
    const std::string_view action_id = event.Get("ActionID");
    if (!action_id.empty()) {
      OnRow(action_id, event);
      return;
    }
  }
  probe_.events.Add();
  const bool booted = state_ == SessionState::kBooting && event.Event() == "FullyBooted";
  if (event.Event() == "Shutdown") {
    shutting_down_ = true;
    restarting_ = event.Get("Restart") == "True";
  }
  const std::uint64_t link = link_;
  handler_.OnEvent(event, kLiveEvent);
  if (!booted || link_ != link) return;
  online_time_ = clock_.Now();
  excused_until_ = MonotonicTime::min();
  login_refused_ = false;
  probe_.logins.Add();
  Enter(SessionState::kOnline, kNever);
  spdlog::info("ami {}: online ({})", config_.name, banner_);
  handler_.OnOnline();
}

void Session::OnRow(std::string_view action_id, const Message& event) {
  const ActionToken token = TokenOf(action_id);
  switch (pending_.Classify(token, event, read_time_)) {
    case RowKind::kRow:
      probe_.rows.Add();
      handler_.OnEvent(event, token);
      return;
    case RowKind::kEnd:
      pending_.OnListEnd(token, event);
      probe_.actions_in_flight.store(static_cast<std::uint32_t>(pending_.size()),
                                     std::memory_order_relaxed);
      return;
    case RowKind::kStray:
      probe_.stray_answers.Add();
      return;
  }
}

}  // namespace unipresence::ami
