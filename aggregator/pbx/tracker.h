#ifndef UNIPRESENCE_AGGREGATOR_PBX_TRACKER_H_
#define UNIPRESENCE_AGGREGATOR_PBX_TRACKER_H_

// Everything that one Asterisk says, turned into DeviceChanges: the only room that knows its
// spelling. One for each PBX, for the life of the server, behind its ami::Session:
//
//   void OnOnline() {
//     engine.BeginResync(pbx, version);
//     tracker.StartResync(pbx::ResyncKind::kResync);
//     SendNext();
//   }
//   void OnEvent(const ami::Message& event, ami::ActionToken list) {
//     tracker.OnEvent(event, list);
//   }
//   void OnReadEnd() {
//     engine.Apply(pbx, tracker.changes());
//     tracker.ClearChanges();  // the changes point into the read buffer
//     if (auto outcome = tracker.TakeOutcome()) engine.EndResync(pbx);
//     SendNext();
//   }
//   void OnOffline(...) { tracker.LinkLost(); engine.LinkLost(pbx, ...); }
//
//   void SendNext() {
//     const auto action = tracker.NextAction();
//     if (!action) return;
//     auto token = session.Send(ami::ActionBuilder(action->name),
//                               action->list ? kList : kSingle,
//                               [this](const auto& reply) { tracker.OnReply(reply); });
//     if (token.ok()) tracker.ActionSent(*token);  // else the next read tries again
//   }
//
// These events matter, so a manager account must not filter them away (privileges call, system):
//   DeviceStateChange, ContactStatus
//   Newchannel, Newstate, Hangup, Rename, Pickup
//   Hold, Unhold, MusicOnHoldStart, MusicOnHoldStop, BridgeEnter, BridgeLeave
//   NewConnectedLine, DialBegin, OriginateResponse (for the details of calls)
//   MessageWaiting
//   UserEvent (of the shipped dialplan; privilege user)
// and the rows of the list actions (resync.h). Any other event is passed over.
//
// Rules (README.md in this folder has the directions of calls):
// - In a resync each row gives a kState or kContact change with cause kResync, an unchanged one
//   too; live events come in arrival order between them. kCalls changes come when the sequence is
//   over, one for each device that has, or had, a flag.
// - In a reconcile rows carry kReconcile, and live events go on as ever.
// - Rows of contacts come behind those of endpoints and device states: what they tell is weighed
//   with the states of the same sequence.
// - After LinkLost the tracker keeps only which channels it knew and who originated them, and
//   nothing of that counts until a CoreShowChannels confirms it.
// - Flags come from live channels only: a flag ends with the channel's Hangup at the latest, or
//   with the next list that does not show it.
//
// Thread: the pipeline's. Nothing here blocks or fails; what is not understood is counted.

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "aggregator/ami/message.h"
#include "aggregator/ami/session_handler.h"
#include "aggregator/model/device_change.h"
#include "aggregator/model/mailbox.h"
#include "aggregator/pbx/change_batch.h"
#include "aggregator/pbx/channel_tracker.h"
#include "aggregator/pbx/contact_table.h"
#include "aggregator/pbx/dialplan_tracker.h"
#include "aggregator/pbx/resync.h"

namespace unipresence::pbx {

// Bounds against a PBX gone mad; what does not fit is ignored and counted. There are others of a
// device's channels (channel_table.h) and of an endpoint's contacts (contact_table.h).
struct TrackerOptions {
  std::size_t max_channels = 200'000;
  std::size_t max_contacts = 8'000'000;
};

// What became of a sequence of lists.
struct ResyncOutcome {
  ResyncKind kind = ResyncKind::kResync;
  std::uint64_t rows = 0;
  std::vector<ListError> errors;          // of the lists that did not come whole
  std::vector<std::string_view> whole;    // the actions that were answered in full
  std::vector<std::string_view> skipped;  // those that were not needed
  bool devices_complete = false;  // all endpoints that there are and all device states were listed
};

class Tracker {
 public:
  explicit Tracker(TrackerOptions options = {});

  // One event of this PBX: a live one, or a row of the list that the token names. Rows of lists
  // that others asked for are passed over.
  void OnEvent(const ami::Message& event, ami::ActionToken list);

