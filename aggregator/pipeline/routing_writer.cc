#include "aggregator/pipeline/routing_writer.h"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <utility>

#include "aggregator/base/strings.h"
#include "aggregator/pbx/manager_rights.h"
#include "aggregator/pipeline/pbx_control.h"

namespace unipresence {
namespace {

using Why = pbx::WriteBack::Why;

// Numbers taken from the engine in one turn, most of which Asterisk holds as they are.
constexpr int kTakesPerTurn = 128;

}  // namespace

void KeepNoSetting(const PhoneSetting&, absl::AnyInvocable<void(absl::Status) &&> done) {
  std::move(done)(absl::UnavailableError("nothing here keeps settings"));
}

RoutingWriter::RoutingWriter(Engine& engine, PbxIndex pbx, bool enabled, PhoneSettingAdopter adopt)
    : engine_(engine),
      backlog_(engine.routing_backlog()),
      pbx_(pbx),
      enabled_(enabled),
      adopt_(std::move(adopt)),
      watch_(engine.pbxs()[pbx].name),
      complaints_(engine.pbxs()[pbx].name) {}

void RoutingWriter::OnSynced(ami::Session& session) {
  if (!enabled_) return;
  session_ = &session;
  waits_for_sweep_ = true;
  StartRound(Pace::kFirst);
}

void RoutingWriter::SetEnabled(bool enabled, ami::Session* session) {
  if (std::exchange(enabled_, enabled) == enabled) return;
  if (enabled) {
    if (session != nullptr) OnSynced(*session);
    return;
  }
  std::vector<PhoneSetting> heard = write_back_.TakeReported();
  for (pbx::ReportedSetting& setting : reported_) heard.push_back(std::move(setting.setting));
  Stop();
  for (PhoneSetting& setting : heard) adopt_(std::move(setting), [](const absl::Status&) {});
}

void RoutingWriter::OnLinkLost() { Stop(); }

void RoutingWriter::Stop() {
  session_ = nullptr;
  ++stretch_;
  backlog_.Close(pbx_);
  reported_.clear();
  write_back_.LinkLost();
  watch_.LinkLost();
  refused_.clear();
  Answer([](const Waiter&) { return true; });
}

bool RoutingWriter::OnRow(ami::ActionToken token, const ami::Message& row) {
  return session_ != nullptr && write_back_.OnRow(token, row);
}

void RoutingWriter::StartRound(Pace pace) {
  if (session_ == nullptr) return;
  if (pace == Pace::kSlow && !round_done()) return;
  pace_ = pace;
  backlog_.StartRound(pbx_);
}

bool RoutingWriter::round_done() const {
  return backlog_.queue(pbx_).left_of_round() == 0 && !write_back_.checking();
}

// --- Engine -> Asterisk ----------------------------------------------------------------------

bool RoutingWriter::Drain() {
  if (session_ == nullptr) return false;
  const bool more = WriteMore();
  if (!waiters_.empty() && finished_ != write_back_.finished()) {
    finished_ = write_back_.finished();
    Answer([this](const Waiter& waiter) { return Written(waiter.user); });
  }
  return more;
}

bool RoutingWriter::WriteMore() {
  if (waits_for_sweep_ && engine_.HasWork()) return false;
  waits_for_sweep_ = false;
  int takes = 0;
  while (takes < kTakesPerTurn) {
    if (std::optional<pbx::WriteBack::Outgoing> action = write_back_.NextAction()) {
      if (!Send(*action)) return false;
      continue;
    }
    Adopt();
    switch (TakeNext()) {
      case Taken::kOne:
        ++takes;
        break;
      case Taken::kNone:
        return false;
      case Taken::kNoneYet:
        return true;
    }
  }
  return true;
}

// --- Who waits for it -------------------------------------------------------------------------

bool RoutingWriter::Written(std::string_view user) {
  bool told = true;
  if (backlog_.Waits(pbx_, user)) return false;
  backlog_.Read(pbx_, user, [&](const Routing& routing, bool) {
    told = !write_back_.writing(routing.context, routing.exten);
  });
  return told;
}

void RoutingWriter::WhenWritten(std::string_view user, MonotonicTime now,
                                absl::AnyInvocable<void() &&> done) {
  if (session_ == nullptr || waiters_.size() >= kMaxWaiters || Written(user))
    return std::move(done)();
  waiters_.push_back({std::string(user), now + PbxControl::kTellPatience, std::move(done)});
}

void RoutingWriter::Answer(absl::FunctionRef<bool(const Waiter&)> ready) {
  // A callback may add waiters.
  std::vector<Waiter> waiters = std::exchange(waiters_, {});
  for (Waiter& waiter : waiters) {
    if (ready(waiter)) {
      std::move(waiter.done)();
    } else {
      waiters_.push_back(std::move(waiter));
    }
  }
}

bool RoutingWriter::Send(const pbx::WriteBack::Outgoing& action) {
  const std::size_t slot = action.slot;
  const std::string name(action.action.name());
  const absl::StatusOr<ami::ActionToken> token = session_->Send(
      action.action, action.kind,
      [this, slot, name, stretch = stretch_](const absl::StatusOr<ami::ActionReply>& reply) {
        if (stretch != stretch_) return;
        watch_.Ended(name, reply.ok() || absl::IsDataLoss(reply.status()));
        write_back_.OnReply(slot, reply);
      });
  if (token.ok()) {
    watch_.Sent(name);
    write_back_.Sent(*token);
  } else if (absl::IsInvalidArgument(token.status())) {
    write_back_.NotSent(token.status());
  } else {
    return false;  // full: the next answer makes room
  }
  return true;
}

RoutingWriter::Taken RoutingWriter::TakeNext() {
  const auto offer = [this](const Routing& routing, bool again) {
    write_back_.Queue(routing, !again                  ? Why::kChanged
                               : pace_ == Pace::kFirst ? Why::kUnchecked
                                                       : Why::kAgain);
  };
  const RoutingQueue& queue = backlog_.queue(pbx_);
  if (queue.changed() > 0 || !reported_.empty()) {
    if (!write_back_.HasRoom()) return Taken::kNone;
    if (!reported_.empty()) {
      QueueReported();
      return Taken::kOne;
    }
  } else {
    if (queue.empty() || !write_back_.HasRoomForCheck()) return Taken::kNone;
    if (pace_ == Pace::kSlow) {
      if (slow_checks_left_ == 0) return Taken::kNone;
      --slow_checks_left_;
    }
  }
  if (backlog_.Take(pbx_, offer)) return Taken::kOne;
  return queue.empty() ? Taken::kNone : Taken::kNoneYet;
}

void RoutingWriter::OnTick(MonotonicTime now) {
  Answer([&](const Waiter& waiter) { return waiter.deadline <= now; });
  slow_checks_left_ = kSlowChecksPerTick;
  write_back_.OnTick(session_ != nullptr && backlog_.queue(pbx_).empty());
  watch_.OnTick(now);
  RaiseComplaints();
  UpdateProbe();
}

// What follows of a refusal stands in README: calls and BLF keys may not follow the presence.
void RoutingWriter::RaiseComplaints() {
  while (const std::optional<std::string> complaint = write_back_.TakeComplaint()) {
    const std::size_t colon = std::min(complaint->find(": "), complaint->size() - 2);
    const std::string action = complaint->substr(0, colon);
    complaints_.Raise(
        action, std::string_view(*complaint).substr(colon + 2),
        fmt::format("{}: calls and BLF keys do not follow the presence", pbx::kWriteBackRights));
    refused_.insert(action);
  }
  if (session_ == nullptr || waits_for_sweep_ || !round_done() || !write_back_.idle()) return;
  // Everything was looked at on this link.
  for (const std::string& action : complaints_.Names()) {
    if (!refused_.contains(action)) complaints_.Resolve(action);
  }
}

// --- Phones -> whoever keeps settings --------------------------------------------------------

void RoutingWriter::OnPhoneSetting(pbx::ReportedSetting heard) {
  if (enabled_) {
    if (session_ != nullptr && reported_.size() < kMaxReported)
      reported_.push_back(std::move(heard));
    return;
  }
  adopt_(std::move(heard.setting), [](const absl::Status&) {});
}

void RoutingWriter::QueueReported() {
  pbx::ReportedSetting heard = std::move(reported_.front());
  reported_.pop_front();
  const std::string user = heard.setting.user;
  backlog_.Read(pbx_, user, [&](const Routing& routing, bool) {
    // A number that was given to another user meanwhile is not his to change.
    if (routing.context != heard.context || routing.exten != heard.exten) return;
    write_back_.Queue(routing, Why::kChanged, std::move(heard.setting));
  });
}

void RoutingWriter::Adopt() {
  while (std::optional<pbx::WriteBack::Adoption> adoption = write_back_.TakeAdoption()) {
    const std::uint64_t ticket = adoption->ticket;
    adopt_(std::move(adoption->setting),
           [this, ticket](const absl::Status& status) { OnAdopted(ticket, status); });
  }
}

void RoutingWriter::OnAdopted(std::uint64_t ticket, const absl::Status& status) {
  if (!status.ok()) {
    spdlog::warn("pbx {}: a setting made from a phone was not adopted: {}",
                 engine_.pbxs()[pbx_].name, FromAbsl(status.message()));
  }
  if (const std::optional<std::string> user = write_back_.OnAdopted(ticket, status)) {
    backlog_.Read(pbx_, *user, [this](const Routing& routing, bool) {
      write_back_.Queue(routing, Why::kChanged);
    });
  }
}

// --- Figures ---------------------------------------------------------------------------------

void RoutingWriter::UpdateProbe() {
  const RoutingQueue& queue = backlog_.queue(pbx_);
  probe_.in_flight.Set(static_cast<std::int64_t>(write_back_.in_flight()));
  probe_.waiting.Set(static_cast<std::int64_t>(queue.changed()));
  probe_.unanswered.Set(unanswered_since() ? 1 : 0);
  probe_.waiting_in_round.Set(static_cast<std::int64_t>(queue.left_of_round()));
}

}  // namespace unipresence
