#ifndef UNIPRESENCE_AGGREGATOR_ENGINE_MAILBOXES_H_
#define UNIPRESENCE_AGGREGATOR_ENGINE_MAILBOXES_H_

// The voicemail boxes of users: how many messages are in them, by what their PBXs say, numbered and
// handed to the sink on change.
//
//   engine.mailboxes().Apply(pbx, changes_of_one_read);
//   engine.mailboxes().Read("alice", [](const Mailbox& mailbox) { ... });
//
// A user's box is on the PBX of his first line, the deskphone if he has one; several users may
// share a box. It keeps its counts while the link is down, marked stale until they were read again.
//
// Thread: the pipeline's.

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "absl/functional/function_ref.h"
#include "aggregator/base/thread_checker.h"
#include "aggregator/engine/device_table.h"
#include "aggregator/engine/mailbox_table.h"
#include "aggregator/engine/pbx_table.h"
#include "aggregator/engine/sink_writer.h"
#include "aggregator/engine/user_table.h"
#include "aggregator/model/mailbox.h"
#include "aggregator/model/user.h"

namespace unipresence {

class Mailboxes {
 public:
  // All must outlive it. A box whose counts are not known has its PBX listed.
  Mailboxes(const UserTable& users, PbxTable& pbxs, SinkWriter& sink)
      : users_(users), pbxs_(pbxs), sink_(sink) {}

  // Takes what the PBX says of its boxes, in order. Those that no user has are passed over.
  void Apply(PbxIndex pbx, std::span<const MailboxChange> changes);

  using Visitor = absl::FunctionRef<void(const Mailbox&)>;
  // Visits the user's box; false if he has none or does not exist.
  bool Read(std::string_view user, Visitor visit) const;
  // Passes `limit` users from `cursor` on (0 = from the start), visits the boxes on that PBX, each
  // once, and returns the next cursor, 0 at the end.
  std::uint64_t Read(PbxIndex pbx, std::uint64_t cursor, std::size_t limit, Visitor visit) const;
  // Of the newest change of a box; 0 before the first.
  std::uint64_t sequence() const { return sequence_; }

  // --- For the engine, within its SinkWriter's Begin and End ------------------------------------

  // The user has the box that `user` names from now on, if any.
  void Set(UserIndex index, const User& user);
  // Before the user goes.
  void Remove(UserIndex index);
  // The link to the PBX was lost or synced.
  void Refresh(UserIndex index);

 private:
  // Grows with each link to the PBX.
  std::uint32_t LinkNumber(PbxIndex pbx) const;
  bool StaleNow(const MailboxRecord& record) const;
  void Publish(UserIndex user, MailboxRecord& record);
  Mailbox ValueOf(UserIndex user, const MailboxRecord& record) const;

  const UserTable& users_;
  PbxTable& pbxs_;
  SinkWriter& sink_;
  ThreadChecker thread_checker_;
  MailboxTable table_;
  std::uint64_t sequence_ = 0;
};

}  // namespace unipresence

#endif  // UNIPRESENCE_AGGREGATOR_ENGINE_MAILBOXES_H_
