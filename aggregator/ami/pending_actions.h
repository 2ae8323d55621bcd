#ifndef UNIPRESENCE_AGGREGATOR_AMI_PENDING_ACTIONS_H_
#define UNIPRESENCE_AGGREGATOR_AMI_PENDING_ACTIONS_H_

// The actions of a session that wait for their answers, by token. Part of Session.
//
// A callback may add actions and may fail all of them; it runs after its own action has been taken
// out.

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "aggregator/ami/config.h"
#include "aggregator/ami/message.h"
#include "aggregator/ami/session_handler.h"
#include "aggregator/base/clock.h"

namespace unipresence::ami {

// How an action is answered.
enum class ActionKind : std::uint8_t {
  kSingle,  // one response. If Asterisk starts a list all the same, it is taken as one
  kList,  // a response, rows, and an event that says `EventList: Complete` or is named ...Complete
};

// What an event with the ActionID of an action in flight is.
enum class RowKind : std::uint8_t {
  kRow,
  kEnd,    // the list is complete or cancelled
  kStray,  // of no action in flight
};

class PendingActions {
 public:
  // An action that hears nothing for times.action has failed, and a list that goes on beyond
  // times.list and its kin.
  explicit PendingActions(const SessionTimes& times) : times_(times) {}

  void Add(ActionToken token, std::string_view name, ActionKind kind, ActionCallback callback,
           MonotonicTime now);

  // A response came. False if it is of no action in flight.
  bool OnResponse(ActionToken token, const Message& response, MonotonicTime now);

  // What an event is; a row keeps its list alive.
  RowKind Classify(ActionToken token, const Message& event, MonotonicTime now);
  // The event that ends a list.
  void OnListEnd(ActionToken token, const Message& event);
  // An answer beyond the limits of a message, of which only some headers are there: a row is
  // missing in its list, anything else ends the action. False if it is of no action in flight.
  bool OnCut(ActionToken token, const Message& message, std::size_t bytes, MonotonicTime now);

  // Fails those that waited too long; returns how many.
  std::size_t TimeOut(MonotonicTime now);
  void FailAll(const absl::Status& reason);

  // None times out before; max() if there is none.
  MonotonicTime deadline() const { return deadline_; }
  std::size_t size() const { return actions_.size(); }

 private:
  struct Action {
    std::string name;
    ActionKind kind;
    ActionCallback callback;
    MonotonicTime begun;
    MonotonicTime deadline;
    std::size_t rows = 0;
    std::size_t skipped_rows = 0;
  };
  using Map = std::map<ActionToken, Action>;

  void OnRow(Action& action, MonotonicTime now) const;
  MonotonicTime ListEnd(const Action& action) const;
  void Finish(Map::iterator at, const absl::StatusOr<ActionReply>& reply);

  const SessionTimes& times_;
  Map actions_;
  MonotonicTime deadline_ = MonotonicTime::max();
};

}  // namespace unipresence::ami

#endif  // UNIPRESENCE_AGGREGATOR_AMI_PENDING_ACTIONS_H_
