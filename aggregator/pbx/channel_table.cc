#include "aggregator/pbx/channel_table.h"

#include <algorithm>
#include <utility>

#include "aggregator/base/strings.h"

namespace unipresence::pbx {
namespace {

// Takes the channel that has this slot out of a list of channels that each know theirs.
void TakeOut(std::vector<ChannelTable::Channel*>& channels, std::size_t slot,
             std::size_t ChannelTable::Channel::*slot_of) {
  channels[slot] = channels.back();
  channels[slot]->*slot_of = slot;
  channels.pop_back();
}

}  // namespace

ChannelTable::ChannelTable(std::size_t max_channels, ChangeBatch& batch, TrackerProbe& probe)
    : max_channels_(max_channels), batch_(batch), probe_(probe) {}

ChannelTable::~ChannelTable() = default;

ChannelTable::Channel* ChannelTable::Find(std::string_view uniqueid) {
  const auto found = channels_.find(ToAbsl(uniqueid));
  return found == channels_.end() ? nullptr : found->second.get();
}

const ChannelTable::Channel* ChannelTable::Find(std::string_view uniqueid) const {
  const auto found = channels_.find(ToAbsl(uniqueid));
  return found == channels_.end() ? nullptr : found->second.get();
}

const ChannelTable::Device* ChannelTable::FindDevice(std::string_view name) const {
  const auto found = devices_.find(ToAbsl(name));
  return found == devices_.end() ? nullptr : found->second.get();
}

ChannelTable::Channel* ChannelTable::Create(std::string_view uniqueid, std::string_view name) {
  if (channels_.size() >= max_channels_) return nullptr;
  auto channel = std::make_unique<Channel>();
  channel->uniqueid = uniqueid;
  channel->birth = ++births_;
  SetName(*channel, name);
  return channels_.emplace(channel->uniqueid, std::move(channel)).first->second.get();
}

void ChannelTable::Remove(Channel& channel) {
  LeaveBridge(channel);
  LeaveDevice(channel);
  if (channel.touched_slot != kNotTouched) touched_channels_[channel.touched_slot] = nullptr;
  channels_.erase(ToAbsl(channel.uniqueid));
}

void ChannelTable::SetName(Channel& channel, std::string_view name) {
  if ((channel.name == name && channel.device != nullptr) || !ValidId(name)) return;
  channel.name = name;
  const std::string_view device_name = DeviceOfChannel(name);
  if (channel.device != nullptr) {
    if (channel.device->name == device_name) return;
    LeaveDevice(channel);
  }
  if (!device_name.empty()) EnterDevice(channel);
}

void ChannelTable::EnterDevice(Channel& channel) {
  const std::string_view name = DeviceOfChannel(channel.name);
  auto device = devices_.find(ToAbsl(name));
  if (device == devices_.end()) {
    device = devices_.emplace(name, std::make_unique<Device>()).first;
    device->second->name = name;
  }
  std::vector<Channel*>& channels = device->second->channels;
  if (channels.size() >= kMaxDeviceChannels) {
    if (!std::exchange(channel.homeless, true)) probe_.rejected_channels.Add();
    return;
  }
  channel.device = device->second.get();
  channel.device_slot = channels.size();
  channels.push_back(&channel);
  TouchOne(channel);
}

void ChannelTable::LeaveDevice(Channel& channel) {
  if (channel.device == nullptr) return;
  Count(channel, {});
  Touch(channel.device);
  TakeOut(channel.device->channels, channel.device_slot, &Channel::device_slot);
  channel.device = nullptr;
}

void ChannelTable::EnterBridge(Channel& channel, std::string_view id, std::string_view type) {
  if (channel.bridge == nullptr || channel.bridge->id != id) {
    LeaveBridge(channel);
    auto bridge = bridges_.find(ToAbsl(id));
    if (bridge == bridges_.end()) {
      bridge = bridges_.emplace(id, std::make_unique<Bridge>()).first;
      bridge->second->id = id;
    }
    channel.bridge = bridge->second.get();
    channel.bridge_slot = channel.bridge->channels.size();
    channel.bridge->channels.push_back(&channel);
    // The two who were alone with each other are so no more.
    if (channel.bridge->channels.size() <= 3) TouchBridge(*channel.bridge);
  }
  const bool music_is_hold = type == "basic" || type == "parking";
  if (!type.empty() && channel.bridge->music_is_hold != music_is_hold) {
    channel.bridge->music_is_hold = music_is_hold;
    TouchBridge(*channel.bridge);
  }
  Touch(channel);
}

void ChannelTable::LeaveBridge(Channel& channel) {
  Bridge* const bridge = channel.bridge;
  if (bridge == nullptr) return;
  if (bridge->channels.size() <= 3) TouchBridge(*bridge);
  TouchOne(channel);
  channel.bridge = nullptr;
  TakeOut(bridge->channels, channel.bridge_slot, &Channel::bridge_slot);
  if (bridge->channels.empty()) bridges_.erase(ToAbsl(bridge->id));
}

ChannelTable::Channel* ChannelTable::Peer(const Channel& channel) {
  if (channel.bridge == nullptr || channel.bridge->channels.size() != 2) return nullptr;
  Channel* const first = channel.bridge->channels[0];
  return first == &channel ? channel.bridge->channels[1] : first;
}

bool ChannelTable::Held(const Channel& channel) {
  if (channel.bridge == nullptr) return false;
  if (channel.music && channel.bridge->music_is_hold) return true;
  const Channel* const peer = Peer(channel);
  return peer != nullptr && peer->holding;
}

void ChannelTable::ForgetBridges() {
  for (auto& [uniqueid, channel] : channels_) {
    TouchOne(*channel);
    channel->bridge = nullptr;
  }
  bridges_.clear();
}

ChannelTable::Flags ChannelTable::FlagsOf(const Device& device) {
  return {.emitting = device.emitting > 0,
          .in_call = device.in_call > 0,
          .holding = device.holding > 0,
          .held = device.held > 0,
          .direction_unknown = device.direction_unknown > 0};
}

void ChannelTable::Count(Channel& channel, const Flags& flags) {
  const auto adjust = [](std::size_t& count, bool now, bool before) {
    if (now) ++count;
    if (before) --count;
  };
  Device& device = *channel.device;
  adjust(device.emitting, flags.emitting, channel.counted.emitting);
  adjust(device.in_call, flags.in_call, channel.counted.in_call);
  adjust(device.holding, flags.holding, channel.counted.holding);
  adjust(device.held, flags.held, channel.counted.held);
  adjust(device.direction_unknown, flags.direction_unknown, channel.counted.direction_unknown);
  channel.counted = flags;
}

void ChannelTable::Recount() {
  for (Channel* channel : touched_channels_) {
    if (channel == nullptr) continue;
    channel->touched_slot = kNotTouched;
    if (channel->device == nullptr) continue;
    const bool emitted = channel->direction == Direction::kEmitted;
    Count(*channel, {.emitting = emitted,
                     .in_call = emitted || channel->state == ChannelState::kUp,
                     .holding = channel->holding,
                     .held = Held(*channel),
                     .direction_unknown = !channel->direction_known || channel->direction_untold});
  }
  touched_channels_.clear();
}

void ChannelTable::TouchOne(Channel& channel) {
  Touch(channel.device);
  if (channel.touched_slot != kNotTouched) return;
  channel.touched_slot = touched_channels_.size();
  touched_channels_.push_back(&channel);
}

void ChannelTable::TouchBridge(const Bridge& bridge) {
  for (Channel* channel : bridge.channels) TouchOne(*channel);
}

void ChannelTable::Touch(Device* device) {
  if (device == nullptr || device->touched) return;
  device->touched = true;
  touched_.push_back(device);
}

void ChannelTable::Touch(Channel& channel) {
  TouchOne(channel);
  if (Channel* const peer = Peer(channel)) TouchOne(*peer);
}

void ChannelTable::Settle(CauseKind cause, bool give_out) {
  Recount();
  for (Device* device : touched_) {
    device->touched = false;
    if (give_out) {
      const Flags flags = FlagsOf(*device);
      if (flags != device->given) GiveOut(*device, flags, cause);
      if (collect_calls_) changed_calls_.push_back(device->name);
    }
    if (device->channels.empty() && device->given == Flags{}) {
      devices_.erase(ToAbsl(device->name));
    }
  }
  touched_.clear();
}

void ChannelTable::GiveOutAll(CauseKind cause) {
  Recount();
  // By name: the table's own order differs from run to run, and what is published would with it.
  std::vector<Device*> devices;
  devices.reserve(devices_.size());
  for (auto& [name, device] : devices_) devices.push_back(device.get());
  std::sort(devices.begin(), devices.end(),
            [](const Device* a, const Device* b) { return a->name < b->name; });
  for (Device* device : devices) {
    const Flags flags = FlagsOf(*device);
    if (!device->channels.empty() || flags != device->given) GiveOut(*device, flags, cause);
    Touch(device);
  }
  Settle(cause, false);
}

void ChannelTable::GiveOut(Device& device, const Flags& flags, CauseKind cause) {
  device.given = flags;
  batch_.AddCopy({.kind = DeviceChange::Kind::kCalls,
                  .cause = cause,
                  .direction_unknown = flags.direction_unknown,
                  .emitting = flags.emitting,
                  .in_call = flags.in_call,
                  .holding = flags.holding,
                  .held = flags.held,
                  .device = {}},
                 {device.name});
}

}  // namespace unipresence::pbx
