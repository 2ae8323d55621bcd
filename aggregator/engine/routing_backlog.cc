#include "aggregator/engine/routing_backlog.h"

#include <algorithm>
#include <string>

namespace unipresence {
namespace {

// Users of other PBXs that one call passes over: about 0.1 ms.
constexpr std::size_t kMaxPassedOver = 4096;

}  // namespace

const RoutingQueue& RoutingBacklog::queue(PbxIndex pbx) const {
  static const RoutingQueue kNone;
  return pbx < queues_.size() ? queues_[pbx] : kNone;
}

LineIndex RoutingBacklog::FirstLineOn(const UserRecord& user, PbxIndex pbx) const {
  for (LineIndex i = user.first_line; i < user.first_line + user.line_count; ++i) {
    if (devices_[users_.line(i).device].pbx == pbx) return i;
  }
  return kNoLine;
}

void RoutingBacklog::Mark(UserIndex index, CauseKind cause) {
  const UserRecord& user = users_[index];
  for (LineIndex i = user.first_line; i < user.first_line + user.line_count; ++i) {
    const PbxIndex pbx = devices_[users_.line(i).device].pbx;
    // After a resync nearly everybody changes: what a round is about to visit must not stand in the
    // way of what users do meanwhile.
    RoutingQueue& queue = QueueOf(pbx);
    if (!queue.open() || (cause == CauseKind::kResync && queue.round_is_ahead())) continue;
    // The first line on a PBX keeps the mark for all.
    LineRecord& line = users_.line(FirstLineOn(user, pbx));
    if (line.routing_waits) continue;
    line.routing_waits = true;
    queue.Push(index);
  }
}

void RoutingBacklog::MarkNumberRemoved(UserIndex index, std::span<const Line> kept) {
  const UserRecord& user = users_[index];
  for (LineIndex i = user.first_line; i < user.first_line + user.line_count; ++i) {
    const PbxIndex pbx = devices_[users_.line(i).device].pbx;
    if (FirstLineOn(user, pbx) != i) continue;
    const bool stays = std::any_of(kept.begin(), kept.end(),
                                   [&](const Line& line) { return line.pbx == pbxs_[pbx].name; });
    if (stays) continue;
    QueueOf(pbx).PushRemoved(
        {std::string(routings_.context(index)), std::string(routings_.exten(index))});
  }
}

void RoutingBacklog::FillRouting(UserIndex index, PbxIndex pbx, Routing& routing) const {
  const UserRecord& user = users_[index];
  routing = Routing{};
  routings_.Fill(index, routing);
  routing.user = user.id.view();
  routing.state = user.state;
  routing.selected_device = user.selected;
  routing.do_not_disturb = user.do_not_disturb;
  for (LineIndex i = user.first_line; i < user.first_line + user.line_count; ++i) {
    const LineRecord& line = users_.line(i);
    const DeviceRecord& device = devices_[line.device];
    if (device.pbx != pbx) continue;
    const std::string_view name = device.name.view();
    routing.devices[line.kind] = name;
    // The other line's PBX cannot be dialled from here: what is here rings.
    if (line.kind == user.device_in_use || routing.device_in_use.empty()) {
      routing.device_in_use = name;
    }
  }
}

bool RoutingBacklog::Take(PbxIndex pbx, Visitor visit) {
  UNIPRESENCE_CHECK_THREAD(thread_checker_);
  RoutingQueue& queue = QueueOf(pbx);
  if (const auto number = queue.PopRemoved()) {
    visit({.context = number->context, .exten = number->exten, .removed = true}, false);
    return true;
  }
  while (const auto index = queue.Pop()) {
    const UserRecord& user = users_[*index];
    if (user.id.view().empty()) continue;
    const LineIndex line = FirstLineOn(user, pbx);
    if (line == kNoLine || !users_.line(line).routing_waits) continue;
    users_.line(line).routing_waits = false;
    FillRouting(*index, pbx, routing_);
    visit(routing_, false);
    return true;
  }
  for (std::size_t passed = 0; passed < kMaxPassedOver; ++passed) {
    const auto index = queue.PopAgain();
    if (!index) return false;
    const UserRecord& user = users_[*index];
    if (user.id.view().empty() || FirstLineOn(user, pbx) == kNoLine) continue;
    FillRouting(*index, pbx, routing_);
    visit(routing_, true);
    return true;
  }
  return false;
}

bool RoutingBacklog::Read(PbxIndex pbx, std::string_view id, Visitor visit) {
  UNIPRESENCE_CHECK_THREAD(thread_checker_);
  const UserIndex index = users_.Find(id);
  if (index == kNoUser || FirstLineOn(users_[index], pbx) == kNoLine) return false;
  FillRouting(index, pbx, routing_);
  visit(routing_, false);
  return true;
}

bool RoutingBacklog::Waits(PbxIndex pbx, std::string_view id) const {
  const UserIndex index = users_.Find(id);
  if (index == kNoUser) return false;
  const LineIndex line = FirstLineOn(users_[index], pbx);
  return line != kNoLine && users_.line(line).routing_waits;
}

void RoutingBacklog::Close(PbxIndex pbx) {
  UNIPRESENCE_CHECK_THREAD(thread_checker_);
  RoutingQueue& queue = QueueOf(pbx);
  queue.Close();
  queue.EndRound();
  while (const auto index = queue.Pop()) {
    const UserRecord& user = users_[*index];
    if (user.id.view().empty()) continue;
    if (const LineIndex line = FirstLineOn(user, pbx); line != kNoLine) {
      users_.line(line).routing_waits = false;
    }
  }
}

void RoutingBacklog::StartRound(PbxIndex pbx) {
  UNIPRESENCE_CHECK_THREAD(thread_checker_);
  QueueOf(pbx).StartRound(users_.slots());
}

}  // namespace unipresence
