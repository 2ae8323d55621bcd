#ifndef UNIPRESENCE_AGGREGATOR_PBX_CHANNEL_TRACKER_H_
#define UNIPRESENCE_AGGREGATOR_PBX_CHANNEL_TRACKER_H_

// The live channels of one Asterisk, and what follows from them for the devices: who emits, who is
// in a call, who holds and who is held.
//
// Who originated a channel (README.md in this folder, "Directions"):
//   emitted    it was born in state Ring (or off hook), or got there before it rang or was talking;
//              or it was born at the head of its own call (Uniqueid is Linkedid): an AMI Originate
//              rings the own phone first, while whoever is dialled, queued for or paged belongs to
//              the call of another from birth on. (The DialBegin without Channel that follows says
//              the same.)
//   received   it was born otherwise; or it took over a call by Pickup, until when it looked
//              emitted
//   in a list  it is emitted if it is in state Ring; received if it runs AppDial or AppQueue, as
//              called parties do all their life; if it runs AppDial2, emitted if it leads its own
//              call (an Originate), else received (a page). Otherwise what is known of it holds. Of
//              a channel that nobody saw being born: emitted if it leads its own call. What is left
//              was transferred, or joined an older call, and CoreShowChannels does not tell: then
//              Status does, by the number that the phone dialled (DNID). If there is none it counts
//              as received, and the device is marked: the direction is unknown
// The direction belongs to the channel for its life, whatever becomes of Linkedid, bridge and
// application by transfers and parking.
//
// Who holds: Hold and Unhold name the holder. A channel is held while it is in a bridge and either
// hears music on hold (the other side holds it, or has parked it) or the one other channel in the
// bridge holds. Music that is heard in a queue or alone in a conference is nobody's hold.
//
// No list tells who holds. But a device is ONHOLD when all its answered channels are held, and
// whoever shares a bridge of two with a held channel holds it: so it is inferred, for channels of
// which no event has told since the link was lost, and forgotten when the device is ONHOLD no more.
// A parked device is INUSE: that it is held is not known after a resync.
//
// Flags of a device are the sum over its channels; a change goes to the batch when the last event
// has been taken, or, between LinkLost and EndResync, at EndResync only.
//
// Thread: the pipeline's.

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/container/flat_hash_set.h"
#include "aggregator/ami/message.h"
#include "aggregator/model/call.h"
#include "aggregator/model/cause.h"
#include "aggregator/model/device_state.h"
#include "aggregator/pbx/change_batch.h"
#include "aggregator/pbx/channel_table.h"
#include "aggregator/pbx/pbx_probe.h"

namespace unipresence::pbx {

// How far a call of a device is.
enum class CallPhase : std::uint8_t {
  kEmitting,  // originated here, and not yet in a bridge with somebody
  kOffered,   // received, nothing said of ringing yet
  kRinging,
  kTalking,  // answered
};

std::string_view ToString(CallPhase phase);  // "emitting", ...

// One live channel of a device.
struct CallView {
  std::string channel{};  // "PJSIP/alice-00000001"
  std::string uniqueid{};
  Direction direction = Direction::kReceived;
  CallPhase phase = CallPhase::kOffered;
  bool holding = false;
  bool held = false;
  CallState state = CallState::kRinging;
  CallParty other_party{};
  WallTimeMicros start_time = 0;
  WallTimeMicros answer_time = 0;  // 0: not answered, or when is not known
  std::string linkedid{};
  // The one other channel of its bridge; empty if there is none.
  std::string peer{};
  std::string peer_uniqueid{};
};

class ChannelTracker {
 public:
  // Changes are added to `batch`, and what cannot be understood is counted; both must outlive the
  // tracker.
  ChannelTracker(std::size_t max_channels, ChangeBatch& batch, TrackerProbe& probe)
      : table_(max_channels, batch, probe), probe_(probe) {}

  // A live event of that name; false if it is none that concerns channels.
  bool OnEvent(std::string_view name, const ami::Message& event);

