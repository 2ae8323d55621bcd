#ifndef UNIPRESENCE_AGGREGATOR_PBX_CHANNEL_TRACKER_H_
#define UNIPRESENCE_AGGREGATOR_PBX_CHANNEL_TRACKER_H_

// The live channels of one Asterisk, and what follows from them for the devices: who emits, who is
// in a call, who holds and who is held.
//
// Who originated a channel (asterisk.md, "Emitted or received"):
//   emitted    it was born in state Ring (or off hook); or it is the target of a DialBegin that has
//              no Channel: an AMI Originate rings the own phone first
//   received   it was born otherwise; or it took over a call by Pickup, until when it looked
//              emitted
//   in a list  a channel that nobody saw being born is emitted if it is in state Ring, or if it
//              leads its own call (Uniqueid is Linkedid) and is no called party: those run AppDial
//              or AppQueue, "(Outgoing Line)". AppDial2 leads its own call only for an Originate.
// The direction belongs to the channel for its life, whatever becomes of Linkedid, bridge and
// application by transfers and parking.
//
// Who holds: Hold and Unhold name the holder. A channel is held while, within a bridge, it hears
// music on hold or the one other channel in the bridge holds.
//
// Flags of a device are the sum over its channels; a change goes to the batch when the last event
// has been taken, or, between LinkLost and EndResync, at EndResync only.
//
// Thread: the pipeline's.

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "aggregator/ami/message.h"
#include "aggregator/model/cause.h"
#include "aggregator/model/device_state.h"
#include "aggregator/pbx/change_batch.h"
#include "aggregator/pbx/spelling.h"

namespace unipresence::pbx {

enum class Direction : std::uint8_t { kReceived, kEmitted };

// How far a call of a device is.
enum class CallPhase : std::uint8_t {
  kEmitting,  // originated here, and not yet in a bridge with somebody
  kOffered,   // received, nothing said of ringing yet
  kRinging,
  kTalking,  // answered
};

std::string_view ToString(Direction direction);  // "out", "in"
std::string_view ToString(CallPhase phase);      // "emitting", ...

// One live channel of a device.
struct CallView {
  std::string channel;  // "PJSIP/alice-00000001"
  std::string uniqueid;
  Direction direction = Direction::kReceived;
  CallPhase phase = CallPhase::kOffered;
  bool holding = false;
  bool held = false;
};

class ChannelTracker {
 public:
  struct Counters {
    std::uint64_t malformed = 0;        // events without Uniqueid or another header they must have
    std::uint64_t unknown_channel = 0;  // events about a channel that was never seen
    std::uint64_t rejected = 0;         // new channels beyond the bound
    std::uint64_t dropped = 0;          // known, but not in a list
    std::uint64_t found = 0;            // in a list, but not known
  };

  // Changes are added to `batch`, which must outlive the tracker.
  ChannelTracker(std::size_t max_channels, ChangeBatch& batch);
  ~ChannelTracker();
  ChannelTracker(const ChannelTracker&) = delete;
  ChannelTracker& operator=(const ChannelTracker&) = delete;

  // A live event; false if it is none that concerns channels.
  bool OnEvent(const ami::Message& event);

  // The link is gone: what is known waits for the next list to confirm it.
  void LinkLost();

  // CoreShowChannels is about to be sent; its rows; its end. `complete` says that every row came:
  // channels that were known before BeginList and are in no row are dropped then. After LinkLost
  // they are dropped in any case.
  void BeginList();
  void OnRow(const ami::Message& row);
  void EndList(bool complete, CauseKind cause);

  // After LinkLost and until EndResync: a device's state, which tells whether it is held when no
  // event did.
  void OnDeviceState(std::string_view device, DeviceState state);
  bool wants_device_states() const { return syncing_; }

  // The sequence of lists is over: gives a kCalls change for each device that has a live channel or
  // whose flags went away.
  void EndResync(CauseKind cause);

  std::vector<CallView> Calls(std::string_view device) const;
  std::size_t size() const { return channels_.size(); }
  std::size_t bridge_count() const { return bridges_.size(); }
  std::size_t device_count() const { return devices_.size(); }
  const Counters& counters() const { return counters_; }

 private:
  struct Channel;
  struct Bridge;
  struct Device;
  struct Event;

  Channel* Find(std::string_view uniqueid);
  Channel* FindOrCount(std::string_view uniqueid);
  // Of the event's Uniqueid; made if it is not known and the list is still to come.
  Channel* FindOrAdopt(const Event& event);
  Channel* Create(const Event& event);
  void Remove(Channel& channel);
  void SetName(Channel& channel, std::string_view name);
  void SetBridge(Channel& channel, std::string_view bridge);

  void OnNewchannel(const Event& event);
  void OnNewstate(const Event& event);
  void OnDialBegin(const Event& event);
  void OnPickup(const Event& event);
  void OnHangup(const Event& event);
  void OnRename(const Event& event);
  void OnHold(const Event& event, bool holding);
  void OnMusicOnHold(const Event& event, bool start);
  void OnBridgeEnter(const Event& event);
  void OnBridgeLeave(const Event& event);

  static const Channel* Peer(const Channel& channel);
  static bool Held(const Channel& channel);
  void InferHold();
  // Compares the device's flags with those given out last. Deletes devices without channels.
  void Touch(Device* device);
  void Touch(Bridge* bridge);
  void Settle(CauseKind cause);

  std::size_t max_channels_;
  ChangeBatch& batch_;
  absl::flat_hash_map<std::string, std::unique_ptr<Channel>> channels_;  // by Uniqueid
  absl::flat_hash_map<std::string, std::unique_ptr<Bridge>> bridges_;    // by BridgeUniqueid
  absl::flat_hash_map<std::string, std::unique_ptr<Device>> devices_;    // with a channel or flags
  std::vector<Device*> touched_;
  absl::flat_hash_set<std::string> on_hold_;  // devices whose state was ONHOLD in this resync
  bool syncing_ = true;                       // from LinkLost to EndResync
  std::uint64_t births_ = 0;                  // channels created; orders the calls of a device
  std::uint64_t list_begin_ = 0;              // births_ at BeginList
  Counters counters_;
};

}  // namespace unipresence::pbx

#endif  // UNIPRESENCE_AGGREGATOR_PBX_CHANNEL_TRACKER_H_
