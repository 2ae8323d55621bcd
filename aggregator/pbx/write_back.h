#ifndef UNIPRESENCE_AGGREGATOR_PBX_WRITE_BACK_H_
#define UNIPRESENCE_AGGREGATOR_PBX_WRITE_BACK_H_

// Tells one Asterisk what it has to know of each number, so that it routes calls by itself
// (astdb_layout.h): offered Routings, it names the AMI actions to send.
//
//   while (true) {
//     if (auto action = write_back.NextAction()) {
//       auto token = session.Send(action->action, action->kind,
//           [this, slot = action->slot](const auto& reply) { write_back.OnReply(slot, reply); });
//       if (token.ok()) write_back.Sent(*token);
//       else if (absl::IsInvalidArgument(token.status())) write_back.NotSent(token.status());
//       else break;  // send after the next reply
//     } else if (!write_back.HasRoom() || !backlog.Take(pbx, offer)) {
//       break;
//     }
//   }
//   void OnEvent(event, list) { if (write_back.OnRow(list, event)) return; ... }
//
// Rules:
// - It remembers, as a hash, what Asterisk has said that it holds of each number, and writes only
//   what differs: a user who rings costs one write. What it has never looked at on this link, or is
//   offered as kAgain, it reads first and writes where it is missing or wrong.
// - Each write is verified by reading it back, and repeated when Asterisk holds something else,
//   Options::attempts times at most; then it is left to the next offer.
// - Before a number is first asserted on a link, and whenever a phone has said so, the changes that
//   were made from the phone are read and handed out (TakeAdoption); only when they are durable
//   (OnAdopted) the note of them is deleted and the rest asserted. What cannot be adopted now stays
//   as the phone has it.
// - Where a number is written already, a newer offer replaces the older one in place.
// - What Asterisk refuses is not tried again before the next offer; after "Permission denied" not
//   before the next link.
// - Removed numbers are deleted key by key: DBDelTree takes '_' in a context for any character and
//   reads the whole of AstDB (30 ms at 200,000 keys). Their custom state becomes UNAVAILABLE, which
//   is what subscribers see, and is then deleted as well.
//
// A sans-I/O state machine. Thread: the pipeline's.

#include <array>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "aggregator/ami/action.h"
#include "aggregator/ami/message.h"
#include "aggregator/ami/pending_actions.h"
#include "aggregator/ami/session_handler.h"
#include "aggregator/model/phone_setting.h"
#include "aggregator/model/routing.h"
#include "aggregator/pbx/astdb_layout.h"
#include "aggregator/pbx/pbx_probe.h"

namespace unipresence::pbx {

class WriteBack {
 public:
  struct Options {
    // Actions that wait for an answer. 64 in flight are 40,000 writes with their verification a
    // second on an Asterisk 22; more gain nothing and delay what is urgent.
    std::size_t max_in_flight = 64;
    // Of these, before a number may be offered that did not change: room is left for what changes.
    std::size_t max_in_flight_for_checks = 32;
    // Numbers being worked on, those included that wait for an adoption.
    std::size_t max_jobs = 256;
    // Of one write.
    int attempts = 3;
    // Removed numbers that are remembered until they are on Asterisk's disk.
    std::size_t max_removed = 10'000;
    // When they are: AstDB commits about once a second.
    int ticks_until_durable = 100;
  };

  struct Outgoing {
    ami::ActionBuilder action;
    ami::ActionKind kind;
    std::size_t slot;  // to be named in OnReply
  };

  struct Adoption {
    std::uint64_t ticket;  // to be named in OnAdopted
    PhoneSetting setting;
  };

  explicit WriteBack(Options options);
  WriteBack() : WriteBack(Options{}) {}

  // --- What is to be said -----------------------------------------------------------------------

  // Whether a changed number may be offered, or one that is only told again.
  bool HasRoom() const { return HasRoom(options_.max_in_flight); }
  bool HasRoomForCheck() const { return HasRoom(options_.max_in_flight_for_checks); }

