#include "aggregator/engine/routing_table.h"

namespace unipresence {

RoutingTable::~RoutingTable() {
  for (std::size_t i = 0; i < records_.size(); ++i) {
    records_[i].exten.Reset();
    records_[i].mailbox.Reset();
  }
}

RoutingTable::NameIndex RoutingTable::Intern(std::string_view name) {
  const auto [it, added] =
      name_indices_.try_emplace(std::string(name), static_cast<NameIndex>(names_.size()));
  if (added) names_.emplace_back(name);
  return it->second;
}

void RoutingTable::Set(UserIndex index, const User& user) {
  while (records_.size() <= index) records_.emplace_back();
  ForgetNumber(index);
  Record& record = records_[index];
  record.exten.Set(user.exten);
  record.context = Intern(user.context);
  by_number_.insert(index);
  record.line_type = user.line_type;
  record.ring_seconds = user.ring_seconds;
  record.mailbox.Set(user.voicemail ? user.voicemail->number : std::string_view());
  record.mailbox_context = user.voicemail ? Intern(user.voicemail->context) : 0;
}

void RoutingTable::ForgetNumber(UserIndex index) {
  const auto found = by_number_.find(index);
  if (found != by_number_.end() && *found == index) by_number_.erase(found);
}

UserIndex RoutingTable::Find(std::string_view context, std::string_view exten) const {
  const auto name = name_indices_.find(ToAbsl(context));
  if (name == name_indices_.end()) return kNoUser;
  const auto found = by_number_.find(Number{name->second, exten});
  return found == by_number_.end() ? kNoUser : *found;
}

void RoutingTable::SetForwardings(UserIndex index, const Forwardings& forwardings) {
  if (forwardings == Forwardings{}) {
    forwardings_.erase(index);
  } else {
    forwardings_[index] = forwardings;
  }
}

void RoutingTable::Remove(UserIndex index) {
  ForgetNumber(index);
  Record& record = records_[index];
  record.exten.Reset();
  record.mailbox.Reset();
  record = Record{};
  forwardings_.erase(index);
}

const Forwardings& RoutingTable::forwardings(UserIndex index) const {
  static const Forwardings kNone;
  const auto it = forwardings_.find(index);
  return it == forwardings_.end() ? kNone : it->second;
}

void RoutingTable::Fill(UserIndex index, Routing& routing) const {
  const Record& record = records_[index];
  routing.context = names_[record.context];
  routing.exten = record.exten.view();
  routing.line_type = record.line_type;
  routing.ring_seconds = record.ring_seconds;
  routing.mailbox = record.mailbox.view();
  routing.mailbox_context = names_[record.mailbox_context];
  const Forwardings& forwards = forwardings(index);
  for (ForwardingCondition condition : kForwardingConditions) {
    routing.forwards[static_cast<std::size_t>(condition)] = forwards.Active(condition);
  }
}

}  // namespace unipresence
