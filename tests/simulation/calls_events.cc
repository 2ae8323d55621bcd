// Looking at calls, their small steps, and how each is told: the second half of calls.h.

#include <algorithm>
#include <chrono>
#include <utility>

#include "absl/status/status.h"
#include "aggregator/base/status_macros.h"
#include "fmt/format.h"
#include "tests/simulation/calls.h"

namespace unipresence::simulation {

// --- looking ---

const Channel* Calls::Find(ChannelId channel) const {
  const auto found = channels_.find(channel);
  return found == channels_.end() ? nullptr : &found->second;
}

const Channel* Calls::FindByName(std::string_view name) const {
  const auto found = std::find_if(channels_.begin(), channels_.end(), [name](const auto& entry) {
    return entry.second.name == name || entry.second.uniqueid == name;
  });
  return found == channels_.end() ? nullptr : &found->second;
}

std::vector<ChannelId> Calls::ChannelsOf(EndpointId phone) const {
  const auto found = by_phone_.find(phone);
  return found == by_phone_.end() ? std::vector<ChannelId>() : found->second;
}

std::vector<ChannelId> Calls::LegsOf(ChannelId dialler) const {
  std::vector<ChannelId> legs;
  // A leg is younger than the channel that dials it.
  for (auto it = channels_.upper_bound(dialler); it != channels_.end(); ++it) {
    if (it->second.dialler == dialler) legs.push_back(it->first);
  }
  return legs;
}

const Bridge* Calls::BridgeOf(const Channel& channel) const {
  const auto found = bridges_.find(channel.bridge);
  return found == bridges_.end() ? nullptr : &found->second;
}

ChannelId Calls::PeerOf(ChannelId channel) const {
  const Channel* own = Find(channel);
  const Bridge* bridge = own == nullptr ? nullptr : BridgeOf(*own);
  if (bridge == nullptr) return kNoChannel;
  for (const ChannelId id : bridge->channels) {
    if (id != channel) return id;
  }
  return kNoChannel;
}

absl::StatusOr<Channel*> Calls::Living(ChannelId channel) {
  const auto found = channels_.find(channel);
  if (found == channels_.end()) {
    return absl::NotFoundError(fmt::format("channel {} is gone; look at `status`", channel));
  }
  return &found->second;
}

absl::StatusOr<Channel*> Calls::Bridged(ChannelId channel) {
  UNIPRESENCE_ASSIGN_OR_RETURN(Channel * own, Living(channel));
  if (Peer(*own) == nullptr) {
    return absl::FailedPreconditionError(
        fmt::format("{} talks with nobody; answer the call first", own->name));
  }
  return own;
}

Party Calls::PartyOf(EndpointId phone) const {
  const DirectoryUser user = directory_.User(directory_.OwnerOf(phone));
  return {user.exten, user.display_name};
}

std::string Calls::NewUuid() {
  const std::uint64_t a = random_.Next();
  const std::uint64_t b = random_.Next();
  return fmt::format("{:08x}-{:04x}-4{:03x}-8{:03x}-{:012x}", a >> 32U, (a >> 16U) & 0xffffU,
                     a & 0xfffU, b >> 52U, b & 0xffffffffffffU);
}

Channel& Calls::Make(EndpointId phone, ChannelState state, std::string_view exten) {
  Channel channel;
  channel.id = ++last_channel_;
  channel.phone = phone;
  channel.name = fmt::format("PJSIP/{}-{:08x}", directory_.EndpointName(phone), serial_);
  channel.state = state;
  channel.caller = PartyOf(phone);
  channel.context = directory_.User(directory_.OwnerOf(phone)).context;
  channel.exten = std::string(exten);
  channel.uniqueid = fmt::format("{}.{}", clock_.WallNow() / 1'000'000, serial_);
  channel.linkedid = channel.uniqueid;
  channel.since = clock_.Now();
  ++serial_;
  by_phone_[phone].push_back(channel.id);
  return channels_.emplace(channel.id, std::move(channel)).first->second;
}

void Calls::ShowDevice(const Channel& channel, bool refresh) {
  DeviceState state = DeviceState::kNotInUse;
  switch (channel.state) {
    case ChannelState::kDown:
      break;
    case ChannelState::kRing:
      state = DeviceState::kInUse;
      break;
    case ChannelState::kRinging:
      state = DeviceState::kRinging;
      break;
    case ChannelState::kUp:
      state = channel.held ? DeviceState::kOnHold : DeviceState::kInUse;
      break;
  }
  phones_.SetChannel(channel.phone, channel.id, state);
  if (refresh) phones_.Refresh(channel.phone);
}

void Calls::SetState(Channel& channel, ChannelState state) {
  if (channel.state == state) return;
  channel.state = state;
  EmitChannel("Newstate", channel);
}

Channel* Calls::Peer(const Channel& channel) {
  const auto bridge = bridges_.find(channel.bridge);
  if (bridge == bridges_.end()) return nullptr;
  for (const ChannelId id : bridge->second.channels) {
    if (id != channel.id) return &channels_.at(id);
  }
  return nullptr;
}

// --- steps that end something ---

void Calls::StopMusic(Channel& channel) {
  if (!channel.held) return;
  channel.held = false;
  EmitChannel("MusicOnHoldStop", channel);
}

void Calls::LeaveBridge(Channel& channel, bool stop_music) {
  if (stop_music) StopMusic(channel);
  channel.holding = false;
  Bridge& bridge = bridges_.at(channel.bridge);
  bridge.channels.erase(std::find(bridge.channels.begin(), bridge.channels.end(), channel.id));
  EmitBridge("BridgeLeave", bridge, &channel);
  channel.bridge = kNoBridge;
}

void Calls::DestroyBridge(std::uint32_t bridge) {
  EmitBridge("BridgeDestroy", bridges_.at(bridge), nullptr);
  bridges_.erase(bridge);
}

void Calls::FinishBridged(Channel& channel) {
  const std::uint32_t bridge = channel.bridge;
  Channel* peer = Peer(channel);
  const bool peer_first = vary_ && random_.Chance(50);
  if (peer != nullptr && peer_first) LeaveBridge(*peer);
  LeaveBridge(channel);
  if (peer != nullptr && !peer_first) LeaveBridge(*peer);
  DestroyBridge(bridge);
  // The one that runs the dialplan is told to hang up; it is the older of the two.
  const bool own_is_older = peer == nullptr || channel.id < peer->id;
  EmitChannel("SoftHangupRequest", own_is_older ? channel : *peer, Header("Cause", "16"));
  const ChannelId own = channel.id;
  const ChannelId other = peer == nullptr ? kNoChannel : peer->id;
  Finish(std::max(own, other), {});
  if (std::min(own, other) != kNoChannel) Finish(std::min(own, other), {});
}

void Calls::Finish(ChannelId id, const End& end) {
  Channel channel = std::move(channels_.at(id));
  channels_.erase(id);
  std::string more = Header("Cause", std::to_string(end.cause));
  AppendHeader(more, "Cause-txt", CauseText(end.cause));
  if (!end.tech_cause.empty()) AppendHeader(more, "TechCause", end.tech_cause);
  EmitChannel("Hangup", channel, more);
  std::vector<ChannelId>& own = by_phone_.at(channel.phone);
  own.erase(std::find(own.begin(), own.end(), id));
  if (own.empty()) by_phone_.erase(channel.phone);
  originates_.erase(id);
  phones_.RemoveChannel(channel.phone, id);
  phones_.Refresh(channel.phone);
}

void Calls::EndCaller(ChannelId caller, const End& end) {
  EmitChannel("SoftHangupRequest", channels_.at(caller), Header("Cause", "16"));
  Finish(caller, end);
}

void Calls::CancelLegs(const Channel& caller, const End& end, std::string_view status,
                       ChannelId except) {
  std::vector<ChannelId> legs = LegsOf(caller.id);
  legs.erase(std::remove(legs.begin(), legs.end(), except), legs.end());
  for (const ChannelId leg : legs) {
    EmitDial("DialEnd", &caller, channels_.at(leg), Header("DialStatus", status));
  }
  for (const ChannelId leg : legs) Finish(leg, end);
}

// --- texts ---

void Calls::Emit(std::string_view name, const std::string& headers) {
  events_.Emit(EventStream::Source::kChannels, kCall, name, headers);
}

void Calls::EmitChannel(std::string_view name, const Channel& channel, std::string_view more) {
  std::string headers;
  AppendChannel(headers, "", channel);
  Emit(name, headers.append(more));
}

void Calls::EmitDial(std::string_view name, const Channel* caller, const Channel& leg,
                     std::string_view more) {
  std::string headers;
  if (caller != nullptr) AppendChannel(headers, "", *caller);
  AppendChannel(headers, "Dest", leg);
  Emit(name, headers.append(more));
}

void Calls::EmitDialBegin(const Channel* caller, const Channel& leg) {
  EmitDial("DialBegin", caller, leg, Header("DialString", directory_.EndpointName(leg.phone)));
}

void Calls::EmitBridge(std::string_view name, const Bridge& bridge, const Channel* channel,
                       std::string_view more) {
  std::string headers;
  AppendBridge(headers, "", bridge);
  if (channel != nullptr) AppendChannel(headers, "", *channel);
  Emit(name, headers.append(more));
}

void Calls::EmitOriginateResponse(const OriginateRequest& request, const Channel* channel) {
  constexpr std::string_view kNone = "<unknown>";
  std::string headers;
  AppendHeader(headers, "ActionID", request.action_id);
  AppendHeader(headers, "Response", channel != nullptr ? "Success" : "Failure");
  AppendHeader(headers, "Channel", channel != nullptr ? channel->name : request.channel);
  AppendHeader(headers, "Context", request.context);
  AppendHeader(headers, "Exten", request.exten);
  AppendHeader(headers, "Reason", channel != nullptr ? "4" : "0");
  const std::string_view chosen = request.uniqueid.empty() ? kNone : request.uniqueid;
  AppendHeader(headers, "Uniqueid", channel != nullptr ? channel->uniqueid : chosen);
  AppendHeader(headers, "CallerIDNum", channel != nullptr ? channel->caller.number : kNone);
  AppendHeader(headers, "CallerIDName", channel != nullptr ? channel->caller.name : kNone);
  Emit("OriginateResponse", headers);
}

}  // namespace unipresence::simulation
