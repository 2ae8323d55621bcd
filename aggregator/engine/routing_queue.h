#ifndef UNIPRESENCE_AGGREGATOR_ENGINE_ROUTING_QUEUE_H_
#define UNIPRESENCE_AGGREGATOR_ENGINE_ROUTING_QUEUE_H_

// Whose routing one PBX is to be told: users that changed, before users that are only told again.
// It holds indices, not values: who waits is read when his turn comes, so a backlog coalesces to
// the newest value. Thread: the pipeline's.

#include <cstddef>
#include <deque>
#include <optional>
#include <string>

#include "aggregator/engine/user_table.h"

namespace unipresence {

class RoutingQueue {
 public:
  struct Number {
    std::string context;
    std::string exten;
  };

  // More are not remembered while nobody takes them; the oldest go.
  static constexpr std::size_t kMaxRemoved = 100'000;

  // The number is no user's any more.
  void PushRemoved(Number number) {
    if (removed_.size() >= kMaxRemoved) removed_.pop_front();
    removed_.push_back(std::move(number));
  }
  std::optional<Number> PopRemoved() {
    if (removed_.empty()) return std::nullopt;
    Number number = std::move(removed_.front());
    removed_.pop_front();
    return number;
  }

  // The caller sees to it that a user waits once.
  void Push(UserIndex user) { changed_.push_back(user); }
  std::optional<UserIndex> Pop() {
    if (changed_.empty()) return std::nullopt;
    const UserIndex user = changed_.front();
    changed_.pop_front();
    return user;
  }

  // Whether changes are to be pushed: only while somebody takes them. A round that comes later
  // visits everybody anyway.
  bool open() const { return open_; }
  void Close() { open_ = false; }

  // Every index below `slots` comes by PopAgain once more; a running round is extended to a full
  // one.
  void StartRound(std::size_t slots) {
    open_ = true;
    slots_ = slots;
    left_ = slots;
  }
  std::optional<UserIndex> PopAgain() {
    if (left_ == 0) return std::nullopt;
    --left_;
    if (next_ >= slots_) next_ = 0;
    return static_cast<UserIndex>(next_++);
  }
  void EndRound() { left_ = 0; }
  // True until the first of the round is visited.
  bool round_is_ahead() const { return left_ > 0 && left_ == slots_; }

  bool empty() const { return removed_.empty() && changed_.empty() && left_ == 0; }
  std::size_t changed() const { return removed_.size() + changed_.size(); }
  std::size_t left_of_round() const { return left_; }

 private:
  std::deque<Number> removed_;
  std::deque<UserIndex> changed_;
  bool open_ = false;
  std::size_t slots_ = 0;
  std::size_t next_ = 0;
  std::size_t left_ = 0;
};

}  // namespace unipresence

#endif  // UNIPRESENCE_AGGREGATOR_ENGINE_ROUTING_QUEUE_H_
