#ifndef UNIPRESENCE_AGGREGATOR_ENGINE_MAILBOX_TABLE_H_
#define UNIPRESENCE_AGGREGATOR_ENGINE_MAILBOX_TABLE_H_

// Whose voicemail box is which, and how many messages are in it. Several users may share a box.
// Users without a box cost nothing as long as none has one. Thread: the pipeline's.

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "aggregator/base/clock.h"
#include "aggregator/engine/chunked_vector.h"
#include "aggregator/engine/device_table.h"
#include "aggregator/engine/inline_name.h"
#include "aggregator/engine/user_table.h"
#include "aggregator/model/mailbox.h"

namespace unipresence {

struct MailboxRecord {
  InlineName name;  // "1001@default"; empty: no box here
  PbxIndex pbx = 0;
  bool known = false;  // the counts were read once
  bool stale = true;   // as last published
  MailboxCounts counts;
  std::uint32_t link = 0;  // under which link to the PBX they were read last
  UserIndex next_of_box = kNoUser;
  WallTimeMicros update_time = 0;
  std::uint64_t sequence = 0;  // of the newest change
};

class MailboxTable {
 public:
  MailboxTable() = default;
  ~MailboxTable();
  MailboxTable(const MailboxTable&) = delete;
  MailboxTable& operator=(const MailboxTable&) = delete;

  // Gives the user that box, with the counts known of it. He must have none.
  MailboxRecord& Attach(UserIndex user, PbxIndex pbx, std::string_view name);
  // Takes it away again, if he has one.
  void Detach(UserIndex user);

  // Null if the user has no box. The pointer holds for the life of the table.
  MailboxRecord* Find(UserIndex user);
  const MailboxRecord* Find(UserIndex user) const;

  // The first user who has that box, or kNoUser; the others follow by next_of_box.
  UserIndex FirstOf(PbxIndex pbx, std::string_view name) const;
  // No user has a box there.
  bool empty(PbxIndex pbx) const { return pbx >= boxes_.size() || boxes_[pbx].empty(); }

 private:
  ChunkedVector<MailboxRecord> records_;                            // by UserIndex
  std::vector<absl::flat_hash_map<std::string, UserIndex>> boxes_;  // by PbxIndex
};

}  // namespace unipresence

#endif  // UNIPRESENCE_AGGREGATOR_ENGINE_MAILBOX_TABLE_H_
