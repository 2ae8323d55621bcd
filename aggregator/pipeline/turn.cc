#include "aggregator/pipeline/turn.h"

#include <fmt/format.h>

#include <utility>

namespace unipresence {
namespace {

// Users re-fused in one slice of a sweep: about 0.2 ms.
constexpr std::size_t kUsersPerSlice = 1024;

absl::Status NoSuchPbx(std::string_view name) {
  return absl::NotFoundError(
      fmt::format("the configuration has no PBX '{}'; `pbx:` lists them", name));
}

}  // namespace

Turn::Turn(TurnOptions options, const Clock& clock, TurnLoop& loop)
    : options_(std::move(options)),
      clock_(clock),
      loop_(loop),
      publisher_(options_.publish, clock),
      engine_(options_.engine, clock, publisher_),
      sessions_(options_.sessions),
      calls_(engine_, engine_.routing_backlog(), engine_.pbxs(), clock_),
      core_(engine_, sessions_, clock_, *this, calls_) {}

// All of them before the first is gone: one that ends has the others told.
Turn::~Turn() {
  for (const auto& link : links_) link->Stop();
}

absl::Status Turn::Open(Hooks hooks, absl::AnyInvocable<absl::Status(Core&) &&> load) {
  hooks_ = std::move(hooks);
  publisher_.SetBatchSink(*hooks_.batches);
  if (absl::Status status = std::move(load)(core_); !status.ok()) return status;
  if (absl::Status status = publisher_.Bind(engine_); !status.ok()) return status;
  for (const PbxOptions& options : options_.pbxs) {
    if (absl::Status status = AddLink(options); !status.ok()) return status;
  }
  return absl::OkStatus();
}

void Turn::Close() {
  for (const auto& link : links_) link->Stop();
  publisher_.HandleEvents();
}

// --- Links -------------------------------------------------------------------------------------

absl::Status Turn::AddLink(const PbxOptions& options) {
  const auto make_driver = [this](ami::PbxConfig config, ami::SessionHandler& handler) {
    return loop_.MakeDriver(std::move(config), handler);
  };
  PbxLink& link = *links_.emplace_back(std::make_unique<PbxLink>(
      make_driver, options, engine_, clock_, options_.reconcile_interval, LinkHooks()));
  calls_.AddLink(link.pbx(), link.session(), link.tracker());
  return link.Start();
}

PbxLink::Hooks Turn::LinkHooks() {
  PbxLink::Hooks hooks;
  hooks.read_end = [this](MonotonicTime started, std::size_t changes) {
    OnReadEnd(started, changes);
  };
  hooks.calls_read = [this](PbxIndex pbx) { calls_.OnRead(pbx); };
  hooks.link_changed = [this](PbxIndex pbx) {
    calls_.OnLinkChanged(pbx);
    hooks_.link_changed(engine_.pbxs()[pbx]);
  };
  hooks.adopt = [this](PhoneSetting setting, absl::AnyInvocable<void(absl::Status) &&> done) {
    hooks_.adopt(core_, std::move(setting), std::move(done));
  };
  return hooks;
}

PbxLink* Turn::FindPbx(std::string_view name) const {
  for (const auto& link : links_) {
    const PbxStatus& pbx = engine_.pbxs()[link->pbx()];
    if (pbx.name == name && !pbx.address.empty()) return link.get();
  }
  return nullptr;
}

absl::Status Turn::SetPbx(const PbxOptions& options) {
  for (const auto& link : links_) {
    if (engine_.pbxs()[link->pbx()].name == options.ami.name) return link->Restart(options);
  }
  return AddLink(options);
}

void Turn::RemovePbx(std::string_view name) {
  if (PbxLink* link = FindPbx(name)) link->Retire();
}

// --- PbxControl --------------------------------------------------------------------------------

void Turn::AbandonReconciles() {
  for (const auto& link : links_) link->AbandonReconcile();
}

void Turn::WhenWritten(std::string_view user, absl::AnyInvocable<void() &&> done) {
  struct Waiting {
    std::size_t pbxs;
    absl::AnyInvocable<void() &&> done;
  };
  if (links_.empty()) return std::move(done)();
  const auto waiting = std::make_shared<Waiting>(Waiting{links_.size(), std::move(done)});
  for (const auto& link : links_) {
    link->WhenWritten(user, [waiting] {
      if (--waiting->pbxs == 0) std::move(waiting->done)();
    });
  }
}

absl::Status Turn::SetWriteBack(std::string_view pbx, bool on) {
  PbxLink* link = FindPbx(pbx);
  if (link == nullptr) return NoSuchPbx(pbx);
  link->SetWriteBack(on);
  return absl::OkStatus();
}

void Turn::Reconcile(std::string_view pbx, ReconcileCallback done) {
  if (PbxLink* link = FindPbx(pbx)) return link->Reconcile(std::move(done));
  std::move(done)(NoSuchPbx(pbx));
}

void Turn::Load(std::string_view pbx, ExpectedConfiguration expected, LoadCallback done) {
  if (PbxLink* link = FindPbx(pbx)) return link->Load(std::move(expected), std::move(done));
  std::move(done)(NoSuchPbx(pbx));
}

void Turn::FindConflicts(std::string_view pbx, const ConfiguredNames& next,
                         const FormerConfiguration& former, Look look, ConflictsCallback done) {
  if (PbxLink* link = FindPbx(pbx)) return link->FindConflicts(next, former, look, std::move(done));
  std::move(done)(NoSuchPbx(pbx));
}

// --- Turns -------------------------------------------------------------------------------------

void Turn::OnReadEnd(MonotonicTime started, std::size_t changes) {
  probe_.reads.Add();
  probe_.device_changes.Add(changes);
  Publish();
  probe_.read_to_publish.Observe(
      static_cast<std::uint64_t>((clock_.Now() - started).count() / 1000));
  DrainRoutings();
}

void Turn::RunCommands(std::span<Command> commands) {
  for (Command& command : commands) std::move(command)(core_);
  probe_.commands.Add(commands.size());
  if (!commands.empty()) End();
}

void Turn::RunSlice() {
  slice_scheduled_ = false;
  if (engine_.HasWork()) {
    engine_.Sweep(kUsersPerSlice);
    probe_.work_slices.Add();
  }
  End();
}

// What time alone brings, in this order:
//   1. sessions expire, so that the heartbeat of 2 counts in what follows of it
//   2. heartbeats and refreshes that are due
//   3. the links: figures, reconciles, what could not be sent at the last read
//   4. calls in hand: behind 3, which tells what the links know of them
//   5. figures, of all of the above
//   6. what any of these has changed is sent
void Turn::OnTick() {
  const MonotonicTime now = clock_.Now();
  hooks_.tick(core_);
  if (publisher_.next_timer() <= now) publisher_.OnTimer(now);
  for (const auto& link : links_) link->OnTick();
  calls_.OnTick();
  UpdateGauges();
  End();
}

// Subscribers first: they wait for nothing, while a PBX answers in its own time. What neither takes
// at once is left to a slice, so that reads and commands come in between.
void Turn::End() {
  Publish();
  DrainRoutings();
}

void Turn::Publish() {
  const bool more = publisher_.HandleEvents();
  if (more || engine_.HasWork()) ScheduleSlice();
}

void Turn::DrainRoutings() {
  bool more = false;
  for (const auto& link : links_) more |= link->DrainRoutings();
  if (more) ScheduleSlice();
}

void Turn::ScheduleSlice() {
  if (!std::exchange(slice_scheduled_, true)) loop_.ScheduleSlice();
}

void Turn::UpdateGauges() {
  probe_.users.Set(static_cast<std::int64_t>(engine_.user_count()));
  probe_.sequence.Set(static_cast<std::int64_t>(engine_.sequence()));
  probe_.unknown_devices.Add(engine_.unknown_device_changes() - probe_.unknown_devices.value());
  std::uint64_t corrections = 0;
  for (const PbxStatus& pbx : engine_.pbxs()) corrections += pbx.corrections;
  probe_.corrections.Add(corrections - probe_.corrections.value());
}

}  // namespace unipresence