  // The time of what is handed over next, for the times of calls. Before the first event of a read.
  void SetTime(WallTimeMicros now) { channels_.SetTime(now); }

  // What came since the last ClearChanges(), in the order in which the PBX said it. The changes
  // point into the read buffer and into the tracker; they are valid until the next ClearChanges()
  // or the next read, whichever is first.
  std::span<const DeviceChange> changes() const { return batch_.changes(); }
  // The same of voicemail boxes, as MessageWaiting and MailboxCount tell them.
  std::span<const MailboxChange> mailbox_changes() const { return mailbox_changes_; }
  void ClearChanges() {
    batch_.Clear();
    mailbox_changes_.clear();
    channels_.table().ClearChangedCalls();
    failed_originates_.clear();
  }

  // Whether somebody wants to know of changed_calls(); at first not.
  void WatchCalls(bool on) { channels_.table().CollectChangedCalls(on); }
  // Devices of which the live calls may have changed since the last ClearChanges(); a name may
  // repeat. Not said of the end of a resync: then all may have.
  std::span<const std::string> changed_calls() const { return channels_.table().changed_calls(); }
  // Uniqueids of the Originates that came to nothing since then: the phone did not answer, refused,
  // or could not be reached.
  std::span<const std::string> failed_originates() const { return failed_originates_; }

  // --- Lists ------------------------------------------------------------------------------------

  // Starts a sequence of lists; false, and nothing happens, while one runs.
  bool StartResync(ResyncKind kind);
  // The action to send now, if any; the same one until ActionSent().
  std::optional<ListAction> NextAction() const { return resync_.NextAction(); }
  void ActionSent(ami::ActionToken token);
  // The answer to the action sent last.
  void OnReply(const absl::StatusOr<ami::ActionReply>& reply);
  // The sequence that came to its end since the last call. Apply the changes first.
  std::optional<ResyncOutcome> TakeOutcome();
  bool resync_running() const { return resync_.running(); }
  // The answer to a MailboxCount (mailbox_counts.h), which was asked for after the lists.
  void OnMailboxReply(const ami::Message& answer);

  // The link is gone, with what was on its way. A running sequence is given up without an outcome.
  void LinkLost();

  // --- Queries ----------------------------------------------------------------------------------

  // The live calls of a device, the oldest first.
  std::vector<CallView> Calls(std::string_view device) const { return channels_.Calls(device); }
  // The live call of that Uniqueid, whatever device it belongs to.
  std::optional<CallView> Call(std::string_view uniqueid) const { return channels_.Call(uniqueid); }
  // Whether a contact of "PJSIP/alice" can be called, by what was heard of contacts.
  bool Reachable(std::string_view device) const;
  DialplanTracker& dialplan() { return dialplan_; }
  std::size_t channel_count() const { return channels_.size(); }
  std::size_t contact_count() const { return contacts_.size(); }
  // Any thread.
  const TrackerProbe& probe() const { return probe_; }

 private:
  void OnLiveEvent(const ami::Message& event);
  void OnRow(const ami::Message& row);
  void OnMailboxCounts(const ami::Message& message, CauseKind cause);
  void OnDeviceState(const ami::Message& event, CauseKind cause);
  void OnEndpointRow(const ami::Message& row);
  void OnContactRow(const ami::Message& row);
  void OnContactStatus(const ami::Message& event);
  void AddContactChange(std::string_view endpoint, bool reachable, CauseKind cause);
  void OnListDone(Resync::Done done);
  CauseKind ListCause() const;

  TrackerProbe probe_;
  ChangeBatch batch_{probe_};
  ChannelTracker channels_;
  ContactTable contacts_;
  std::vector<MailboxChange> mailbox_changes_;
  DialplanTracker dialplan_;
  Resync resync_;
  ami::ActionToken sent_ = 0;  // the action that OnReply answers
  std::vector<std::string> failed_originates_;
  bool endpoints_complete_ = false;  // of the running lists
  bool states_complete_ = false;
  std::vector<std::string> lost_endpoints_;  // the running lists show no contact of them any more
  std::optional<ResyncOutcome> outcome_;
};

}  // namespace unipresence::pbx

#endif  // UNIPRESENCE_AGGREGATOR_PBX_TRACKER_H_
