#ifndef UNIPRESENCE_SERVER_STREAMING_NEWEST_LOG_H_
#define UNIPRESENCE_SERVER_STREAMING_NEWEST_LOG_H_

// The newest voicemail box of every user whose box changed since some sequence (field `mailboxes`
// of WatchPresencesResponse).
//
// A box is told as a whole, and only the newest one of a user counts. So one that is followed by a
// newer one leaves the log, and a reader that comes late finds each once. The log holds at most one
// entry per user, however slow its readers are, and its bytes stay below about four times those of
// its entries.
//
// Thread: the watch thread's.

#include <cstddef>
#include <cstdint>

#include "server/streaming/segmented_log.h"

namespace unipresence {

class NewestLog : public SegmentedLog {
 public:
  // Empties it; what comes next has sequences above `sequence`.
  void Reset(std::uint64_t sequence) { Clear(sequence); }

  // Adds the changes of a batch that are above end(). False if there is a hole between end() and
  // the batch: then nothing is added, and readers cannot go on.
  bool Append(const publish::Batch& batch);

  // Nobody needs changes up to `sequence` any more; they may leave, unless they are among the
  // newest `keep` entries.
  void Trim(std::uint64_t sequence, std::size_t keep);

  std::size_t entries() const { return newest_.size(); }

 private:
  // It is read no more.
  void Kill(Segment& segment, Record& record);
  void KillAt(std::uint64_t sequence);
  void DropDeadSegments();
  void CompactIfSparse();
};

}  // namespace unipresence

#endif  // UNIPRESENCE_SERVER_STREAMING_NEWEST_LOG_H_
