#ifndef UNIPRESENCE_AGGREGATOR_ENGINE_ROUTING_BACKLOG_H_
#define UNIPRESENCE_AGGREGATOR_ENGINE_ROUTING_BACKLOG_H_

// What each PBX is to be told of its users, and has not taken yet: numbers that are nobody's any
// more, users that changed, and rounds that visit everybody again.
//
//   engine.routing_backlog().StartRound(pbx);
//   while (engine.routing_backlog().Take(pbx, visit)) {}
//
// A line that is in use on another PBX cannot be dialled from this one: there the user's line of
// this PBX is told as the device in use.
//
// Thread: the pipeline's.

#include <cstddef>
#include <span>
#include <string_view>
#include <vector>

#include "absl/functional/function_ref.h"
#include "aggregator/base/thread_checker.h"
#include "aggregator/engine/device_table.h"
#include "aggregator/engine/pbx_table.h"
#include "aggregator/engine/routing_queue.h"
#include "aggregator/engine/routing_table.h"
#include "aggregator/engine/user_table.h"
#include "aggregator/model/cause.h"
#include "aggregator/model/line.h"
#include "aggregator/model/routing.h"

namespace unipresence {

class RoutingBacklog {
 public:
  // All must outlive it. It marks the lines of users that wait.
  RoutingBacklog(UserTable& users, const DeviceTable& devices, const PbxTable& pbxs,
                 const RoutingTable& routings)
      : users_(users), devices_(devices), pbxs_(pbxs), routings_(routings) {}

  // `again`: it is only told again, because a round runs; it may be what the PBX holds already.
  using Visitor = absl::FunctionRef<void(const Routing&, bool again)>;

  // Visits the next number of the PBX whose routing may have changed since it was taken last, or,
  // when none is left, the next one of a running round. Whoever changes while he waits is visited
  // once, as he is then. False if there is none now; while a round has passed over many users of
  // other PBXs only, the queue stays filled: call again after the next read.
  bool Take(PbxIndex pbx, Visitor visit);
  // Numbers that wait: changed ones, and those left of a round.
  const RoutingQueue& queue(PbxIndex pbx) const;
  // True while a change of the user waits to be taken for that PBX.
  bool Waits(PbxIndex pbx, std::string_view user) const;
  // Starts a round, which visits every user of the PBX again. Changes wait from the first round on.
  void StartRound(PbxIndex pbx);
  // Nobody takes them any more, until the next round: changes do not wait. Removed numbers do.
  void Close(PbxIndex pbx);
  // Visits one user; false if there is none of that id, or none of the lines is on that PBX.
  bool Read(PbxIndex pbx, std::string_view user, Visitor visit);

  // --- For the engine ---------------------------------------------------------------------------

  // The PBXs of the user's lines are to be told.
  void Mark(UserIndex index, CauseKind cause);
  // The number will be another user's, or nobody's, on all PBXs but those of the kept lines.
  void MarkNumberRemoved(UserIndex index, std::span<const Line> kept = {});

 private:
  RoutingQueue& QueueOf(PbxIndex pbx) {
    if (pbx >= queues_.size()) [[unlikely]] {
      queues_.resize(std::size_t{pbx} + 1);
    }
    return queues_[pbx];
  }
  LineIndex FirstLineOn(const UserRecord& user, PbxIndex pbx) const;  // kNoLine if none
  void FillRouting(UserIndex index, PbxIndex pbx, Routing& routing) const;

  UserTable& users_;
  const DeviceTable& devices_;
  const PbxTable& pbxs_;
  const RoutingTable& routings_;
  mutable ThreadChecker thread_checker_;
  std::vector<RoutingQueue> queues_;  // by PbxIndex, as far as any was used
  Routing routing_;                   // reused by Take and Read
};

}  // namespace unipresence

#endif  // UNIPRESENCE_AGGREGATOR_ENGINE_ROUTING_BACKLOG_H_
