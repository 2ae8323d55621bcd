#ifndef UNIPRESENCE_SERVER_ACCOUNT_USER_COUNTER_H_
#define UNIPRESENCE_SERVER_ACCOUNT_USER_COUNTER_H_

// How many users each PBX has and how many presences are stale, counted by looking at every user in
// slices. One count at a time, whoever asks: those who ask meanwhile get the same, and a result
// serves for `kFresh`, so that nobody keeps the pipeline busy by asking.
//
// Thread: the pipeline's.

#include <cstdint>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "aggregator/pipeline/executor.h"

namespace unipresence {

class UserCounter {
 public:
  static constexpr Duration kFresh = std::chrono::seconds(2);

  struct PerPbx {
    std::uint64_t users = 0;  // with a line on it
    std::uint64_t stale = 0;  // of these
  };
  struct Result {
    std::uint64_t stale = 0;
    std::vector<PerPbx> by_pbx;  // as Core::pbxs, or shorter
  };
  // Destroyed uncalled if the pipeline has no room for the work.
  using Done = absl::AnyInvocable<void(Core&, const Result&) &&>;

  // `executor` must outlive the counter, and the counter what is posted to it.
  explicit UserCounter(Executor& executor) : executor_(executor) {}

  void Count(Core& core, Done done);

 private:
  void Slice(Core& core);
  void Add(const PbxTable& pbxs, const Presence& presence);

  Executor& executor_;
  std::vector<Done> waiting_;
  std::uint64_t cursor_ = 0;
  Result counting_;
  Result result_;
  bool has_result_ = false;
  MonotonicTime counted_;
};

}  // namespace unipresence

#endif  // UNIPRESENCE_SERVER_ACCOUNT_USER_COUNTER_H_
