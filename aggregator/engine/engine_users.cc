// Engine's users, sessions and choices.

#include <fmt/format.h>

#include <algorithm>

#include "aggregator/engine/engine.h"

namespace unipresence {

void Engine::AttachLines(UserIndex index, const std::vector<Line>& lines) {
  UserRecord& user = users_[index];
  user.line_count = static_cast<std::uint8_t>(std::min<std::size_t>(lines.size(), kMaxLines));
  user.first_line = users_.AllocateLines(user.line_count);
  for (std::size_t i = 0; i < user.line_count; ++i) {
    const LineIndex slot = user.first_line + static_cast<LineIndex>(i);
    const PbxIndex pbx = pbxs_.Intern(lines[i].pbx);
    const DeviceIndex device = devices_.Intern(pbx, lines[i].device);
    LineRecord& line = users_.line(slot);
    line = LineRecord{};
    line.device = device;
    line.user = index;
    line.kind = lines[i].kind;
    RecallLine(line);
    line.next_of_device = devices_[device].first_line;
    pbxs_.AddLine(pbx, /*new_device=*/line.next_of_device == kNoLine);
    devices_[device].first_line = slot;
  }
}

void Engine::RecallLine(LineRecord& line) const {
  const DeviceRecord& device = devices_[line.device];
  if (device.first_line != kNoLine) {
    const LineRecord& other = users_.line(device.first_line);
    line.state = other.state;
    line.holding = other.holding;
    line.held = other.held;
    line.emitting = other.emitting;
    return;
  }
  // What lists have told that did not come to their end is not published.
  if (device.generation != pbxs_.last_complete(device.pbx)) return;
  line.state = fusion::LineState(device.reported, device.emitting, device.contacts_gone);
  line.holding = device.holding;
  line.held = device.held;
  line.emitting = Emits(device);
}

void Engine::DetachLines(LineIndex first, std::size_t count) {
  for (LineIndex i = first; i < first + count; ++i) {
    DeviceRecord& device = devices_[users_.line(i).device];
    LineIndex* link = &device.first_line;
    while (*link != i) link = &users_.line(*link).next_of_device;
    *link = users_.line(i).next_of_device;
    if (device.first_line == kNoLine) pbxs_.SetUnlisted(device, device.unlisted_told = false);
    pbxs_.RemoveLine(device.pbx);
  }
  if (count > 0) users_.FreeLines(first, count);
}

bool Engine::LinesDiffer(LineIndex first, std::size_t count, const UserRecord& user) const {
  if (count != user.line_count) return true;
  for (LineIndex i = 0; i < count; ++i) {
    const LineRecord& before = users_.line(first + i);
    const LineRecord& now = users_.line(user.first_line + i);
    if (before.kind != now.kind || before.device != now.device) return true;
  }
  return false;
}

absl::Status Engine::AddUser(const User& user, const UserSettings& settings, CauseKind why) {
  UNIPRESENCE_CHECK_THREAD(thread_checker_);
  if (users_.Find(user.id) != kNoUser) {
    return absl::AlreadyExistsError(fmt::format("user '{}' exists; choose another id", user.id));
  }
  sink_.Begin();
  const UserIndex index = users_.Add(user.id);
  // No revision of an earlier user of that id can be above the sequence: followers never step back.
  users_[index].revision = removal_sequence_ == 0 ? 0 : sequence_;
  users_[index].selected = settings.selected_device.value_or(kFirstSelection);
  users_[index].do_not_disturb = settings.do_not_disturb;
  users_[index].active_forwardings = ForwardingConditions(settings.forwardings);
  routings_.Set(index, user);
  routings_.SetForwardings(index, settings.forwardings);
  AttachLines(index, user.lines);
  FuseUser(index, {.kind = why});
  mailboxes_.Set(index, user);
  sink_.End();
  return absl::OkStatus();
}

absl::Status Engine::UpdateUser(const User& user) {
  UNIPRESENCE_CHECK_THREAD(thread_checker_);
  const UserIndex index = users_.Find(user.id);
  if (index == kNoUser) return NoSuchUser(user.id);
  sink_.Begin();
  const bool moves =
      routings_.context(index) != user.context || routings_.exten(index) != user.exten;
  routing_backlog_.MarkNumberRemoved(
      index, moves ? std::span<const Line>() : std::span<const Line>(user.lines));
  const LineIndex first_before = users_[index].first_line;
  const std::size_t count_before = users_[index].line_count;
  // The new ones first: lines that stay take over what is known.
  AttachLines(index, user.lines);
  // Kind and device of a line are part of what is published; name and number are not.
  if (LinesDiffer(first_before, count_before, users_[index])) users_[index].published = false;
  DetachLines(first_before, count_before);
  routings_.Set(index, user);
  routing_backlog_.Mark(index, CauseKind::kUserUpdated);
  FuseUser(index, {.kind = CauseKind::kUserUpdated});
  mailboxes_.Set(index, user);
  sink_.End();
  return absl::OkStatus();
}

absl::Status Engine::RemoveUser(std::string_view id) {
  UNIPRESENCE_CHECK_THREAD(thread_checker_);
  const UserIndex index = users_.Find(id);
  if (index == kNoUser) return NoSuchUser(id);
  sink_.Begin();
  const UserRecord& user = users_[index];
  mailboxes_.Remove(index);
  update_.sequence = removal_sequence_ = ++sequence_;
  update_.removed = true;
  update_.previous_state = user.state;
  update_.cause = CauseOf({.kind = CauseKind::kUserDeleted});
  FillPresence(user, update_.presence);
  ++update_.presence.revision;
  sink_.Write(update_);
  routing_backlog_.MarkNumberRemoved(index);
  DetachLines(user.first_line, user.line_count);
  routings_.Remove(index);
  users_.Remove(index);
  sink_.End();
  return absl::OkStatus();
}

template <typename Change>
absl::Status Engine::ChangeUser(std::string_view id, CauseKind cause, Change change) {
  UNIPRESENCE_CHECK_THREAD(thread_checker_);
  const UserIndex index = users_.Find(id);
  if (index == kNoUser) return NoSuchUser(id);
  sink_.Begin();
  if (absl::Status status = change(index, users_[index]); !status.ok()) return status;
  FuseUser(index, {.kind = cause});
  sink_.End();
  return absl::OkStatus();
}

absl::Status Engine::SetLoggedIn(std::string_view id, bool logged_in, CauseKind cause) {
  return ChangeUser(id, cause, [&](UserIndex, UserRecord& user) {
    user.logged_in = logged_in;
    return absl::OkStatus();
  });
}

absl::Status Engine::SelectDevice(std::string_view id, LineKind device) {
  return ChangeUser(id, CauseKind::kSelectDevice, [&](UserIndex, UserRecord& user) {
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
  return ChangeUser(id, CauseKind::kSetDoNotDisturb, [&](UserIndex index, UserRecord& user) {
    if (user.do_not_disturb != do_not_disturb)
      routing_backlog_.Mark(index, CauseKind::kSetDoNotDisturb);
    user.do_not_disturb = do_not_disturb;
    return absl::OkStatus();
  });
}

absl::Status Engine::SetForwardings(std::string_view id, const Forwardings& forwardings) {
  return ChangeUser(id, CauseKind::kSetForwarding, [&](UserIndex index, UserRecord& user) {
    if (forwardings != routings_.forwardings(index))
      routing_backlog_.Mark(index, CauseKind::kSetForwarding);
    routings_.SetForwardings(index, forwardings);
    user.active_forwardings = ForwardingConditions(forwardings);
    return absl::OkStatus();
  });
}

}  // namespace unipresence
