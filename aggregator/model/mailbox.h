#ifndef UNIPRESENCE_AGGREGATOR_MODEL_MAILBOX_H_
#define UNIPRESENCE_AGGREGATOR_MODEL_MAILBOX_H_

// Message counts of voicemail boxes: what a PBX says of a box, and what is told of a user's box.

#include <cstdint>
#include <string_view>

#include "aggregator/base/clock.h"
#include "aggregator/model/cause.h"

namespace unipresence {

struct MailboxCounts {
  std::uint32_t new_messages = 0;  // not heard yet, the urgent ones among them
  std::uint32_t old_messages = 0;  // heard and kept

  friend bool operator==(const MailboxCounts&, const MailboxCounts&) = default;
};

// What one PBX newly says of one box: the value that crosses from `pbx` to `engine`.
struct MailboxChange {
  CauseKind cause = CauseKind::kResync;  // kReconcile: a difference is a correction
  MailboxCounts counts;
  std::string_view mailbox;  // "1001@default"; valid for the call it is passed to

  friend bool operator==(const MailboxChange&, const MailboxChange&) = default;
};

// The box of one user. The views point into tables of the engine and are valid for the call they
// are passed to.
struct Mailbox {
  std::string_view user;     // id
  std::string_view mailbox;  // "1001@default"; empty: the user has no box any more
  std::string_view pbx;      // that holds it
  MailboxCounts counts;
  // When the counts last changed, or were first read; 0 if they were never read.
  WallTimeMicros update_time = 0;
  // The counts were not read since the link to the PBX was made: they are the last known ones.
  bool stale = true;
  // Of this value. Changes of mailboxes are numbered by themselves, + 1 each.
  std::uint64_t sequence = 0;
};

}  // namespace unipresence

#endif  // UNIPRESENCE_AGGREGATOR_MODEL_MAILBOX_H_
