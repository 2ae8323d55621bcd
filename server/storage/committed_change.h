#ifndef UNIPRESENCE_SERVER_STORAGE_COMMITTED_CHANGE_H_
#define UNIPRESENCE_SERVER_STORAGE_COMMITTED_CHANGE_H_

// What a command has changed of users, for whoever follows a store (Store::Follow).

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "server/storage/session_store.h"
#include "server/storage/user_store.h"

namespace unipresence {

// Counts the changes of a store in the order of their commits. 0: before the first.
using Revision = std::uint64_t;

// What was done to a user, whether or not it made a difference. Passwords are not told: who logs in
// is compared with the store.
struct UserAction {
  bool deleted = false;  // the one of that id who was there before
  bool written = false;  // added, or updated
  bool selected = false;
  bool forwarded = false;       // do not disturb, or forwardings
  bool sessions_ended = false;  // all of the user's before; those that end one by one are not told

  // Something that a StoredUser has.
  bool changes_user() const { return written || selected || forwarded; }
  void Add(const UserAction& other) {
    deleted |= other.deleted;
    written |= other.written;
    selected |= other.selected;
    forwarded |= other.forwarded;
    sessions_ended |= other.sessions_ended;
  }
  friend bool operator==(const UserAction&, const UserAction&) = default;
};

struct ChangedUser {
  std::string id;
  UserAction action;
  std::vector<StoredSession> begun;  // sessions that were saved, after those that have ended
  // After the command, if it wrote or chose something of the user; none if there is nobody of that
  // id any more, and where only sessions began or ended.
  std::optional<StoredUser> now;
  // It was changed in the same part (Transaction::InPart) as the one before it: such users may have
  // got what the others had, so only all of them at once are a state that is right.
  bool with_previous = false;
};

struct CommittedChange {
  Revision revision = 0;
  std::vector<ChangedUser> users;  // each once, in the order in which they were first changed
};

// Thread: that of the store, for commands, which it must not block.
class ChangeSink {
 public:
  virtual ~ChangeSink() = default;

  // In order of revision, each before its command is answered.
  virtual void OnChange(CommittedChange change) = 0;
  // A command is answered, with whatever that has begun: who kept the last change to join it passes
  // it on, before the next command is answered.
  virtual void Flush() = 0;
};

}  // namespace unipresence

#endif  // UNIPRESENCE_SERVER_STORAGE_COMMITTED_CHANGE_H_
