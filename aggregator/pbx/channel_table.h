#ifndef UNIPRESENCE_AGGREGATOR_PBX_CHANNEL_TABLE_H_
#define UNIPRESENCE_AGGREGATOR_PBX_CHANNEL_TABLE_H_

// The live channels of one Asterisk, the bridges they are in and the devices they belong to, and
// the flags that follow for the devices. What an event means is channel_tracker.h's business; this
// keeps the three sides consistent and gives out what changed.
//
// Bridges exist while they have channels, devices while they have channels or flags given out: all
// are bounded by the number of channels. A device has kMaxDeviceChannels at most; one more is
// known, and in its bridge, but nobody's: it raises no flag and is in no list of calls, until a
// list names it when there is room. An event costs the same however many channels a device or a
// bridge has. Thread: the pipeline's.

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "aggregator/model/call.h"
#include "aggregator/model/cause.h"
#include "aggregator/pbx/call_details.h"
#include "aggregator/pbx/change_batch.h"
#include "aggregator/pbx/pbx_probe.h"
#include "aggregator/pbx/spelling.h"

namespace unipresence::pbx {

using Direction = CallDirection;

class ChannelTable {
  static constexpr std::size_t kNotTouched = static_cast<std::size_t>(-1);

 public:
  struct Bridge;
  struct Device;

  struct Flags {
    bool emitting = false;
    bool in_call = false;
    bool holding = false;
    bool held = false;
    bool direction_unknown = false;

    friend bool operator==(const Flags&, const Flags&) = default;
  };

  // Owners change the plain fields and call Touch(); name, device and bridge have their setters.
  struct Channel {
    std::string uniqueid;
    std::string name;
    Device* device = nullptr;  // null for channels that are nobody's
    Bridge* bridge = nullptr;
    std::uint64_t birth = 0;  // counts up
    ChannelState state = ChannelState::kDown;
    Direction direction = Direction::kReceived;
    bool direction_known = false;  // else it is a guess that a row may better
    bool seen_born = false;        // its Newchannel came, and the link has not been lost since
    bool confirmed = false;        // an event or a row named it since the link was lost
    bool listed = false;           // in a row of the running list
    bool holding = false;          // it holds the other side
    bool music = false;            // it hears music on hold
    // Of the two above: an event said so since the link was lost; inferred from a device state.
    bool hold_heard = false;
    bool music_heard = false;
    bool holding_inferred = false;
    bool music_inferred = false;
    // The lists were asked for the direction and did not tell it: it counts as received.
    bool direction_untold = false;
    CallDetails details;  // of channels that have a device

    // Of the table.
    std::size_t device_slot = 0;  // where it is in device->channels
    std::size_t bridge_slot = 0;  // and in bridge->channels
    std::size_t touched_slot = kNotTouched;
    bool homeless = false;  // it has found its device full
    Flags counted;          // in the counts of its device
  };

  struct Bridge {
    std::string id;
    // Music that is heard in it is somebody's hold: it is no conference where one waits alone. Not
    // known of bridges that only a list named: nearly all are so.
    bool music_is_hold = true;
    std::vector<Channel*> channels;
  };

  struct Device {
    std::string name;
    std::vector<Channel*> channels;
    // Of these, how many have each flag.
    std::size_t emitting = 0;
    std::size_t in_call = 0;
    std::size_t holding = 0;
    std::size_t held = 0;
    std::size_t direction_unknown = 0;
    Flags given;  // out, last
    bool touched = false;
  };

  // AST_MAX_UNIQUEID is 150, AST_CHANNEL_NAME 80 (include/asterisk/channel.h).
  static constexpr std::size_t kMaxId = 255;
  // More than any phone has; a trunk may have more, and is nobody's.
  static constexpr std::size_t kMaxDeviceChannels = 1'000;
  static bool ValidId(std::string_view id) { return !id.empty() && id.size() <= kMaxId; }

  // Changes are added to `batch`, and channels that found their device full are counted; both must
  // outlive the table.
  ChannelTable(std::size_t max_channels, ChangeBatch& batch, TrackerProbe& probe);
  ~ChannelTable();
  ChannelTable(const ChannelTable&) = delete;
  ChannelTable& operator=(const ChannelTable&) = delete;

  // Null if there is none.
  Channel* Find(std::string_view uniqueid);
  const Channel* Find(std::string_view uniqueid) const;
  const Device* FindDevice(std::string_view name) const;
  // A new channel, which no other has the uniqueid of; null when the table is full. Both ids must
  // be valid.
  Channel* Create(std::string_view uniqueid, std::string_view name);
  void Remove(Channel& channel);

  // Changes of an invalid id are ignored.
  void SetName(Channel& channel, std::string_view name);
  // `type` is Asterisk's BridgeType; empty if it is not known.
  void EnterBridge(Channel& channel, std::string_view id, std::string_view type);
  void LeaveBridge(Channel& channel);
  void ForgetBridges();

  // The other one of a bridge of two; else null.
  static Channel* Peer(const Channel& channel);
  static bool Held(const Channel& channel);

  // The flags of the channel's device, and of the other one in a bridge of two, may have changed.
  void Touch(Channel& channel);
  // Something of the channel that no flag follows from has changed.
  void TouchCall(const Channel& channel) { Touch(channel.device); }
  // Looks at the touched devices. With `give_out`, a kCalls change for each whose flags changed.
  void Settle(CauseKind cause, bool give_out);
  // A kCalls change for each device that has a channel or whose flags changed.
  void GiveOutAll(CauseKind cause);

  // From now on, or no more: the names of devices whose calls may have changed are kept.
  void CollectChangedCalls(bool on) {
    collect_calls_ = on;
    changed_calls_.clear();
  }
  // Since ClearChangedCalls(), in the order of the changes; a name may repeat.
  const std::vector<std::string>& changed_calls() const { return changed_calls_; }
  void ClearChangedCalls() { changed_calls_.clear(); }

  // Calls `visit(Channel&)` for each, in no order. It must not add or remove channels.
  template <typename Visitor>
  void ForEach(Visitor visit) {
    for (auto& [uniqueid, channel] : channels_) visit(*channel);
  }

  std::size_t size() const { return channels_.size(); }
  std::size_t bridge_count() const { return bridges_.size(); }
  std::size_t device_count() const { return devices_.size(); }
  std::uint64_t births() const { return births_; }

 private:
  static Flags FlagsOf(const Device& device);
  static void Count(Channel& channel, const Flags& flags);
  void EnterDevice(Channel& channel);
  void LeaveDevice(Channel& channel);
  void TouchOne(Channel& channel);
  void TouchBridge(const Bridge& bridge);
  // Counts the flags of the touched channels anew.
  void Recount();
  void Touch(Device* device);
  void GiveOut(Device& device, const Flags& flags, CauseKind cause);

  std::size_t max_channels_;
  ChangeBatch& batch_;
  TrackerProbe& probe_;
  absl::flat_hash_map<std::string, std::unique_ptr<Channel>> channels_;  // by Uniqueid
  absl::flat_hash_map<std::string, std::unique_ptr<Bridge>> bridges_;    // by BridgeUniqueid
  absl::flat_hash_map<std::string, std::unique_ptr<Device>> devices_;
  std::vector<Device*> touched_;
  std::vector<Channel*> touched_channels_;  // null: removed since
  std::vector<std::string> changed_calls_;
  bool collect_calls_ = false;
  std::uint64_t births_ = 0;
};

}  // namespace unipresence::pbx

#endif  // UNIPRESENCE_AGGREGATOR_PBX_CHANNEL_TABLE_H_
