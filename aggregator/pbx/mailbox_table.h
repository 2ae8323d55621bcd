#ifndef UNIPRESENCE_AGGREGATOR_PBX_MAILBOX_TABLE_H_
#define UNIPRESENCE_AGGREGATOR_PBX_MAILBOX_TABLE_H_

// Message counts of mailboxes, as MessageWaiting events and MailboxCount answers tell them.
//
// A MessageWaiting event may carry the headers of the channel that left the message: only its
// Mailbox says whose it is.
// Thread: the pipeline's.

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "absl/container/flat_hash_map.h"
#include "aggregator/ami/message.h"

namespace unipresence::pbx {

struct MailboxCounts {
  std::uint32_t new_messages = 0;
  std::uint32_t old_messages = 0;

  friend bool operator==(const MailboxCounts&, const MailboxCounts&) = default;
};

class MailboxTable {
 public:
  explicit MailboxTable(std::size_t max_mailboxes) : max_mailboxes_(max_mailboxes) {}

  // Takes a MessageWaiting event, or the response to MailboxCount. True if the counts changed.
  bool OnCounts(const ami::Message& message);

  // Of "1000@default"; nullopt if nothing was heard of it.
  std::optional<MailboxCounts> Find(std::string_view mailbox) const;

  std::size_t size() const { return mailboxes_.size(); }
  std::uint64_t rejected() const { return rejected_; }    // beyond the bound
  std::uint64_t malformed() const { return malformed_; }  // without a mailbox or counts

 private:
  std::size_t max_mailboxes_;
  absl::flat_hash_map<std::string, MailboxCounts> mailboxes_;
  std::uint64_t rejected_ = 0;
  std::uint64_t malformed_ = 0;
};

}  // namespace unipresence::pbx

#endif  // UNIPRESENCE_AGGREGATOR_PBX_MAILBOX_TABLE_H_