  enum class Why : std::uint8_t {
    kChanged,    // write what differs from what Asterisk has said that it holds
    kUnchecked,  // the same; what is found missing or wrong counts as rewritten
    kAgain,      // look at everything again; the same count
  };
  // `heard`: the phone of this user has said that it changed this; implies kAgain.
  void Queue(const Routing& routing, Why why, std::optional<PhoneSetting> heard = std::nullopt);

  // Call about 20 times a second. Removed numbers are deleted again after the link was lost: it may
  // have been cut before Asterisk obeyed, or Asterisk crashed before it was on its disk. That
  // begins once `all_offered`: every user was offered on this link, so that a number which is a
  // user's again is safe.
  void OnTick(bool all_offered);

  // --- Actions ----------------------------------------------------------------------------------

  // The action to send now, if any; the same one until Sent() or NotSent().
  std::optional<Outgoing> NextAction();
  void Sent(ami::ActionToken token);
  // It can never be sent.
  void NotSent(const absl::Status& status);

  // Whether the row belongs to an action of ours.
  bool OnRow(ami::ActionToken token, const ami::Message& row);
  // The answer to the action that was sent from the slot. UNAVAILABLE: LinkLost() follows.
  void OnReply(std::size_t slot, const absl::StatusOr<ami::ActionReply>& reply);

  // What was in flight is forgotten, and what is known of Asterisk.
  void LinkLost();

  // --- Changes made from phones -----------------------------------------------------------------

  std::optional<Adoption> TakeAdoption();
  // What became of it. OK: durable. UNAVAILABLE, RESOURCE_EXHAUSTED, ABORTED, CANCELLED,
  // DEADLINE_EXCEEDED, INTERNAL, DATA_LOSS: not now, the phone's choice stays until the number is
  // offered again. Any other: it never will be, and what the server knows is asserted.
  // Returns the user to be offered once more, with the values after the adoption, if all of his
  // are adopted.
  std::optional<std::string> OnAdopted(std::uint64_t ticket, const absl::Status& status);

  // What phones have said and what waits to be adopted, in that order for each user: for an owner
  // who writes no more but adopts it. What TakeAdoption has given out is not among them.
  std::vector<PhoneSetting> TakeReported();

  // --- Queries ----------------------------------------------------------------------------------

  // True if nothing is under way, nor waits to be sent.
  bool idle() const { return jobs_.empty(); }
  // True while the number is being written.
  bool writing(std::string_view context, std::string_view exten) const;
  // Numbers whose writing has ended, since the start.
  std::uint64_t finished() const { return finished_; }
  // True while numbers are under way that did not change when they were offered.
  bool checking() const;
  std::size_t in_flight() const { return slots_.size() - free_slots_.size(); }
  // Any thread.
  const WriteBackProbe& probe() const { return probe_; }
  // "DBPut: Permission denied": each kind of refusal once a link.
  std::optional<std::string> TakeComplaint();

  // Numbers whose record is held.
  std::size_t record_count() const { return records_.size(); }

 private:
  enum class Step : std::uint8_t {
    kSettled,  // Asterisk holds the value, by what it said
    kFailed,   // until the next offer
    kRead,     // DBGet is to be sent, to see whether a write is needed
    kWrite,    // DBPut, DBDel or Setvar is to be sent
    kErase,    // of a removed state: DBDel is to be sent behind the Setvar
    kVerify,   // DBGet is to be sent, behind a write
    kAwait,    // DBGet is on its way
  };

  struct ItemState {
    Step step = Step::kSettled;
    std::uint8_t attempts = 0;
    bool is_check = false;  // what is awaited comes before any write
    bool outdated = false;  // the value has changed since what is in flight was sent
    bool refused = false;   // the write in flight was refused
  };

