#include "aggregator/engine/engine.h"

#include <algorithm>
#include <utility>

namespace unipresence {
namespace {

// A row of a list told it, not an event.
bool FromList(CauseKind kind) {
  return kind == CauseKind::kResync || kind == CauseKind::kReconcile;
}

}  // namespace

Engine::Engine(Options options, const Clock& clock, UpdateSink& sink)
    : options_(options),
      sink_(clock, sink),
      pbxs_(devices_, clock),
      routing_backlog_(users_, devices_, pbxs_, routings_),
      mailboxes_(users_, pbxs_, sink_) {}

// --- PBXs ---

void Engine::LinkLost(PbxIndex pbx, std::string_view error) {
  UNIPRESENCE_CHECK_THREAD(thread_checker_);
  if (pbxs_.LinkLost(pbx, error)) StartSweep(CauseKind::kLinkLost);
}

void Engine::BeginResync(PbxIndex pbx, std::string_view asterisk_version) {
  UNIPRESENCE_CHECK_THREAD(thread_checker_);
  pbxs_.BeginResync(pbx, asterisk_version);
}

void Engine::EndResync(PbxIndex pbx) {
  UNIPRESENCE_CHECK_THREAD(thread_checker_);
  pbxs_.EndResync(pbx);
  StartSweep(CauseKind::kResync);
}

void Engine::StartSweep(CauseKind cause) {
  sweep_left_ = users_.slots();
  sweep_cause_ = cause;
}

bool Engine::Sweep(std::size_t limit) {
  UNIPRESENCE_CHECK_THREAD(thread_checker_);
  sink_.Begin();
  for (; limit > 0 && sweep_left_ > 0; --limit, --sweep_left_) {
    if (sweep_cursor_ >= users_.slots()) sweep_cursor_ = 0;
    const auto user = static_cast<UserIndex>(sweep_cursor_++);
    if (users_[user].id.view().empty()) continue;
    FuseUser(user, {.kind = sweep_cause_});
    mailboxes_.Refresh(user);
  }
  sink_.End();
  return sweep_left_ > 0;
}

// --- What a PBX says ---

// Always inlined: g++ 12 finds that a function of prefetches alone has no effect, and drops its
// calls.
[[gnu::always_inline]] inline void Engine::PrefetchLine(DeviceIndex device) const {
  if (device == kNoDevice || devices_[device].first_line == kNoLine) return;
  __builtin_prefetch(&users_.line(devices_[device].first_line));
}

[[gnu::always_inline]] inline void Engine::PrefetchUser(DeviceIndex device) const {
  if (device == kNoDevice || devices_[device].first_line == kNoLine) return;
  const UserIndex user = users_.line(devices_[device].first_line).user;
  __builtin_prefetch(&users_[user]);
  __builtin_prefetch(&users_.steps(user), 1);
}

[[gnu::always_inline]] inline void Engine::PrefetchOthers(DeviceIndex device) const {
  if (device == kNoDevice || devices_[device].first_line == kNoLine) return;
  const UserIndex index = users_.line(devices_[device].first_line).user;
  const UserRecord& user = users_[index];
  __builtin_prefetch(&users_.steps(index)[user.next_step], 1);
  for (LineIndex i = user.first_line; i < user.first_line + user.line_count; ++i) {
    __builtin_prefetch(&devices_[users_.line(i).device]);
  }
}

void Engine::Apply(PbxIndex pbx, std::span<const DeviceChange> changes) {
  UNIPRESENCE_CHECK_THREAD(thread_checker_);
  sink_.Begin();
  lookup_.resize(std::max(lookup_.size(), changes.size()));
  devices_.Find(pbx, changes, lookup_);
  // Line, user and the user's other device lie behind one cache miss each: fetch them in steps for
  // changes to come, so that the misses of many changes overlap.
  constexpr std::size_t kLineAhead = 24;
  constexpr std::size_t kUserAhead = 16;
  constexpr std::size_t kOthersAhead = 8;
  const auto ahead = [&](std::size_t i) { return i < changes.size() ? lookup_[i] : kNoDevice; };
  for (std::size_t i = 0; i < changes.size(); ++i) {
    PrefetchLine(ahead(i + kLineAhead));
    PrefetchUser(ahead(i + kUserAhead));
    PrefetchOthers(ahead(i + kOthersAhead));
    if (lookup_[i] == kNoDevice) {
      ++unknown_device_changes_;
      continue;
    }
    ApplyOne(pbx, lookup_[i], changes[i]);
  }
  sink_.End();
}

void Engine::ApplyOne(PbxIndex pbx, DeviceIndex index, const DeviceChange& change) {
  DeviceRecord& device = devices_[index];
  bool changed = ForgetIfNotNamed(device);
  const auto line_state = [&] {
    return fusion::LineState(device.reported, device.emitting, device.contacts_gone);
  };
  const DeviceState before = line_state();
  switch (change.kind) {
    case DeviceChange::Kind::kState:
      SetReported(device, change.state);
      // A row of a list may be older than the events that took the contacts away; the rows of
      // contacts behind it tell.
      if (!FromList(change.cause)) device.contacts_gone = false;
      break;
    case DeviceChange::Kind::kContact:
      device.contacts_gone = !change.reachable;
      break;
    case DeviceChange::Kind::kCalls:
      changed |= device.emitting != change.emitting || device.in_call != change.in_call ||
                 device.holding != change.holding || device.held != change.held;
      device.emitting = change.emitting;
      device.in_call = change.in_call;
      device.holding = change.holding;
      device.held = change.held;
      device.direction_unknown = change.direction_unknown;  // for Explain alone
      break;
  }
  changed |= before != line_state();
  if (!changed || !pbxs_.synced(pbx)) return;
  const bool corrects = pbxs_.Corrects(pbx, change.cause);
  if (corrects) pbxs_.CountCorrection(pbx);
  const Trigger trigger{
      .kind = change.cause,
      .device = index,
      .device_state = fusion::LineState(device.reported, false, device.contacts_gone)};
  for (LineIndex line = device.first_line; line != kNoLine;
       line = users_.line(line).next_of_device) {
    if (corrects) {
      CorrectUser(pbx, users_.line(line).user, trigger);
    } else {
      FuseUser(users_.line(line).user, trigger);
    }
  }
}

void Engine::CorrectUser(PbxIndex pbx, UserIndex index, const Trigger& trigger) {
  const std::uint64_t before = sequence_;
  FuseUser(index, trigger);
  if (sequence_ != before) pbxs_.AddCorrected(pbx, users_[index].id.view());
}

// --- Fusing and publishing ---

bool Engine::Emits(const DeviceRecord& device) const {
  return options_.deskphone_call == DeskphoneCall::kAny ? device.in_call : device.emitting;
}

void Engine::SetReported(DeviceRecord& device, DeviceState state) {
  device.reported = state;
  device.listed = state != DeviceState::kInvalid;
  pbxs_.SetUnlisted(device, !device.listed && device.first_line != kNoLine);
}

bool Engine::ForgetIfNotNamed(DeviceRecord& device) {
  const std::uint8_t generation = pbxs_.generation(device.pbx);
  if (device.generation == generation) return false;
  device.generation = generation;
  device.reported = DeviceState::kUnknown;
  device.contacts_gone = false;
  device.listed = false;
  return true;
}

bool Engine::StaleNow(const UserRecord& user) const {
  for (LineIndex i = user.first_line; i < user.first_line + user.line_count; ++i) {
    if (!pbxs_.synced(devices_[users_.line(i).device].pbx)) return true;
  }
  return false;
}

bool Engine::TakeLineStates(const UserRecord& user) {
  bool changed = false;
  for (LineIndex i = user.first_line; i < user.first_line + user.line_count; ++i) {
    LineRecord& line = users_.line(i);
    DeviceRecord& device = devices_[line.device];
    // What is not heard, or only half listed, keeps what was last published.
    if (!pbxs_.synced(device.pbx)) continue;
    ForgetIfNotNamed(device);
    const DeviceState state =
        fusion::LineState(device.reported, device.emitting, device.contacts_gone);
    changed |= line.state != state || line.holding != device.holding || line.held != device.held;
    line.state = state;
    line.holding = device.holding;
    line.held = device.held;
    line.emitting = Emits(device);
  }
  return changed;
}

void Engine::FillInputs(const UserRecord& user, fusion::Inputs& inputs) const {
  inputs.logged_in = user.logged_in;
  inputs.selected = user.selected;
  for (LineIndex i = user.first_line; i < user.first_line + user.line_count; ++i) {
    const LineRecord& line = users_.line(i);
    inputs.states[line.kind] = line.state;
    inputs.emitting |= line.emitting && TraitsOf(line.kind).emitted_calls_lead;
  }
}

void Engine::FuseUser(UserIndex index, const Trigger& trigger) {
  UserRecord& user = users_[index];
  const bool stale = StaleNow(user);
  bool changed = TakeLineStates(user) || !user.published || user.stale != stale;
  fusion::Inputs inputs;
  FillInputs(user, inputs);
  const fusion::Result result = fusion::Fuse(inputs);
  changed |= result != fusion::Result{user.state, user.device_in_use, user.rule} ||
             user.emitting != inputs.emitting || user.published_logged_in != user.logged_in ||
             user.published_selected != user.selected ||
             user.published_do_not_disturb != user.do_not_disturb ||
             user.published_forwardings != user.active_forwardings;
  if (!changed) return;
  if (!user.published || user.state != result.state || user.device_in_use != result.device_in_use ||
      user.published_selected != user.selected) {
    routing_backlog_.Mark(index, trigger.kind);
  }
  const PresenceState previous = user.state;
  user.published = true;
  user.stale = stale;
  user.emitting = inputs.emitting;
  user.published_logged_in = user.logged_in;
  user.published_selected = user.selected;
  user.published_do_not_disturb = user.do_not_disturb;
  user.published_forwardings = user.active_forwardings;
  user.state = result.state;
  user.device_in_use = result.device_in_use;
  user.rule = result.rule;
  Publish(index, previous, trigger);
}

void Engine::Publish(UserIndex index, PresenceState previous, const Trigger& trigger) {
  UserRecord& user = users_[index];
  ++user.revision;
  user.sequence = ++sequence_;
  user.update_time = sink_.now();
  StepRecord& step = users_.steps(index)[user.next_step];
  user.next_step = static_cast<std::uint8_t>((user.next_step + 1) % kStepsKept);
  step = StepRecord{.time = sink_.now(),
                    .device = trigger.device,
                    .cause = trigger.kind,
                    .state = user.state,
                    .rule = user.rule,
                    .device_state = trigger.device_state,
                    .used = true};

  update_.sequence = sequence_;
  update_.removed = false;
  update_.previous_state = previous;
  update_.cause = CauseOf(trigger);
  FillPresence(user, update_.presence);
  sink_.Write(update_);
}

Cause Engine::CauseOf(const Trigger& trigger) const {
  Cause cause{.kind = trigger.kind,
              .pbx = {},
              .device = {},
              .device_state = trigger.device_state,
              .time = sink_.now()};
  if (trigger.device != kNoDevice) {
    const DeviceRecord& device = devices_[trigger.device];
    cause.device = device.name.view();
    cause.pbx = pbxs_[device.pbx].name;
  }
  return cause;
}

void Engine::FillPresence(const UserRecord& user, Presence& presence) const {
  presence.user = user.id.view();
  presence.state = user.state;
  presence.device_in_use = user.device_in_use;
  presence.rule = user.rule;
  presence.selected_device = user.published_selected;
  presence.logged_in = user.published_logged_in;
  presence.emitting = user.emitting;
  presence.do_not_disturb = user.published_do_not_disturb;
  presence.active_forwardings = user.published_forwardings;
  presence.stale = user.stale;
  presence.revision = user.revision;
  presence.update_time = user.update_time;
  presence.lines.resize(user.line_count);
  for (std::size_t i = 0; i < user.line_count; ++i) {
    const LineRecord& line = users_.line(user.first_line + static_cast<LineIndex>(i));
    const DeviceRecord& device = devices_[line.device];
    presence.lines[i] = {.kind = line.kind,
                         .state = line.state,
                         .holding = line.holding,
                         .held = line.held,
                         .pbx = pbxs_[device.pbx].name,
                         .device = device.name.view()};
  }
}

}  // namespace unipresence
