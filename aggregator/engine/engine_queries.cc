// What Engine tells of its users.

#include <fmt/format.h>

#include <algorithm>

#include "aggregator/engine/engine.h"

namespace unipresence {

absl::Status Engine::NoSuchUser(std::string_view id) {
  return absl::NotFoundError(
      fmt::format("no user '{}'; `unipresence users list` shows the users there are", id));
}

bool Engine::Read(std::string_view id, Visitor visit) const {
  const UserIndex index = users_.Find(id);
  if (index == kNoUser) return false;
  FillPresence(users_[index], read_buffer_);
  visit({read_buffer_, users_[index].sequence});
  return true;
}

std::uint64_t Engine::Read(std::uint64_t cursor, std::size_t limit, Visitor visit) const {
  // Empty slots count as well, so that a slice stays a slice after many removals.
  const std::uint64_t end = std::min<std::uint64_t>(users_.slots(), cursor + limit);
  for (; cursor < end; ++cursor) {
    const UserRecord& user = users_[static_cast<UserIndex>(cursor)];
    if (user.id.view().empty()) continue;
    FillPresence(user, read_buffer_);
    visit({read_buffer_, user.sequence});
  }
  return cursor < users_.slots() ? cursor : 0;
}

absl::StatusOr<Forwardings> Engine::GetForwardings(std::string_view id) const {
  const UserIndex index = users_.Find(id);
  if (index == kNoUser) return NoSuchUser(id);
  return routings_.forwardings(index);
}

absl::StatusOr<Explanation> Engine::Explain(std::string_view id) const {
  const UserIndex index = users_.Find(id);
  if (index == kNoUser) return NoSuchUser(id);
  const UserRecord& user = users_[index];
  Explanation explanation;
  explanation.user = std::string(id);
  FillInputs(user, explanation.inputs);
  explanation.result = {user.state, user.device_in_use, user.rule};
  explanation.revision = user.revision;
  explanation.do_not_disturb = user.do_not_disturb;
  explanation.active_forwardings = user.active_forwardings;
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
                                 .direction_unknown = device.direction_unknown,
                                 .link = pbxs_[device.pbx].link,
                                 .not_listed = device.unlisted && pbxs_.synced(device.pbx)});
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

std::string_view Engine::UserOfNumber(std::string_view user, std::string_view number) const {
  UNIPRESENCE_CHECK_THREAD(thread_checker_);
  const UserIndex index = users_.Find(user);
  if (index == kNoUser || number.empty()) return {};
  const UserIndex found = routings_.Find(routings_.context(index), number);
  return found == kNoUser ? std::string_view() : users_[found].id.view();
}

}  // namespace unipresence
