#include "aggregator/publish/subscription_table.h"

#include <utility>

namespace unipresence::publish {
namespace {

constexpr char kUnsubscribe = 0;
constexpr char kSubscribe = 1;

// The id in "user/<id>\0"; empty for anything else.
std::string_view UserOf(std::string_view topic) {
  if (!topic.starts_with(kUserTopicPrefix) || topic.back() != '\0') return {};
  const std::string_view id =
      topic.substr(kUserTopicPrefix.size(), topic.size() - kUserTopicPrefix.size() - 1);
  return id.find('\0') == std::string_view::npos ? id : std::string_view();
}

}  // namespace

std::string UserTopic(std::string_view user) {
  std::string topic;
  topic.reserve(kUserTopicPrefix.size() + user.size() + 1);
  topic.append(kUserTopicPrefix).append(user).push_back('\0');
  return topic;
}

SubscriptionTable::Change SubscriptionTable::Apply(std::string_view message) {
  if (message.empty() || (message[0] != kSubscribe && message[0] != kUnsubscribe)) {
    return Change::kUnknown;
  }
  const bool wanted = message[0] == kSubscribe;
  const std::string_view topic = message.substr(1);
  if (topic == kStreamTopic) {
    stream_ = wanted;
    return wanted ? Change::kStream : Change::kEnded;
  }
  if (topic == kHeartbeatTopic) {
    heartbeat_ = wanted;
    return wanted ? Change::kHeartbeat : Change::kEnded;
  }
  const std::string_view user = UserOf(topic);
  if (user.empty()) return Change::kUnknown;
  if (wanted) {
    AddUser(user);
    return Change::kUser;
  }
  return RemoveUser(user) ? Change::kEnded : Change::kUnknown;
}

void SubscriptionTable::AddUser(std::string_view id) {
  const auto [it, added] = users_.try_emplace(std::string(id), Places{.in_order = order_.size()});
  if (added) order_.push_back(&*it);
}

bool SubscriptionTable::RemoveUser(std::string_view id) {
  const auto it = users_.find(ToAbsl(id));
  if (it == users_.end()) return false;
  WaitNoMore(it->second);
  const std::size_t place = it->second.in_order;
  order_[place] = order_.back();
  order_[place]->second.in_order = place;
  order_.pop_back();
  users_.erase(it);
  if (refresh_cursor_ > order_.size()) refresh_cursor_ = order_.size();
  return true;
}

void SubscriptionTable::Wait(std::string_view id) {
  const auto it = users_.find(ToAbsl(id));
  if (it == users_.end() || it->second.in_waiting != kDoesNotWait) return;
  it->second.in_waiting = waiting_.size();
  waiting_.push_back(&*it);
}

bool SubscriptionTable::waits(std::string_view id) const {
  if (waiting_.empty()) return false;
  const auto it = users_.find(ToAbsl(id));
  return it != users_.end() && it->second.in_waiting != kDoesNotWait;
}

void SubscriptionTable::Sent() { WaitNoMore(waiting_.back()->second); }

void SubscriptionTable::WaitNoMore(Places& places) {
  const std::size_t place = std::exchange(places.in_waiting, kDoesNotWait);
  if (place == kDoesNotWait) return;
  if (place + 1 < waiting_.size()) {
    waiting_[place] = waiting_.back();
    waiting_[place]->second.in_waiting = place;
  }
  waiting_.pop_back();
}

std::string_view SubscriptionTable::NextToRefresh() {
  if (refresh_cursor_ == 0) return {};
  return order_[--refresh_cursor_]->first;
}

}  // namespace unipresence::publish