  // The link is gone: what is known waits for the next list to confirm it.
  void LinkLost();

  // CoreShowChannels is about to be sent; its rows; its end. `complete` says that every row came:
  // channels that were known before BeginList and are in no row are dropped then. After LinkLost
  // they are dropped in any case.
  void BeginList();
  void OnRow(const ami::Message& row);
  void EndList(bool complete, CauseKind cause);

  // Whether a row left a direction open, and the rows of Status, which tell it.
  bool wants_directions() const { return wants_directions_; }
  void OnDirectionRow(const ami::Message& row);

  // A device's state, from events and rows: it tells of holds that no event told (see above).
  // Needed when WantsDeviceState() says so, that is rarely.
  void OnDeviceState(std::string_view device, DeviceState state);
  bool WantsDeviceState(DeviceState state) const {
    return syncing_ || state == DeviceState::kOnHold || !on_hold_.empty();
  }

  // The sequence of lists is over: gives a kCalls change for each device that has a live channel or
  // whose flags went away.
  void EndResync(CauseKind cause);

  std::vector<CallView> Calls(std::string_view device) const;
  std::optional<CallView> Call(std::string_view uniqueid) const;
  ChannelTable& table() { return table_; }
  const ChannelTable& table() const { return table_; }

  // The time of the events and rows that follow.
  void SetTime(WallTimeMicros now) { now_ = now; }
  std::size_t size() const { return table_.size(); }
  std::size_t bridge_count() const { return table_.bridge_count(); }
  std::size_t device_count() const { return table_.device_count(); }

 private:
  using Channel = ChannelTable::Channel;

  // Of the event's Uniqueid. Before the first list after LinkLost it is made if it is not known;
  // afterwards an unknown channel is counted and left alone: most are over.
  Channel* FindOrAdopt(const ami::Message& event);
  // Null, and counted, if it cannot be made.
  Channel* Create(const ami::Message& message);
  void SetDirection(Channel& channel, Direction direction);
  void LeaveBridge(Channel& channel);

  void OnNewchannel(const ami::Message& event);
  void OnNewstate(const ami::Message& event);
  void OnPickup(const ami::Message& event);
  void OnHangup(const ami::Message& event);
  void OnRename(const ami::Message& event);
  void OnNewConnectedLine(const ami::Message& event);
  void OnDialBegin(const ami::Message& event);
  void OnHold(const ami::Message& event);
  void OnUnhold(const ami::Message& event);
  void OnMusicOnHoldStart(const ami::Message& event);
  void OnMusicOnHoldStop(const ami::Message& event);
  void OnBridgeEnter(const ami::Message& event);
  void OnBridgeLeave(const ami::Message& event);

  static CallPhase PhaseOf(const Channel& channel);
  static CallView ViewOf(const Channel& channel);
  // The phone dials by itself, as the event tells.
  void TakeOwnCall(Channel& channel, const ami::Message& event);
  // Takes what the headers of the channel's own event tell of the call.
  void TakeDetails(Channel& channel, const ami::Message& event);
  // True if a hold was inferred from the device's being ONHOLD.
  bool InferHold(std::string_view device);
  void ForgetInferredHold(std::string_view device);
  static void ForgetInferredHolding(Channel* holder);

  static constexpr std::size_t kMaxOnHold = 100'000;

  ChannelTable table_;
  // Devices that are ONHOLD: in a resync all of them, later those that a hold was inferred from.
  absl::flat_hash_set<std::string> on_hold_;
  bool syncing_ = true;       // from LinkLost to EndResync
  bool listed_once_ = false;  // a list came to its end since LinkLost
  bool wants_directions_ = false;
  std::uint64_t list_begin_ = 0;  // births at BeginList
  WallTimeMicros now_ = 0;
  TrackerProbe& probe_;
};

}  // namespace unipresence::pbx

#endif  // UNIPRESENCE_AGGREGATOR_PBX_CHANNEL_TRACKER_H_
