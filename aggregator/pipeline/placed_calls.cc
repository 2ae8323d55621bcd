#include "aggregator/pipeline/placed_calls.h"

#include <fmt/format.h>

namespace unipresence {

std::string PlacedCalls::KeyOf(std::string_view user, std::string_view request_id) {
  return fmt::format("{}\n{}", user, request_id);  // no id holds a line feed
}

PlacedCalls::Entry* PlacedCalls::Find(std::string_view user, std::string_view request_id,
                                      MonotonicTime now) {
  Expire(now);
  const auto found = entries_.find(KeyOf(user, request_id));
  return found == entries_.end() ? nullptr : &found->second;
}

void PlacedCalls::Begin(std::string_view user, std::string_view request_id, MonotonicTime now) {
  Entry entry;
  entry.placed = now;
  entries_.insert_or_assign(KeyOf(user, request_id), std::move(entry));
}

std::vector<CallControl::CallDone> PlacedCalls::Finish(std::string_view user,
                                                       std::string_view request_id,
                                                       std::string_view call,
                                                       const absl::StatusOr<LiveCall>& answer,
                                                       bool keep) {
  const auto found = entries_.find(KeyOf(user, request_id));
  if (found == entries_.end()) return {};
  std::vector<CallControl::CallDone> also = std::move(found->second.also);
  if (keep) {
    found->second.also.clear();
    found->second.pending = false;
    found->second.answer = answer;
    found->second.call = call;
    by_age_.emplace_back(found->second.placed, found->first);
  } else {
    entries_.erase(found);
  }
  return also;
}

void PlacedCalls::Expire(MonotonicTime now) {
  while (!by_age_.empty() &&
         (now - by_age_.front().first >= kRemembered || by_age_.size() > kMaxEntries)) {
    entries_.erase(by_age_.front().second);
    by_age_.pop_front();
  }
}

}  // namespace unipresence
