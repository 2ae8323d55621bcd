#include "aggregator/engine/engine.h"

#include <fmt/format.h>

#include <algorithm>

namespace unipresence {
namespace {

absl::Status NoSuchUser(std::string_view id) {
  return absl::NotFoundError(
      fmt::format("no user '{}'; `unipresence users list` shows the users there are", id));
}

}  // namespace

Engine::Engine(Options options, const Clock& clock, UpdateSink& sink)
    : options_(options), clock_(clock), sink_(sink) {}

// --- PBXs
// -----------------------------------------------------------------------------------------

PbxIndex Engine::PbxByName(std::string_view name) {
  const auto it = std::find_if(pbxs_.begin(), pbxs_.end(),
                               [&](const PbxStatus& pbx) { return pbx.name == name; });
  if (it != pbxs_.end()) return static_cast<PbxIndex>(it - pbxs_.begin());
  PbxStatus status;
  status.name = std::string(name);
  status.link_since = clock_.WallNow();
  pbxs_.push_back(std::move(status));
  resyncs_.emplace_back();
  listing_wanted_.push_back(false);
  return static_cast<PbxIndex>(pbxs_.size() - 1);
}

PbxIndex Engine::AddPbx(std::string_view name, std::string_view address) {
  UNIPRESENCE_CHECK_THREAD(thread_checker_);
  const PbxIndex pbx = PbxByName(name);
  pbxs_[pbx].address = std::string(address);
  return pbx;
}

bool Engine::AllSynced() const {
  return std::all_of(pbxs_.begin(), pbxs_.end(), [](const PbxStatus& pbx) {
    return pbx.address.empty() || pbx.link == LinkState::kSynced;
  });
}

void Engine::SetLink(PbxIndex pbx, LinkState link) {
  if (pbxs_[pbx].link == link) return;
  pbxs_[pbx].link = link;
  pbxs_[pbx].link_since = clock_.WallNow();
}

void Engine::LinkLost(PbxIndex pbx, std::string_view error) {
  UNIPRESENCE_CHECK_THREAD(thread_checker_);
  PbxStatus& status = pbxs_[pbx];
  status.last_error = std::string(error);
  if (status.link == LinkState::kDown) return;
  ++status.reconnects;
  SetLink(pbx, LinkState::kDown);
  StartSweep(CauseKind::kLinkLost);
}

void Engine::BeginResync(PbxIndex pbx, std::string_view asterisk_version) {
  UNIPRESENCE_CHECK_THREAD(thread_checker_);
  pbxs_[pbx].version = std::string(asterisk_version);
  listing_wanted_[pbx] = false;
  ++resyncs_[pbx].generation;
  resyncs_[pbx].started = clock_.Now();
  SetLink(pbx, LinkState::kSyncing);
}

void Engine::EndResync(PbxIndex pbx) {
  UNIPRESENCE_CHECK_THREAD(thread_checker_);
  PbxStatus& status = pbxs_[pbx];
  SetLink(pbx, LinkState::kSynced);
  ++status.resyncs;
  status.last_resync_time = clock_.WallNow();
  status.last_resync_duration = clock_.Now() - resyncs_[pbx].started;
  StartSweep(CauseKind::kResync);
}

bool Engine::TakeListingWanted(PbxIndex pbx) {
  UNIPRESENCE_CHECK_THREAD(thread_checker_);
  const bool wanted = listing_wanted_[pbx];
  listing_wanted_[pbx] = false;
  return wanted;
}

void Engine::StartSweep(CauseKind cause) {
  sweep_left_ = users_.slots();
  sweep_cause_ = cause;
}

bool Engine::DoWork(std::size_t limit) {
  UNIPRESENCE_CHECK_THREAD(thread_checker_);
  now_ = clock_.WallNow();
  for (; limit > 0 && sweep_left_ > 0; --limit, --sweep_left_) {
    if (sweep_cursor_ >= users_.slots()) sweep_cursor_ = 0;
    const auto user = static_cast<UserIndex>(sweep_cursor_++);
    if (!users_[user].id.view().empty()) FuseUser(user, {.kind = sweep_cause_});
  }
  FlushIfPublished();
  return sweep_left_ > 0;
}

// --- What a PBX says
// ------------------------------------------------------------------------------

void Engine::Apply(PbxIndex pbx, std::span<const DeviceChange> changes) {
  UNIPRESENCE_CHECK_THREAD(thread_checker_);
  now_ = clock_.WallNow();
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
  FlushIfPublished();
}

void Engine::PrefetchLine(DeviceIndex device) const {
  if (device == kNoDevice || devices_[device].first_line == kNoLine) return;
  __builtin_prefetch(&users_.line(devices_[device].first_line));
}

void Engine::PrefetchUser(DeviceIndex device) const {
  if (device == kNoDevice || devices_[device].first_line == kNoLine) return;
  const UserIndex user = users_.line(devices_[device].first_line).user;
  __builtin_prefetch(&users_[user]);
  __builtin_prefetch(&users_.steps(user), 1);
}

void Engine::PrefetchOthers(DeviceIndex device) const {
  if (device == kNoDevice || devices_[device].first_line == kNoLine) return;
  const UserIndex index = users_.line(devices_[device].first_line).user;
  const UserRecord& user = users_[index];
  __builtin_prefetch(&users_.steps(index)[user.next_step], 1);
  for (LineIndex i = user.first_line; i < user.first_line + user.line_count; ++i) {
    __builtin_prefetch(&devices_[users_.line(i).device]);
  }
}

void Engine::ApplyOne(PbxIndex pbx, DeviceIndex index, const DeviceChange& change) {
  DeviceRecord& device = devices_[index];
  bool changed = ForgetIfNotNamed(device);
  const DeviceState before = device.reported;
  switch (change.kind) {
    case DeviceChange::Kind::kState:
      device.reported = change.state;
      changed |= before != device.reported;
      break;
    case DeviceChange::Kind::kContact:
      device.reported = fusion::StateAfterContactChange(before, change.reachable);
      changed |= before != device.reported;
      break;
    case DeviceChange::Kind::kCalls:
      changed |= device.emitting != change.emitting || device.in_call != change.in_call ||
                 device.holding != change.holding || device.held != change.held;
      device.emitting = change.emitting;
      device.in_call = change.in_call;
      device.holding = change.holding;
      device.held = change.held;
      break;
  }
  if (!changed || pbxs_[pbx].link != LinkState::kSynced) return;
  if (change.cause == CauseKind::kReconcile) ++pbxs_[pbx].corrections;
  const Trigger trigger{.kind = change.cause, .device = index, .device_state = device.reported};
  for (LineIndex line = device.first_line; line != kNoLine;
       line = users_.line(line).next_of_device) {
    FuseUser(users_.line(line).user, trigger);
  }
}

// --- Fusing and publishing
// ------------------------------------------------------------------------

bool Engine::Emits(const DeviceRecord& device) const {
  return options_.deskphone_call == DeskphoneCall::kAny ? device.in_call : device.emitting;
}

bool Engine::ForgetIfNotNamed(DeviceRecord& device) {
  const std::uint8_t generation = resyncs_[device.pbx].generation;
  if (device.generation == generation) return false;
  device.generation = generation;
  device.reported = DeviceState::kUnknown;
  return true;
}

bool Engine::StaleNow(const UserRecord& user) const {
  for (LineIndex i = user.first_line; i < user.first_line + user.line_count; ++i) {
    if (pbxs_[devices_[users_.line(i).device].pbx].link != LinkState::kSynced) return true;
  }
  return false;
}

bool Engine::TakeLineStates(const UserRecord& user) {
  bool changed = false;
  for (LineIndex i = user.first_line; i < user.first_line + user.line_count; ++i) {
    LineRecord& line = users_.line(i);
    DeviceRecord& device = devices_[line.device];
    // What is not heard, or only half listed, keeps what was last published.
    if (pbxs_[device.pbx].link != LinkState::kSynced) continue;
    ForgetIfNotNamed(device);
    const DeviceState state = fusion::LineState(device.reported, device.emitting);
    changed |= line.state != state || line.holding != device.holding || line.held != device.held;
    line.state = state;
    line.holding = device.holding;
    line.held = device.held;
    line.emitting = Emits(device);
  }
  return changed;
}

fusion::Inputs Engine::InputsOf(const UserRecord& user) const {
  fusion::Inputs inputs;
  inputs.logged_in = user.logged_in;
  inputs.selected = user.selected;
  for (LineIndex i = user.first_line; i < user.first_line + user.line_count; ++i) {
    const LineRecord& line = users_.line(i);
    switch (line.kind) {
      case LineKind::kDeskphone:
        inputs.deskphone = line.state;
        inputs.emitting = line.emitting;
        break;
      case LineKind::kWebrtc:
        inputs.webrtc = line.state;
        break;
    }
  }
  return inputs;
}

void Engine::FuseUser(UserIndex index, const Trigger& trigger) {
  UserRecord& user = users_[index];
  const bool stale = StaleNow(user);
  bool changed = TakeLineStates(user) || !user.published || user.stale != stale;
  const fusion::Inputs inputs = InputsOf(user);
  const fusion::Result result = fusion::Fuse(inputs);
  changed |= result != fusion::Result{user.state, user.device_in_use, user.rule} ||
             user.emitting != inputs.emitting || user.published_logged_in != user.logged_in ||
             user.published_selected != user.selected ||
             user.published_do_not_disturb != user.do_not_disturb;
  if (!changed) return;
  const PresenceState previous = user.state;
  user.published = true;
  user.stale = stale;
  user.emitting = inputs.emitting;
  user.published_logged_in = user.logged_in;
  user.published_selected = user.selected;
  user.published_do_not_disturb = user.do_not_disturb;
  user.state = result.state;
  user.device_in_use = result.device_in_use;
  user.rule = result.rule;
  Publish(index, previous, trigger);
}

void Engine::Publish(UserIndex index, PresenceState previous, const Trigger& trigger) {
  UserRecord& user = users_[index];
  ++user.revision;
  user.sequence = ++sequence_;
  user.update_time = now_;
  StepRecord& step = users_.steps(index)[user.next_step];
  user.next_step = static_cast<std::uint8_t>((user.next_step + 1) % kStepsKept);
  step = {.time = now_,
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
  sink_.OnUpdate(update_);
  published_ = true;
}

Cause Engine::CauseOf(const Trigger& trigger) const {
  Cause cause{.kind = trigger.kind,
              .pbx = {},
              .device = {},
              .device_state = trigger.device_state,
              .time = now_};
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

void Engine::FlushIfPublished() {
  if (!published_) return;
  published_ = false;
  sink_.Flush();
}

// --- Users, sessions, selection
// -------------------------------------------------------------------

void Engine::AttachLines(UserIndex index, const std::vector<Line>& lines) {
  UserRecord& user = users_[index];
  user.line_count = static_cast<std::uint8_t>(std::min<std::size_t>(lines.size(), kMaxLines));
  user.first_line = users_.AllocateLines(user.line_count);
  for (std::size_t i = 0; i < user.line_count; ++i) {
    const LineIndex slot = user.first_line + static_cast<LineIndex>(i);
    const PbxIndex pbx = PbxByName(lines[i].pbx);
    const DeviceIndex device = devices_.Intern(pbx, lines[i].device);
    LineRecord& line = users_.line(slot);
    line = LineRecord{};
    line.device = device;
    line.user = index;
    line.kind = lines[i].kind;
    line.next_of_device = devices_[device].first_line;
    // A device new to us was in no list yet.
    if (line.next_of_device == kNoLine) listing_wanted_[pbx] = true;
    devices_[device].first_line = slot;
    ++pbxs_[pbx].lines;
  }
}

void Engine::DetachLines(UserIndex index) {
  UserRecord& user = users_[index];
  for (LineIndex i = user.first_line; i < user.first_line + user.line_count; ++i) {
    DeviceRecord& device = devices_[users_.line(i).device];
    LineIndex* link = &device.first_line;
    while (*link != i) link = &users_.line(*link).next_of_device;
    *link = users_.line(i).next_of_device;
    --pbxs_[device.pbx].lines;
  }
  if (user.line_count > 0) users_.FreeLines(user.first_line, user.line_count);
  user.line_count = 0;
}

absl::Status Engine::AddUser(const User& user, const UserSettings& settings) {
  UNIPRESENCE_CHECK_THREAD(thread_checker_);
  if (users_.Find(user.id) != kNoUser) {
    return absl::AlreadyExistsError(fmt::format("user '{}' exists; choose another id", user.id));
  }
  now_ = clock_.WallNow();
  const UserIndex index = users_.Add(user.id);
  // No revision of an earlier user of that id can be above the sequence: followers never step back.
  users_[index].revision = removal_sequence_ == 0 ? 0 : sequence_;
  users_[index].selected = settings.selected_device;
  users_[index].do_not_disturb = settings.do_not_disturb;
  AttachLines(index, user.lines);
  FuseUser(index, {.kind = CauseKind::kUserCreated});
  FlushIfPublished();
  return absl::OkStatus();
}

absl::Status Engine::UpdateUser(const User& user) {
  UNIPRESENCE_CHECK_THREAD(thread_checker_);
  const UserIndex index = users_.Find(user.id);
  if (index == kNoUser) return NoSuchUser(user.id);
  now_ = clock_.WallNow();
  DetachLines(index);
  AttachLines(index, user.lines);
  users_[index].published = false;  // devices of lines are part of what is published
  FuseUser(index, {.kind = CauseKind::kUserUpdated});
  FlushIfPublished();
  return absl::OkStatus();
}

absl::Status Engine::RemoveUser(std::string_view id) {
  UNIPRESENCE_CHECK_THREAD(thread_checker_);
  const UserIndex index = users_.Find(id);
  if (index == kNoUser) return NoSuchUser(id);
  now_ = clock_.WallNow();
  const UserRecord& user = users_[index];
  update_.sequence = removal_sequence_ = ++sequence_;
  update_.removed = true;
  update_.previous_state = user.state;
  update_.cause = CauseOf({.kind = CauseKind::kUserDeleted});
  FillPresence(user, update_.presence);
  ++update_.presence.revision;
  sink_.OnUpdate(update_);
  published_ = true;
  DetachLines(index);
  users_.Remove(index);
  FlushIfPublished();
  return absl::OkStatus();
}

template <typename Change>
absl::Status Engine::ChangeUser(std::string_view id, CauseKind cause, Change change) {
  UNIPRESENCE_CHECK_THREAD(thread_checker_);
  const UserIndex index = users_.Find(id);
  if (index == kNoUser) return NoSuchUser(id);
  now_ = clock_.WallNow();
  if (absl::Status status = change(users_[index]); !status.ok()) return status;
  FuseUser(index, {.kind = cause});
  FlushIfPublished();
  return absl::OkStatus();
}

absl::Status Engine::SetLoggedIn(std::string_view id, bool logged_in, CauseKind cause) {
  return ChangeUser(id, cause, [&](UserRecord& user) {
    user.logged_in = logged_in;
    return absl::OkStatus();
  });
}

absl::Status Engine::SelectDevice(std::string_view id, LineKind device) {
  return ChangeUser(id, CauseKind::kSelectDevice, [&](UserRecord& user) {
    for (LineIndex i = user.first_line; i < user.first_line + user.line_count; ++i) {
      if (users_.line(i).kind != device) continue;
      user.selected = device;
      return absl::OkStatus();
    }
    return absl::FailedPreconditionError(
        fmt::format("user '{}' has no {} line to select", id, ToString(device)));
  });
}

absl::Status Engine::SetDoNotDisturb(std::string_view id, bool do_not_disturb) {
  return ChangeUser(id, CauseKind::kSetDoNotDisturb, [&](UserRecord& user) {
    user.do_not_disturb = do_not_disturb;
    return absl::OkStatus();
  });
}

// --- Queries
// --------------------------------------------------------------------------------------

bool Engine::Read(std::string_view id, Visitor visit) const {
  const UserIndex index = users_.Find(id);
  if (index == kNoUser) return false;
  FillPresence(users_[index], read_buffer_);
  visit({read_buffer_, users_[index].sequence});
  return true;
}

std::uint64_t Engine::Read(std::uint64_t cursor, std::size_t limit, Visitor visit) const {
  for (; cursor < users_.slots() && limit > 0; ++cursor) {
    const UserRecord& user = users_[static_cast<UserIndex>(cursor)];
    if (user.id.view().empty()) continue;
    FillPresence(user, read_buffer_);
    visit({read_buffer_, user.sequence});
    --limit;
  }
  return cursor < users_.slots() ? cursor : 0;
}

absl::StatusOr<Explanation> Engine::Explain(std::string_view id) const {
  const UserIndex index = users_.Find(id);
  if (index == kNoUser) return NoSuchUser(id);
  const UserRecord& user = users_[index];
  Explanation explanation;
  explanation.user = std::string(id);
  explanation.inputs = InputsOf(user);
  explanation.result = {user.state, user.device_in_use, user.rule};
  explanation.revision = user.revision;
  explanation.do_not_disturb = user.do_not_disturb;
  explanation.stale = user.stale;
  for (LineIndex i = user.first_line; i < user.first_line + user.line_count; ++i) {
    const LineRecord& line = users_.line(i);
    const DeviceRecord& device = devices_[line.device];
    explanation.lines.push_back({.kind = line.kind,
                                 .pbx = pbxs_[device.pbx].name,
                                 .device = std::string(device.name.view()),
                                 .reported = device.reported,
                                 .state = line.state,
                                 .emitting = device.emitting,
                                 .in_call = device.in_call,
                                 .holding = device.holding,
                                 .held = device.held,
                                 .link = pbxs_[device.pbx].link});
  }
  for (int back = 1; back <= kStepsKept; ++back) {
    const StepRecord& step = users_.steps(
        index)[static_cast<std::size_t>(user.next_step + kStepsKept - back) % kStepsKept];
    if (!step.used) break;
    Explanation::Step& out = explanation.steps.emplace_back();
    out = {step.cause, {}, {}, step.device_state, step.state, step.rule, step.time};
    if (step.device == kNoDevice) continue;
    out.device = std::string(devices_[step.device].name.view());
    out.pbx = pbxs_[devices_[step.device].pbx].name;
  }
  return explanation;
}

}  // namespace unipresence
