#ifndef UNIPRESENCE_AGGREGATOR_PIPELINE_PLACED_CALLS_H_
#define UNIPRESENCE_AGGREGATOR_PIPELINE_PLACED_CALLS_H_

// Calls that users had placed, by the request id that each was given: what makes a repeated request
// safe. Part of PbxCallControl.
//
// An answered entry lives kRemembered, and there are at most kMaxEntries: then the oldest goes
// early. A pending one, which holds what others wait for, stays until it is answered.
//
// Thread: the pipeline's.

#include <cstddef>
#include <deque>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "aggregator/base/clock.h"
#include "aggregator/pipeline/call_control.h"

namespace unipresence {

class PlacedCalls {
 public:
  static constexpr Duration kRemembered = std::chrono::minutes(10);
  static constexpr std::size_t kMaxEntries = 100'000;

  struct Entry {
    MonotonicTime placed;
    bool pending = true;                      // the PBX has not answered yet
    absl::StatusOr<LiveCall> answer;          // once it has, or an error: not known
    std::string call;                         // its id then
    std::vector<CallControl::CallDone> also;  // repeated meanwhile
  };

  // The entry of an earlier request, or null.
  Entry* Find(std::string_view user, std::string_view request_id, MonotonicTime now);
  // A new, pending one; it must not exist.
  void Begin(std::string_view user, std::string_view request_id, MonotonicTime now);
  // Takes the answer, remembers it if `keep`, and returns who else waits for it.
  std::vector<CallControl::CallDone> Finish(std::string_view user, std::string_view request_id,
                                            std::string_view call,
                                            const absl::StatusOr<LiveCall>& answer, bool keep);

  std::size_t size() const { return entries_.size(); }

 private:
  static std::string KeyOf(std::string_view user, std::string_view request_id);
  void Expire(MonotonicTime now);

  absl::flat_hash_map<std::string, Entry> entries_;
  std::deque<std::pair<MonotonicTime, std::string>> by_age_;  // those that are answered
};

}  // namespace unipresence

#endif  // UNIPRESENCE_AGGREGATOR_PIPELINE_PLACED_CALLS_H_