  enum class Phase : std::uint8_t {
    kAskChanges,    // DBGet phone_changes is to be sent
    kAwaitChanges,  // and is on its way
    kAdopt,         // settings are being adopted
    kDropChanges,   // DBDel phone_changes is to be sent
    kAwaitDrop,     // and is on its way
    kAssert,        // the items
  };

  // One number that is being written.
  struct Job {
    std::string context;
    std::string exten;
    std::string user;
    bool removed = false;
    bool counts = false;  // what is found missing or wrong counts as rewritten
    bool queued = false;
    Phase phase = Phase::kAssert;
    std::uint32_t in_flight = 0;
    std::array<ItemState, kItemCount> items;
    ItemValues values;
    std::vector<PhoneSetting> heard;
    std::string adopted;  // the text of phone_changes whose settings are durable
    std::uint64_t ticket = 0;
    std::size_t adopting = 0;
    bool keeps_changes = false;  // an adoption failed for now: nothing may be asserted
  };

  struct Slot {
    Job* job = nullptr;  // null: free
    ami::ActionToken token = 0;
    Item item = Item::kInterface;
    bool is_read = false;
    bool is_of_phase = false;            // asks for, or drops, the changes made from the phone
    std::optional<std::string> found{};  // by the row of a DBGet
  };

  using Record = std::array<std::uint32_t, kItemGroupCount>;  // hashes; 0: not known
  using RecordMap = absl::flat_hash_map<std::uint64_t, Record>;

  bool HasRoom(std::size_t in_flight_limit) const {
    return in_flight() < in_flight_limit && sendable_.empty() && jobs_.size() < options_.max_jobs;
  }

  Job& JobOf(const std::string& family, std::string_view context, std::string_view exten);
  void Remove(const std::string& family, std::string_view context, std::string_view exten);
  void RedoRemovals();
  void Want(Job& job, Item item, Step step);
  void WantChecked(Job& job);
  void Enqueue(Job& job);
  // Sends on, or ends the job if nothing is left.
  void Advance(Job& job);
  void Finish(Job& job);

  std::optional<Item> NextItem(Job& job);
  ami::ActionBuilder ReadAction(const Job& job, Item item) const;
  ami::ActionBuilder WriteAction(const Job& job, Item item, Step step) const;
  bool Denied(Item item, Step step) const;

  void OnWritten(const Slot& slot, const absl::StatusOr<ami::ActionReply>& reply);
  void OnRead(const Slot& slot, const absl::StatusOr<ami::ActionReply>& reply);
  void OnItemRead(Job& job, Item item, bool answered, const std::optional<std::string>& found);
  void OnChangesRead(Job& job, const std::string& text);
  void Refuse(std::string_view action, std::string_view text);

  const Options options_;
  WriteBackProbe probe_;
  std::uint64_t finished_ = 0;
  RecordMap records_;                                            // by number
  absl::flat_hash_map<std::string, std::unique_ptr<Job>> jobs_;  // by family
  std::deque<Job*> sendable_;                                    // those with something to send
  std::vector<Slot> slots_;
  std::vector<std::size_t> free_slots_;
  std::optional<std::pair<Job*, Item>> offered_;  // by NextAction, until it is sent
  std::deque<Adoption> adoptions_;
  absl::flat_hash_map<std::uint64_t, std::string> tickets_;  // family of the job
  std::uint64_t next_ticket_ = 1;
  bool database_denied_ = false;
  bool state_denied_ = false;
  std::deque<std::string> complaints_;
  absl::flat_hash_set<std::string> complained_;  // on this link
  ItemValues scratch_;

  struct Removed {
    std::string context;
    std::string exten;
    bool is_due = false;   // is to be deleted again
    bool is_done = false;  // Asterisk says so
    int age = 0;           // in ticks, since then
  };
  absl::flat_hash_map<std::string, Removed> removed_;  // by family
};

}  // namespace unipresence::pbx

#endif  // UNIPRESENCE_AGGREGATOR_PBX_WRITE_BACK_H_
