#ifndef UNIPRESENCE_AGGREGATOR_PIPELINE_COUNTED_ACTIONS_H_
#define UNIPRESENCE_AGGREGATOR_PIPELINE_COUNTED_ACTIONS_H_

// The actions of one piece of work on a link: how many are in flight, and which list is awaited.
// Replies to those of an earlier piece are passed over, and so are those that say that the link is
// lost: its owner ends the work then.
//
// Thread: the pipeline's.

#include <cstdint>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "aggregator/ami/action.h"
#include "aggregator/ami/session.h"

namespace unipresence {

class CountedActions {
 public:
  // Another piece of work begins, or the one there was has ended.
  void Reset() {
    ++number_;
    in_flight_ = 0;
    list_ = ami::kLiveEvent;
  }

  int in_flight() const { return in_flight_; }
  // Whether that is the list that was sent last.
  bool Awaits(ami::ActionToken list) const { return list != ami::kLiveEvent && list == list_; }

  // As Session::Send; `taken` gets the reply.
  template <typename Taken>
  absl::Status Send(ami::Session& session, const ami::ActionBuilder& action, ami::ActionKind kind,
                    Taken taken) {
    const auto token = session.Send(
        action, kind,
        [this, number = number_, taken](const absl::StatusOr<ami::ActionReply>& reply) {
          if (number != number_) return;
          --in_flight_;
          if (!absl::IsUnavailable(reply.status())) taken(reply);
        });
    if (!token.ok()) return token.status();
    ++in_flight_;
    if (kind == ami::ActionKind::kList) list_ = *token;
    return absl::OkStatus();
  }

 private:
  std::uint64_t number_ = 0;  // of the piece of work
  int in_flight_ = 0;
  ami::ActionToken list_ = ami::kLiveEvent;
};

}  // namespace unipresence

#endif  // UNIPRESENCE_AGGREGATOR_PIPELINE_COUNTED_ACTIONS_H_
