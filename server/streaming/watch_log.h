#ifndef UNIPRESENCE_SERVER_STREAMING_WATCH_LOG_H_
#define UNIPRESENCE_SERVER_STREAMING_WATCH_LOG_H_

// The last changes of the presences of all users, each as it was published (field `updates` of
// WatchPresencesResponse).
//
// The oldest ones leave when there are more than the window holds. A reader that is still below
// them has fallen behind: watch_history.h tells it what it missed.
//
// Thread: the watch thread's.

#include <cstddef>
#include <cstdint>

#include "absl/functional/function_ref.h"
#include "server/streaming/segmented_log.h"

namespace unipresence {

class WatchLog : public SegmentedLog {
 public:
  // Keeps `window` changes, and up to a quarter more, so that not each one costs a look at all
  // readers.
  explicit WatchLog(std::size_t window) : window_(window) {}

  // Empties it; what comes next has sequences above `sequence`.
  void Reset(std::uint64_t sequence) { Clear(sequence); }

  // Adds the changes of a batch that are above end(). False if there is a hole between end() and
  // the batch: then nothing is added, and readers cannot go on.
  bool Append(const publish::Batch& batch);

  // Visits the changes above `after`, in order; as for Read.
  void ForEach(std::uint64_t after, absl::FunctionRef<void(const Change&)> visit) const;

  // More is held than the window and a quarter.
  bool full() const { return size() > window_ + window_ / 4; }
  // Where begin() will be after Trim().
  std::uint64_t TrimmedBegin() const { return size() > window_ ? end() - window_ : begin(); }
  // Lets the oldest changes go until the window holds the rest; tells each before.
  void Trim(absl::FunctionRef<void(const Change&)> leaving);

  std::size_t size() const { return end() - begin(); }

 private:
  const std::size_t window_;
};

}  // namespace unipresence

#endif  // UNIPRESENCE_SERVER_STREAMING_WATCH_LOG_H_
