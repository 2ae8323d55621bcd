#include "tests/simulation/simulated_pbx.h"

#include <chrono>
#include <utility>

namespace unipresence::simulation {
namespace {

constexpr auto kOwn = EventStream::Source::kChannels;

std::int64_t SecondsSince(const Clock& clock, MonotonicTime time) {
  return std::chrono::duration_cast<std::chrono::seconds>(clock.Now() - time).count();
}

}  // namespace

SimulatedPbx::SimulatedPbx(Directory directory, const Clock& clock, EventSink& sink,
                           std::uint64_t seed)
    : clock_(clock),
      directory_(std::move(directory)),
      events_(clock, sink, seed),
      database_(clock),
      phones_(directory_, events_),
      hints_(directory_, events_, database_),
      calls_(directory_, phones_, database_, events_, clock, seed),
      started_(clock.Now()),
      reloaded_(clock.Now()) {}

void SimulatedPbx::SetMailbox(const std::string& name, Mailbox mailbox) {
  mailboxes_[name] = mailbox;
  std::string headers;
  AppendHeader(headers, "Mailbox", name);
  AppendHeader(headers, "Waiting", mailbox.new_messages > 0 ? "1" : "0");
  AppendHeader(headers, "New", std::to_string(mailbox.new_messages));
  AppendHeader(headers, "Old", std::to_string(mailbox.old_messages));
  events_.Emit(kOwn, kCall, "MessageWaiting", headers);
}

Mailbox SimulatedPbx::MailboxOf(const std::string& name) const {
  const auto found = mailboxes_.find(name);
  return found == mailboxes_.end() ? Mailbox() : found->second;
}

void SimulatedPbx::SetGlobal(std::string_view name, std::string_view value) {
  globals_[std::string(name)] = std::string(value);
}

std::string SimulatedPbx::Global(std::string_view name) const {
  const auto found = globals_.find(name);
  return found == globals_.end() ? std::string() : found->second;
}

void SimulatedPbx::Reload(std::string_view module) {
  reloaded_ = clock_.Now();
  events_.Emit(kOwn, kSystem, "Reload",
               Header("Module", module.empty() ? "All" : module) + Header("Status", "0"));
}

void SimulatedPbx::SendUserEvent(std::string_view name, std::string_view headers) {
  events_.Emit(kOwn, kUser, "UserEvent", Header("UserEvent", name).append(headers));
}

void SimulatedPbx::EmitShutdown(bool restart) {
  events_.Emit(kOwn, kSystem, "Shutdown",
               Header("Shutdown", "Cleanly") + Header("Restart", restart ? "True" : "False"));
}

void SimulatedPbx::Stopped(bool clean) {
  booted_ = false;
  database_.Stopped(clean);
  calls_.Forget();
}

void SimulatedPbx::Start() {
  started_ = reloaded_ = clock_.Now();
  globals_.clear();
}

void SimulatedPbx::FinishBoot() {
  phones_.Restart();
  booted_ = true;
  std::string headers;
  AppendHeader(headers, "Status", "Fully Booted");
  AppendHeader(headers, "Uptime", std::to_string(Uptime()));
  AppendHeader(headers, "LastReload", std::to_string(SinceReload()));
  events_.Emit(kOwn, kSystem, "FullyBooted", headers);
}

std::int64_t SimulatedPbx::Uptime() const { return SecondsSince(clock_, started_); }
std::int64_t SimulatedPbx::SinceReload() const { return SecondsSince(clock_, reloaded_); }

}  // namespace unipresence::simulation
