#include "aggregator/pbx/channel_table.h"

#include <utility>

#include "aggregator/base/strings.h"

namespace unipresence::pbx {

ChannelTable::ChannelTable(std::size_t max_channels, ChangeBatch& batch)
    : max_channels_(max_channels), batch_(batch) {}

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
  if (channel.device != nullptr) {
    std::erase(channel.device->channels, &channel);
    Touch(channel.device);
  }
  channels_.erase(ToAbsl(channel.uniqueid));
}

void ChannelTable::SetName(Channel& channel, std::string_view name) {
  if (channel.name == name || !ValidId(name)) return;
  channel.name = name;
  const std::string_view device_name = DeviceOfChannel(name);
  if (channel.device != nullptr) {
    if (channel.device->name == device_name) return;
    std::erase(channel.device->channels, &channel);
    Touch(channel.device);
    channel.device = nullptr;
  }
  if (device_name.empty()) return;
  auto device = devices_.find(ToAbsl(device_name));
  if (device == devices_.end()) {
    device = devices_.emplace(device_name, std::make_unique<Device>()).first;
    device->second->name = device_name;
  }
  channel.device = device->second.get();
  channel.device->channels.push_back(&channel);
  Touch(channel.device);
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
    channel.bridge->channels.push_back(&channel);
  }
  if (!type.empty()) channel.bridge->music_is_hold = type == "basic" || type == "parking";
  Touch(channel);
}

void ChannelTable::LeaveBridge(Channel& channel) {
  Bridge* const bridge = channel.bridge;
  if (bridge == nullptr) return;
  Touch(channel);
  channel.bridge = nullptr;
  std::erase(bridge->channels, &channel);
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
    Touch(*channel);
    channel->bridge = nullptr;
  }
  bridges_.clear();
}

ChannelTable::Flags ChannelTable::FlagsOf(const Device& device) {
  Flags flags;
  for (const Channel* channel : device.channels) {
    const bool emitted = channel->direction == Direction::kEmitted;
    flags.emitting |= emitted;
    flags.in_call |= emitted || channel->state == ChannelState::kUp;
    flags.holding |= channel->holding;
    flags.held |= Held(*channel);
    flags.direction_unknown |= !channel->direction_known || channel->direction_untold;
  }
  return flags;
}

void ChannelTable::Touch(Device* device) {
  if (device == nullptr || device->touched) return;
  device->touched = true;
  touched_.push_back(device);
}

void ChannelTable::Touch(const Channel& channel) {
  Touch(channel.device);
  if (channel.bridge == nullptr) return;
  for (const Channel* other : channel.bridge->channels) Touch(other->device);
}

void ChannelTable::Settle(CauseKind cause, bool give_out) {
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
  for (auto& [name, device] : devices_) {
    const Flags flags = FlagsOf(*device);
    if (!device->channels.empty() || flags != device->given) GiveOut(*device, flags, cause);
    Touch(device.get());
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
